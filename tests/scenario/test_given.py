"""People who exist already, in a population."""

from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population

GIVEN = Given(
    organizations=("o1", "o2"), authors=("a1", "a2"), members=(("m1",), ("m2", "m3")), jobs=(("j1",), ("j2",))
)
SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "Who plays whom, if people are given?",
        "organizations": {"count": 2, "jobs": 1},
        "subscribers": {"count": 6},
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
    }
)


def test_given_people_play_the_devices_of_their_organization() -> None:
    """With more devices than people, some have several."""
    people = Population(SCENARIO, seed=1, run_id="any", given=GIVEN)

    assert [(device.organization, device.user_id) for device in people.subscribers] == [
        (0, "m1"), (0, "m1"), (0, "m1"), (1, "m3"), (1, "m2"), (1, "m3"),
    ]  # fmt: skip
    assert (people.author_id(1), people.organization_id(0), people.job_id(1, 0)) == ("a2", "o1", "j2")


def test_they_are_read_as_they_were_written() -> None:
    """Through JSON, where tuples are lists."""
    assert Given.from_json(GIVEN.to_json()) == GIVEN
