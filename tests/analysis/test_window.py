"""Which part of a run counts."""

from loadtests.analysis.window import measurement_window
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from tests.analysis.literal import MS, Story, scenario_of

PHASES = [
    {"name": "warm-up", "duration_s": 2, "mutations_per_s": 1, "warm_up": True},
    {"name": "load", "duration_s": 10, "mutations_per_s": 1},
]


def test_the_window_runs_from_the_first_measured_phase_to_the_end_of_the_last() -> None:
    """Warm-up is left out; ENDED after the plan changes nothing."""
    scenario = scenario_of(phases=PHASES)
    history = History.from_rows(
        [
            {"kind": Kind.PHASE, "at_ns": 0, "revision": 1},
            {"kind": Kind.PHASE, "at_ns": 2000 * MS, "value": 1},
            {"kind": Kind.ENDED, "at_ns": 12_001 * MS},
        ]
    )

    window = measurement_window(history, scenario)

    assert (window.load_ns, window.start_ns, window.end_ns) == (0, 2000 * MS, 12_000 * MS)
    assert window.duration_s == 10.0


def test_a_load_that_was_cut_short_ends_the_window() -> None:
    """Ended at 7.5 s of 10."""
    story = Story().row(Kind.ENDED, 7500)

    assert measurement_window(story.history, story.scenario).end_ns == 7500 * MS


def test_a_run_that_never_was_measured_has_an_empty_window() -> None:
    """It died while warming up."""
    history = History.from_rows([{"kind": Kind.PHASE, "at_ns": 5, "revision": 1}])

    assert measurement_window(history, scenario_of(phases=PHASES)).duration_s == 0.0


def test_without_an_end_the_record_ends_with_its_last_row() -> None:
    """The runner was killed after 3 s."""
    history = History.from_rows([{"kind": Kind.PHASE, "at_ns": 0}, {"kind": Kind.SIGNAL, "at_ns": 3000 * MS}])

    assert measurement_window(history, scenario_of()).end_ns == 3000 * MS + 1
