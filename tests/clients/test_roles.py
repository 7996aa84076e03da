"""What devices are played as: models by the scenario, screens by the population."""

from loadtests.clients.policy import Edge
from loadtests.clients.requests import KeyKind
from loadtests.clients.roles import guest_screen, home_screen, models_of
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import scenario_of

SCENARIO = scenario_of(
    subscribers={"count": 1, "ios": 0, "web_open_job": 1.0, "debounce_ms": 250, "refresh": {"edge": "fixed-window"}}
)
POPULATION = Population(SCENARIO, 1, "roles")


def test_models_follow_the_scenario() -> None:
    """Its window and its edge, for every model."""
    policies = [model.policy for model in models_of(SCENARIO).values()]

    assert {(policy.window_ns, policy.edge) for policy in policies} == {(250_000_000, Edge.FIXED_WINDOW)}


def test_the_open_job_is_on_the_screen_at_home() -> None:
    """A web device fetches the list, the job and its documents."""
    screen = home_screen(POPULATION.subscribers[0], models_of(SCENARIO)[DeviceModel.WEB], POPULATION)

    assert [key.kind for key in screen.everything] == [KeyKind.JOB_LIST, KeyKind.JOB, KeyKind.DOCUMENTS]


def test_a_guest_names_the_organization() -> None:
    """Nothing is open there but the list."""
    screen = guest_screen(0, models_of(SCENARIO)[DeviceModel.WEB], POPULATION)

    assert [key.path.rpartition("=")[2] for key in screen.everything] == [POPULATION.organization_id(0)]
