"""Is the measurement good: what is ours to answer for, and what is the target's."""

from typing import Any

import pytest

from loadtests.history.kinds import Kind, Process, Unsent
from tests.analysis.literal import MS, Story


def health_of(story: Story) -> Any:
    """Return the object `health` of metrics.json."""
    return story.metrics()["health"]


def sound_story(**changes: Any) -> Story:
    """Return a run in which nothing is wrong."""
    return Story(**changes).clock().live(0, 1).true_job("job", 2).mutation(0, 100)


def test_a_sound_measurement_has_no_reasons_against_it() -> None:
    """Bounds of the scenario's defaults."""
    health = health_of(sound_story())

    assert (health["reasons"], health["samples_ok"], health["clock_bound_ms"]) == ([], True, 0.05)


def test_the_dispatchers_own_delay_is_ours() -> None:
    """Dispatched 60 ms after due: beyond the 50 ms that the scenario allows."""
    story = sound_story()
    story.row(Kind.DUE, 560, due_ns=500 * MS, actor=1, value=0, flag=2)

    health = health_of(story)

    assert health["send_delay_ms_p99"] == 60.0
    assert len(health["reasons"]) == 1
    assert "dispatcher" in health["reasons"][0]


def test_waiting_for_a_free_mutator_is_the_targets_doing() -> None:
    """Dispatched in time, sent 300 ms later, or never: no reason against the measurement."""
    story = sound_story().mutation(1, 500, send_ms=300, revision=3)
    story.row(Kind.DUE, 600, due_ns=600 * MS, actor=2, value=0, flag=2)
    story.row(Kind.UNSENT, 601, actor=2, value=Unsent.POOL_EXHAUSTED)
    story.row(Kind.DUE, 610, due_ns=610 * MS, actor=3, value=0, flag=2)
    story.row(Kind.UNSENT, 20_000, actor=3, value=Unsent.RUN_ENDED)

    health = health_of(story)

    assert health["reasons"] == []
    assert health["target_limited_share"] == 0.75


def test_an_organization_without_jobs_is_not_the_targets_doing() -> None:
    """All its jobs are archived: the scenario asked for what cannot be done."""
    story = sound_story().row(Kind.DUE, 600, due_ns=600 * MS, actor=1, value=0, flag=2)

    assert health_of(story.row(Kind.UNSENT, 601, actor=1, value=Unsent.NO_FREE_JOB))["target_limited_share"] == 0


def test_an_event_loop_that_lags_is_told_and_the_targets_is_not_ours() -> None:
    """150 ms in the swarm; 900 ms in the API's process says nothing about us."""
    story = sound_story().row(Kind.LOOP_LAG, 500, actor=Process.SWARM, value=150 * MS)
    story.row(Kind.LOOP_LAG, 600, actor=Process.API, value=900 * MS)

    health = health_of(story)

    assert health["loop_lag_ms_p99"] == 150.0
    assert "lagged" in health["reasons"][0]


def test_a_stall_counts_for_all_samples_that_it_kept_from_being_taken() -> None:
    """Two stalls of a second are 0.2 % of a thousand samples, and 2 % of what they would have been."""
    story = sound_story()
    for number in range(1000):
        story.row(Kind.LOOP_LAG, number, actor=Process.SWARM)
    story.row(Kind.LOOP_LAG, 2000, actor=Process.SWARM, value=1000 * MS)
    story.row(Kind.LOOP_LAG, 4000, actor=Process.SWARM, value=1000 * MS)

    assert health_of(story)["loop_lag_ms_p99"] == 500.0


def test_health_outside_the_window_does_not_count() -> None:
    """Connecting may be rough."""
    assert health_of(sound_story().row(Kind.LOOP_LAG, -500, actor=Process.SWARM, value=150 * MS))["reasons"] == []


