"""What a scenario is going to send: each number against its arithmetic by hand."""

from typing import Any

import pytest

from loadtests.checks.expected_load import EVENT_FRAME_BYTES, ExpectedLoad, expect, to_json
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population

STEADY = {"name": "steady", "duration_s": 100, "mutations_per_s": 2}


def load(count: int = 10, **keys: Any) -> ExpectedLoad:
    """Return what a scenario sends: one organization and 100 s at 2 mutations/s, unless it says otherwise."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "What is the answer?",
            "subscribers": {"count": count, "control": 0, **keys.pop("subscribers", {})},
            "phases": [STEADY],
            **keys,
        }
    )
    return expect(Population(scenario, seed=1, run_id="any"))


def test_each_mutation_reaches_each_member() -> None:
    """2 mutations/s x 10 members x 100 s = 2,000 messages: one for each change at each subscriber."""
    told = load()

    assert told.messages == pytest.approx(2000)
    assert told.phases[0].receivers == pytest.approx(10)
    assert told.phases[0].deliveries_per_s == pytest.approx(20)
    assert told.phases[0].bytes_per_s == pytest.approx(20 * EVENT_FRAME_BYTES)
    assert (told.connections_peak, told.joins) == (10, 10)


def test_organizations_share_the_mutations() -> None:
    """5 organizations of 2 members: each mutation reaches 2."""
    told = load(organizations={"count": 5})

    assert told.phases[0].deliveries_per_s == pytest.approx(4)
    assert (told.busiest.members, told.busiest.mutations_per_s) == (2, pytest.approx(0.4))


def test_large_organizations_are_written_to_more_often() -> None:
    """Zipf's law over two: 2/3 and 1/3 of members and of mutations; 12 members make 8 and 4: 2 x (8·2/3 + 4/3)."""
    told = load(12, organizations={"count": 2, "sizes": "skewed"})

    assert told.phases[0].deliveries_per_s == pytest.approx(2 * (8 * 2 / 3 + 4 / 3))
    assert told.busiest.deliveries_per_s == pytest.approx(8 * 2 * 2 / 3)


def test_phases_differ_and_add_up() -> None:
    """Warm-up sends messages too, and the busiest phase is the one with the most."""
    phases = [
        {"name": "warm-up", "duration_s": 10, "mutations_per_s": 1, "warm_up": True},
        {"name": "burst", "duration_s": 5, "mutations_per_s": 40},
        {"name": "calm", "duration_s": 20, "mutations_per_s": 0},
    ]
    told = load(phases=phases)

    assert [phase.deliveries_per_s for phase in told.phases] == pytest.approx([10, 400, 0])
    assert told.messages == pytest.approx(10 * 10 + 40 * 5 * 10)
    assert told.busiest_phase.name == "burst"
    assert [told.phase_at(at_s) for at_s in (-1, 0, 12, 34, 36)] == ["connecting", "warm-up", "burst", "calm", "drain"]


def test_who_is_away_receives_nothing() -> None:
    """Half of the devices log out half-way: 1,500 of 2,000."""
    told = load(lifecycle=[{"at_s": 50, "step": "logout", "share": 0.5}])

    assert told.messages == pytest.approx(1500)
    assert told.phases[0].deliveries_per_s_peak == pytest.approx(20)


def test_a_storm_joins_within_a_second() -> None:
    """Ten that log in at once, after ten that were there: 20 connections, 10 joins in one second."""
    told = load(20, lifecycle=[{"at_s": 50, "step": "login", "share": 0.5}], subscribers={"connects_per_s": 1})

    assert told.connections_peak == 20
    assert told.joins_per_s_peak == 10
    assert told.messages == pytest.approx(2 * (10 * 100 + 10 * 50))


def test_a_switch_needs_no_second_connection() -> None:
    """All ten go to the other organization in one second: ten sockets, twenty joins."""
    told = load(organizations={"count": 2}, lifecycle=[{"at_s": 50, "step": "switch"}])

    assert (told.connections_peak, told.joins) == (10, 20)


def test_authors_hear_their_own_echo() -> None:
    """Half of the mutations have an author with a device, flags (a tenth) apart: 200 x 0.9 x 0.5."""
    assert load(mutators={"own_devices": 0.5}).own_echoes == pytest.approx(90)
    assert load().own_echoes == 0


def test_an_even_pace_leaves_nothing_to_chance_in_one_organization() -> None:
    """Poisson arrivals do: the variance of a second's deliveries is rate x members²."""
    even, poisson = load(phases=[{**STEADY, "arrivals": "even"}]), load()

    assert even.timeline.variance.max() == 0
    assert poisson.timeline.between(poisson.timeline.variance, 50, 51) == pytest.approx(2 * 10**2)


def test_every_signal_asks_for_a_list_at_most() -> None:
    """IOS devices fetch one list a signal, and one at login; pollers one an interval and one at the beginning."""
    told = load(subscribers={"web": 0}, pollers=[{"interval_s": 10, "count": 3}])
    polls = 3 * (1 + (100 + 11) / 10)

    assert told.refetches == pytest.approx(2000 + 10 + polls)
    assert told.phases[0].requests_per_s == pytest.approx(2 + 0.3 + 20)


def test_the_control_group_connects_and_receives_but_fetches_nothing() -> None:
    """Four official clients beside ten devices: 14 connections, 2 x 14 x 100 messages, re-fetches for 2,000 alone."""
    told = load(subscribers={"web": 0, "control": 4, "connects_per_s": 1})

    assert (told.controls, told.connections_peak, told.joins) == (4, 14, 14)
    assert told.joins_per_s_peak == 5  # all of the group, and the first device
    assert told.messages == pytest.approx(2800)
    assert (told.phases[0].receivers, told.busiest.members) == (pytest.approx(14), 14)
    assert told.refetches == pytest.approx(2000 + 10)
    assert told.phases[0].requests_per_s == pytest.approx(2 + 20)
    assert told.timeline.between(told.timeline.variance, 50, 51) == pytest.approx(2 * 14**2)
    assert (told.rows.users, told.rows.memberships) == (15, 15)


def test_the_control_group_stays_in_its_organizations_when_devices_leave() -> None:
    """One shadows a device of each of two organizations; all four devices log out half-way: 2·(2+1)·50 + 2·1·50."""
    told = load(
        4,
        organizations={"count": 2},
        subscribers={"control": 2},
        lifecycle=[{"at_s": 50, "step": "logout"}],
    )

    assert told.messages == pytest.approx(2 * 3 * 50 + 2 * 1 * 50)
    assert told.connections_peak == 6


def test_what_is_made_in_the_database() -> None:
    """Organizations, an owner for each, all devices' users, 15 jobs each; a fifth of the mutations are creates."""
    rows = load(organizations={"count": 2}, pollers=[{"interval_s": 10, "count": 3}]).rows

    assert (rows.organizations, rows.users, rows.memberships, rows.jobs_before) == (2, 15, 15, 30)
    assert (rows.jobs_created, rows.documents, rows.events) == (
        pytest.approx(40),
        pytest.approx(30),
        pytest.approx(200),
    )


def test_nobody_at_all_is_no_trouble() -> None:
    """A scenario without subscribers measures the API alone."""
    told = load(0)

    assert (told.connections_peak, told.messages, told.busiest.members) == (0, 0, 0)
    assert to_json(told)["phases"]["steady"]["deliveries_per_s"] == 0
