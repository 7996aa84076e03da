"""Who takes part: counts, homes, identifiers."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.schedule import moments_written
from loadtests.scenario.vocabulary import DeviceModel

LOAD = {"name": "load", "duration_s": 1, "mutations_per_s": 1}


def population(*, seed: int = 1, run_id: str = "a run", **keys: Any) -> Population:
    """Return the population of a scenario that says only what a test is about."""
    whole = {"name": "any", "question": "Who takes part in it?", "phases": [LOAD], **keys}
    return Population(Scenario.model_validate(whole), seed=seed, run_id=run_id)


EVERYBODY = population(
    organizations={"count": 7, "jobs": 4},
    subscribers={"count": 20, "ios": 3, "web": 1, "web_open_job": 1, "web_open_audit": 1},
    pollers=[{"interval_s": 5, "count": 6}, {"interval_s": 10, "count": 3}],
)


def test_every_identifier_is_a_uuid_of_its_own() -> None:
    """Organizations, authors, users and jobs never share one, nor does another run."""
    other = Population(EVERYBODY.scenario, seed=1, run_id="another run")
    identifiers = [
        identifier
        for who in (EVERYBODY, other)
        for identifier in (
            *(who.organization_id(number) for number in range(7)),
            *(who.author_id(number) for number in range(7)),
            *(who.job_id(number, ordinal) for number in range(7) for ordinal in range(4)),
            *(device.user_id for device in who.devices),
        )
    ]

    assert len(set(identifiers)) == len(identifiers) == 2 * (7 + 7 + 28 + 29)
    assert [str(UUID(identifier)) for identifier in identifiers] == identifiers


def test_everybody_computes_the_same_population() -> None:
    """Each process rebuilds it from scenario, seed and run id."""
    again = Population(EVERYBODY.scenario, seed=1, run_id="a run")

    assert again.devices == EVERYBODY.devices


def test_a_device_is_found_at_its_index() -> None:
    """Subscribers first, then pollers; the index is the place."""
    assert [device.index for device in EVERYBODY.devices] == list(range(29))
    assert {device.model for device in EVERYBODY.pollers} == {DeviceModel.POLLER}
    assert len(EVERYBODY.subscribers) == 20


def test_each_control_subscriber_shadows_another_device_as_a_user_of_its_own() -> None:
    """Spread over all of them; without a control group there is none."""
    people = population(organizations={"count": 4}, subscribers={"count": 20, "control": 4})
    shadowed = [people.subscribers[control.shadows] for control in people.controls]

    assert [control.shadows for control in people.controls] == [0, 5, 10, 15]
    assert [control.organization for control in people.controls] == [device.organization for device in shadowed]
    assert {control.user_id for control in people.controls}.isdisjoint(device.user_id for device in people.devices)
    assert len({control.user_id for control in people.controls}) == 4
    assert population(subscribers={"count": 20, "control": 0}).controls == ()


def test_each_run_has_a_control_group_unless_it_wants_none() -> None:
    """Two, or as many as there are subscribers to shadow."""
    sizes = [len(population(subscribers={"count": count}).controls) for count in (0, 1, 2, 200)]

    assert sizes == [0, 1, 2, 2]


def test_who_hears_nothing_is_not_shadowed() -> None:
    """One mutation in the measured second, so one of 40 organizations is written to; the warm-up does not count."""
    load = {"mutations_per_s": 1, "arrivals": "even", "duration_s": 1}
    phases = [{**load, "name": "warm-up", "mutations_per_s": 100, "warm_up": True}, {**load, "name": "load"}]
    people = population(organizations={"count": 40}, subscribers={"count": 120}, phases=phases)
    (written_to,) = moments_written(people.scenario, people.seed)

    assert [control.organization for control in people.controls] == [written_to] * 2
    assert len({control.shadows for control in people.controls}) == 2


@pytest.mark.parametrize(
    "step", [{"step": "logout", "at_s": 0.2}, {"step": "login", "at_s": 7.9}, {"step": "switch", "at_s": 0}]
)
def test_who_is_not_there_when_something_is_written_is_not_shadowed(step: dict[str, Any]) -> None:
    """Half of them leave before, come after, or are elsewhere; of the others each is as good as the next."""
    load = {"name": "load", "mutations_per_s": 10, "arrivals": "even", "duration_s": 2}
    rest = {"name": "rest", "mutations_per_s": 0, "duration_s": 1}
    people = population(
        organizations={"count": 2},
        subscribers={"count": 20, "control": 10},
        phases=[{**load, "warm_up": True}, {**load, "name": "measured"}, rest],
        lifecycle=[{**step, "share": 0.5}],
    )
    concerned = {each.index for each in people.subscribers if people.itineraries.of(each.index, each.model)}

    assert len(concerned) == 10
    assert {control.shadows for control in people.controls} == set(range(20)) - concerned


def test_a_control_subscriber_joins_when_its_shadow_logs_in() -> None:
    """Not before, for a server that is cold should be woken by devices; who is there before the load is joined then."""
    login = {"step": "login", "at_s": 0.3, "share": 0.5}
    people = population(subscribers={"count": 20, "control": 20}, lifecycle=[login, {**login, "at_s": 0.9}])
    joins_ns = [control.joins_ns for control in people.controls]

    assert Counter(joins_ns) == {None: 10, 300_000_000: 10}
    assert [moment is None for moment in joins_ns] == [
        people.itineraries.begins_logged_in(device.index, device.model) for device in people.subscribers
    ]


def test_models_come_in_their_proportion() -> None:
    """Three ios devices for one of web."""
    assert Counter(device.model for device in EVERYBODY.subscribers) == {DeviceModel.IOS: 15, DeviceModel.WEB: 5}


def test_only_web_devices_have_something_open() -> None:
    """An open job is one of those that exist before the start."""
    open_jobs = [device.open_job for device in EVERYBODY.subscribers if device.model is DeviceModel.WEB]
    ios = [device for device in EVERYBODY.subscribers if device.model is DeviceModel.IOS]

    assert all(job is not None and 0 <= job < 4 for job in open_jobs)
    assert all(device.open_job is None and not device.open_audit for device in ios)


def test_without_jobs_nothing_is_open() -> None:
    """There is nothing to open before the first job is created."""
    empty = population(organizations={"jobs": 0}, subscribers={"count": 9, "web_open_job": 1})

    assert {device.open_job for device in empty.subscribers} == {None}


def test_members_are_spread_evenly() -> None:
    """No organization has two subscribers more than another."""
    homes = Counter(device.organization for device in EVERYBODY.subscribers)

    assert sorted(homes.values()) == [2, 3, 3, 3, 3, 3, 3]


def test_members_differ_in_one_way() -> None:
    """By Zipf's law or by what is said."""
    with pytest.raises(ValueError, match="members says how subscribers spread"):
        population(organizations={"count": 2, "sizes": "skewed", "members": [1, 2]})


def test_pollers_keep_their_cohorts_interval() -> None:
    """And their phases differ, so that they do not poll in step."""
    pollers = EVERYBODY.pollers

    assert Counter(device.interval_s for device in pollers) == {5: 6, 10: 3}
    assert len({device.phase for device in pollers}) == len(pollers)
    assert all(0 <= device.phase < 1 for device in pollers)


@given(mutation=st.integers(0, 16**12 - 1))
def test_a_request_id_leads_back_to_its_mutation(mutation: int) -> None:
    """It is a UUID, and only this run understands it."""
    request_id = EVERYBODY.request_id(mutation)

    assert str(UUID(request_id)) == request_id
    assert EVERYBODY.mutation_index(request_id) == mutation
    assert Population(EVERYBODY.scenario, seed=1, run_id="another run").mutation_index(request_id) is None


@pytest.mark.parametrize("text", ["", "x", "0" * 36, EVERYBODY.request_id(1) + "0", EVERYBODY.request_id(1)[:-1] + "z"])
def test_what_is_no_request_id_of_ours_leads_nowhere(text: str) -> None:
    """Requests of somebody else have ids of every form."""
    assert EVERYBODY.mutation_index(text) is None
