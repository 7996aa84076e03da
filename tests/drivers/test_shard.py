"""How a population is divided over processes, and what a process needs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.drivers.run_input import RunInput
from loadtests.drivers.shard import Shard, TooFewDescriptorsError, ledger_rows
from loadtests.history.directory import RunDirectory
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population


def run_of(**changes: Any) -> RunInput:
    """Return a run of a small scenario with changes."""
    scenario = Scenario.model_validate(
        {
            "name": "shards",
            "question": "Who lives where?",
            "organizations": {"count": 3},
            "subscribers": {"count": 30},
            "pollers": [{"interval_s": 5, "count": 7}],
            "phases": [{"name": "load", "duration_s": 10, "mutations_per_s": 5}],
            **changes,
        }
    )
    population = Population(scenario, seed=1, run_id="shards")
    return RunInput(directory=RunDirectory(Path("unused")), scenario=scenario, population=population)


@given(of=st.integers(1, 8))
def test_each_device_lives_in_exactly_one_shard(of: int) -> None:
    """The shards together are the population, however many there are."""
    run = run_of()
    shards = [Shard.of_run(run, number, of) for number in range(of)]
    subscribers = [device for shard in shards for device in shard.subscribers]
    pollers = [device for shard in shards for device in shard.pollers]

    assert sorted(device.index for device in subscribers + pollers) == list(range(37))
    assert {device.index for device in subscribers} == {device.index for device in run.population.subscribers}


def test_each_device_may_have_a_connection_of_its_own() -> None:
    """With room for all, re-fetches may use as many connections as there are devices."""
    assert Shard.of_run(run_of(), 0, 1).fetch_connections(20_000) == 37


def test_a_low_limit_leaves_fewer_connections() -> None:
    """What sockets and files leave over is shared."""
    assert Shard.of_run(run_of(), 0, 1).fetch_connections(64 + 30 + 20) == 20


def test_a_limit_that_is_too_low_is_told_with_the_command_that_helps() -> None:
    """No process starts that could not open its sockets."""
    with pytest.raises(TooFewDescriptorsError, match=r"ulimit -n 131"):
        Shard.of_run(run_of(), 0, 1).fetch_connections(64 + 30 + 15)


def test_the_ledger_holds_more_than_the_run_can_write() -> None:
    """50 mutations reach 10 of 30 devices each, all with flush and re-fetches; every answer is another body."""
    run = run_of()
    shard = Shard.of_run(run, 0, 1)
    worst = 50 * 10 * (1 + 1 + 3 * 2) + 50 * 3 * 30 + 37 * 20

    assert ledger_rows(run.scenario, shard) > 10 * worst


def test_skewed_organizations_need_a_larger_ledger() -> None:
    """Where mutations and members meet in one organization, there are more signals."""
    load = [{"name": "load", "duration_s": 1000, "mutations_per_s": 100}]
    even = run_of(phases=load)
    skewed = run_of(phases=load, organizations={"count": 3, "sizes": "skewed"})

    assert ledger_rows(skewed.scenario, Shard.of_run(skewed, 0, 1)) > ledger_rows(
        even.scenario, Shard.of_run(even, 0, 1)
    )
