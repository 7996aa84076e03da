"""Who plays whom: the machines that scenario and population ask for."""

from itertools import count
from random import Random
from typing import Any

from loadtests.clients.effects import Dial, Request
from loadtests.clients.manners import Renewal
from loadtests.clients.reconnecting import PYTHON, WELL_BEHAVED
from loadtests.drivers.casting import Casting, manners_of
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import Step

S = 1_000_000_000


def scenario(subscribers: dict[str, Any], **keys: Any) -> Scenario:
    """Return a scenario with these devices in two organizations."""
    return Scenario.model_validate(
        {
            "name": "cast",
            "question": "Who plays whom?",
            "organizations": {"count": 2, "jobs": 3},
            "subscribers": {"count": 4, **subscribers},
            "phases": [{"name": "load", "duration_s": 60, "mutations_per_s": 1}],
            **keys,
        }
    )


def cast(wanted: Scenario) -> tuple[Population, Casting]:
    """Return the population of a scenario and who casts it."""
    population = Population(wanted, 1, "run")
    casting = Casting(population, mint=lambda user: f"of {user}", random=Random(1), batches=count(1))  # noqa: S311
    return population, casting


def test_a_device_is_told_what_its_scenario_says() -> None:
    """The channel is its organization's, the token its user's, the order of things its client model's."""
    population, casting = cast(scenario({"web": 0}))
    role = population.subscribers[3]
    device = casting.device(role)

    assert device.topic == f"realtime:org-{population.organization_id(role.organization)}-events"
    assert device.step(Step.LOGIN, S)[-1] == Dial()
    assert device.token == f"of {role.user_id}"


def test_a_guest_names_the_organization_in_its_requests() -> None:
    """The API takes the user's own for granted."""
    wanted = scenario({"web": 0, "background": {"order": "fetch-first"}}, lifecycle=[{"at_s": 1, "step": "switch"}])
    population, casting = cast(wanted)
    role = population.subscribers[0]
    device = casting.device(role)
    device.step(Step.LOGIN, S)
    requests = [effect for effect in device.step(Step.SWITCH, 2 * S) if isinstance(effect, Request)]

    assert role.other_organization is not None
    guest_of = population.organization_id(role.other_organization)
    assert [request.fetch.key.path for request in requests] == [f"/api/jobs?page=1&limit=25&organization_id={guest_of}"]


def test_devices_that_are_alike_share_what_does_not_change() -> None:
    """Ten thousand devices of a few organizations hold a few channels and screens."""
    population, casting = cast(scenario({"web": 0}))
    devices = [casting.device(role) for role in population.subscribers]

    assert len({id(device._place) for device in devices}) == 2


def test_manners_are_the_scenarios() -> None:
    """By default well behaved with its own patience; what is said replaces it."""
    usual = manners_of(scenario({}))
    assert (usual.is_told, manners_of(scenario({}), is_told=True).is_told) == (False, True)
    said = manners_of(scenario({"connection": {"reconnect": "python", "heartbeat_timeout_s": 3, "renewal": "never"}}))

    assert (usual.reconnecting, usual.patience_ns, usual.renewal) == (WELL_BEHAVED, 10 * S, Renewal.BEFORE)
    assert (said.reconnecting, said.patience_ns, said.renewal) == (PYTHON, 3 * S, Renewal.NEVER)
