"""What is said of a restless stream: sentences and tables from numbers by hand."""

from typing import Any

from reports.metrics import Metrics
from reports.starvation import living, longest_table, phase_wait_table


def starving(**changes: Any) -> Metrics:
    """Return the metrics of a run, with some of `starvation` changed."""
    longest = {"p50": 700.0, "p95": None, "p99": None, "max": 1500.0, "n": 12, "pairs": 12}
    told = {
        "longest_ms": longest, "batches": 40, "never_flushed": 0, "ending_gaps": 200, "narrow_share": 0.9,
        "margin_ms_p5": 24.0, "margin_ms_p50": 27.0, "lives_on": "cadence", "phases": {},
    }  # fmt: skip
    return Metrics({"starvation": {**told, **changes}})


def test_a_debounce_that_lives_on_the_feeds_cadence_is_told_how_thin_its_margin_is() -> None:
    """Nine in ten of the gaps are narrow."""
    said = living(starving())

    assert said.startswith("It lives on the feed's cadence, not on quiet times: 90\N{NO-BREAK SPACE}%")
    assert "24\N{NO-BREAK SPACE}ms" in said
    assert said.endswith("was 1.50\N{NO-BREAK SPACE}s.")


def test_quiet_times_and_starving_read_differently() -> None:
    """Each has a sentence of its own."""
    assert living(starving(lives_on="quiet", margin_ms_p50=2500.0)).startswith("It lives on quiet times")
    assert living(starving(lives_on="nothing")).startswith("It starves")


def test_what_cannot_be_said_is_not() -> None:
    """Too few windows ended; no batch at all; a run that was analysed before."""
    assert "cannot be said" in living(starving(lives_on=None))
    assert living(starving(batches=0)) == ""
    assert (living(Metrics({})), longest_table(Metrics({})).rows, phase_wait_table(Metrics({})).rows) == ("", (), ())


def test_a_wait_without_end_is_told_as_never() -> None:
    """Even events closer than the window: theory never flushes."""
    phase = {
        "events_per_s": 5.0, "wait_ms_mean": 15_000.0, "wait_ms_standard_error": None, "observations": 1,
        "theory_ms": "never", "batches": 30, "never_flushed": 0,
    }  # fmt: skip
    ((name, *cells),) = phase_wait_table(starving(phases={"even-5": phase})).rows

    assert name == "even-5"
    assert "never" in cells
