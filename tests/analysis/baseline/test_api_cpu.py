"""What a GET costs the API's process: planted costs are found again, and what cannot be told is not told."""

import pytest

from loadtests.analysis.baseline.api_cpu import ApiCpu, api_cpu
from loadtests.history.kinds import Kind, Process
from tests.analysis.literal import MS, Story


def measured(
    *, seconds: int = 9, ms_per_get: float = 0.5, ms_per_mutation: float = 3, process: Process = Process.API
) -> ApiCpu:
    """Return the cost found when n GETs and some mutations end in each of the run's quarter seconds."""
    story = Story().clock().live(0).body("body", ("job", 1))
    used_ms, mutation = 100.0, 0
    for quarter in range(4 * seconds + 1):
        at_ms = 250.0 * quarter
        story.row(Kind.USAGE, at_ms, actor=process, value=round(used_ms * MS))
        gets, mutations = (7 * quarter) % 5, (3 * quarter) % 4
        for get in range(gets):
            story.fetch(0, at_ms + 10 + get, at_ms + 20 + get, "body")
        for _ in range(mutations):
            story.mutation(mutation, at_ms + 30, revision=mutation + 2)
            mutation += 1
        used_ms += gets * ms_per_get + mutations * ms_per_mutation + 0.002 * 250
    run = story.run()
    return api_cpu(story.history, run.screens.requests, run.mutations, run.window)


def test_the_cost_of_a_get_is_told_from_that_of_a_mutation() -> None:
    """Half a millisecond beside three, and two per second for nothing at all."""
    found = measured()

    assert found.ms_per_get == pytest.approx(0.5)
    assert found.samples == 36
    assert found.ms_per_get_low == pytest.approx(0.5, abs=1e-6)
    assert found.ms_per_get_high == pytest.approx(0.5, abs=1e-6)


def test_few_samples_tell_nothing() -> None:
    """Sixteen of twenty; no number stands for unknown."""
    assert measured(seconds=4) == ApiCpu(samples=16)


def test_an_external_target_has_no_process_of_ours() -> None:
    """Somebody else's CPU is not the API's."""
    assert measured(process=Process.REALTIME) == ApiCpu()


def test_a_get_never_costs_less_than_nothing() -> None:
    """Mutations alone use CPU here."""
    found = measured(ms_per_get=0)

    assert found.ms_per_get == pytest.approx(0, abs=1e-9)
    assert (found.ms_per_get_low or 0) >= 0
