"""The policies that a run is replayed with."""

import pytest

from loadtests.analysis.laboratory.policy_grid import design, grid, jitter_ms_of, jittered, live, name_of, parse_policy
from loadtests.analysis.laboratory.replay import ReplayError
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import scenario_of

MS = 1_000_000
SCENARIO = scenario_of(subscribers={"count": 1, "debounce_ms": 250, "refresh": {"max_wait_ms": 1000}})


def test_live_is_what_the_scenario_says_and_design_is_not() -> None:
    """The scenario has a window of its own, and a maximal wait."""
    assert live(SCENARIO).policies[DeviceModel.IOS] == RefreshPolicy(250 * MS, Coalescing.ENTITY, max_wait_ns=1000 * MS)
    assert design().policies[DeviceModel.IOS] == RefreshPolicy(500 * MS, Coalescing.ENTITY)


def test_what_a_policy_leaves_out_is_the_models_own() -> None:
    """The window is the scenario's, the coalescing that of each client."""
    policies = parse_policy("edge=fixed-window,jitter_ms=100", SCENARIO).policies

    assert policies[DeviceModel.IOS] == RefreshPolicy(250 * MS, Coalescing.ENTITY, Edge.FIXED_WINDOW, None, 100 * MS)
    assert policies[DeviceModel.WEB].coalescing is Coalescing.REQUEST_KEY


def test_every_name_of_the_grid_is_read_as_what_it_names() -> None:
    """And no two are alike."""
    choices = grid()

    assert len({choice.name for choice in choices}) == len(choices) == 101
    for choice in choices[1:]:
        assert parse_policy(choice.name, SCENARIO).policies[DeviceModel.IOS] == choice.policies[DeviceModel.IOS]


def test_the_grid_has_every_edge() -> None:
    """Also the iOS app's defect, and none at all."""
    assert {choice.policies[DeviceModel.IOS].edge for choice in grid()} == set(Edge)


def test_the_hybrids_policy_is_for_every_client() -> None:
    """It is what we would ship."""
    assert len(set(parse_policy("hybrid", SCENARIO).policies.values())) == 1


@pytest.mark.parametrize("text", ["live", "design", "hybrid", "edge=none", "edge=trailing,window_ms=100,jitter_ms=50"])
def test_any_policy_can_have_another_jitter_and_a_name_that_says_so(text: str) -> None:
    """Which is read as what it names."""
    other = jittered(parse_policy(text, SCENARIO), 300)

    assert jitter_ms_of(other) == 300
    assert other.name.endswith(",jitter_ms=300")
    assert other.name.count("jitter_ms") == 1
    assert parse_policy(other.name, SCENARIO).policies == other.policies


def test_an_edge_alone_has_a_short_name() -> None:
    """Without a window nothing else matters."""
    assert name_of(RefreshPolicy(0, Coalescing.NONE, Edge.NONE)) == "edge=none"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("soon", "neither live, design nor hybrid"), ("edge=late", "edge: "), ("window_ms=x", "no number")],
)
def test_what_is_no_policy_is_refused(text: str, complaint: str) -> None:
    """With what was expected."""
    with pytest.raises(ReplayError, match=complaint):
        parse_policy(text, SCENARIO)