@pytest.mark.parametrize("process", [Process.RUNNER, Process.MUTATORS, Process.SWARM])
def test_a_process_of_ours_without_a_sample_of_its_lag_is_not_known_to_have_kept_up(process: Process) -> None:
    """One that stood still from the window's beginning to its end looks so; one sample before it says nothing."""
    story = sound_story().unsampled(process).row(Kind.LOOP_LAG, -500, actor=process)

    (reason,) = health_of(story)["reasons"]

    assert reason == (
        f"no sample tells how late our own event loops ran ({process.name.lower()}) in the measurement of 10 s: "
        "nothing says that they kept up"
    )


SPREAD = {"count": 2, "processes": 2, "web": 0, "control": 0}


def two_swarms(*, silent: tuple[int, ...]) -> Story:
    """Return a run with two swarm processes, both of which sampled their lag before the window."""
    story = sound_story(subscribers=SPREAD).unsampled(Process.SWARM)
    for index in (0, 1):
        story.row(Kind.LOOP_LAG, -500, actor=Process.SWARM, flag=index)
        if index not in silent:
            story.row(Kind.LOOP_LAG, 500, actor=Process.SWARM, flag=index)
    return story


@pytest.mark.parametrize(
    ("silent", "named"), [((), None), ((0,), "swarm-0"), ((1,), "swarm-1"), ((0, 1), "swarm-0, swarm-1")]
)
def test_one_silent_swarm_process_among_several_is_named(silent: tuple[int, ...], named: str | None) -> None:
    """What the others sampled says nothing of it."""
    reasons = health_of(two_swarms(silent=silent))["reasons"]

    assert len(reasons) == (named is not None)
    assert named is None or f"({named})" in reasons[0]


def test_in_old_ledgers_swarm_processes_have_no_numbers() -> None:
    """Then their samples tell of all of them."""
    story = sound_story(subscribers=SPREAD)

    assert health_of(story)["reasons"] == []


def test_a_run_too_short_for_a_sample_says_so() -> None:
    """Timers are looked at ten times a second: 50 ms hold none of any process."""
    story = sound_story(phases=[{"name": "load", "duration_s": 0.05, "mutations_per_s": 1}])
    story.unsampled(Process.RUNNER, Process.MUTATORS, Process.SWARM)

    (reason,) = health_of(story)["reasons"]

    assert "(runner, swarm) in the measurement of 0.05 s" in reason


def test_who_had_nothing_to_do_needs_no_sample() -> None:
    """No device: nobody had to receive. No mutation: nobody had to send."""
    story = Story().clock().true_job("job", 2).unsampled(Process.MUTATORS, Process.SWARM)

    assert health_of(story)["reasons"] == []


def test_clocks_that_are_not_bounded_well_enough_are_a_reason() -> None:
    """Half an exchange of 12 ms is 6 ms; the scenario allows 5."""
    story = Story().clock(half_ms=6).live(0, 1).true_job("job", 2).mutation(0, 100)

    assert "clocks" in health_of(story)["reasons"][0]


def test_without_clock_or_truth_the_measurement_says_so() -> None:
    """And still yields its numbers."""
    story = Story().live(0, 1).mutation(0, 100, has_event=False).signal(0, "e0", 110)

    metrics = story.metrics()

    assert len(metrics["health"]["reasons"]) == 2
    assert metrics["push"]["signal_ms"]["pairs"] == 0


def test_a_gate_on_a_quantile_with_too_few_samples_is_noticed() -> None:
    """p95 of one mutation."""
    assert health_of(sound_story(gates=["push.visibility_ms.p95 < 1000"]))["samples_ok"] is False


def test_processes_are_told_by_cores_and_peak_memory() -> None:
    """Two seconds of CPU in four seconds, 64 MiB at most."""
    story = sound_story().row(Kind.USAGE, 1000, actor=Process.SWARM, value=10**9, due_ns=2**25)
    story.row(Kind.USAGE, 5000, actor=Process.SWARM, value=3 * 10**9, due_ns=2**26)

    assert health_of(story)["processes"] == {"swarm": {"cpu_cores": 0.5, "memory_mib_max": 64.0}}
