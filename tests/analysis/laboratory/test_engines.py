"""Arrays and state machines: the same flushes, the same requests, the same outcome, for every policy of the grid."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.laboratory.carried_out import Requests
from loadtests.analysis.laboratory.policy_grid import grid
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.laboratory.literal_traces import ENTITIES, MS, Life, laboratory_of

GRID = grid()
MODELS = (DeviceModel.IOS, DeviceModel.WEB, DeviceModel.IOS_AS_BUILT)


def stamps(most_ms: int) -> st.SearchStrategy[int]:
    """Return stamps that often meet to the nanosecond, or miss each other by one."""
    return st.tuples(st.integers(0, most_ms // 50), st.sampled_from((0, 0, 0, -1, 1, 7 * MS))).map(
        lambda told: max(told[0] * 50 * MS + told[1], 0)
    )


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Return a lifetime of bursts, of looks away in the middle of them, and of catch-ups."""
    heard = draw(st.lists(st.tuples(stamps(6000) | stamps(19_999), st.integers(0, ENTITIES - 1)), max_size=40))
    away = sorted(set(draw(st.lists(stamps(19_000), max_size=4))) - {0})
    away = away[: len(away) // 2 * 2]
    return Life(
        model=draw(st.sampled_from(MODELS)),
        heard=sorted(heard, key=lambda each: each[0]),
        away_ns=list(zip(away[::2], away[1::2], strict=True)),
        catch_ups_ns=sorted(draw(st.lists(stamps(19_000), max_size=3))),
    )


def policies() -> st.SearchStrategy[RefreshPolicy]:
    """Return policies in the grid and beyond it."""
    windows = st.sampled_from((0, 50, 100, 250, 500, 1000, 2000)).map(lambda ms: ms * MS)
    return st.builds(
        RefreshPolicy,
        windows,
        st.sampled_from(Coalescing),
        st.sampled_from(Edge),
        st.none() | windows,
        st.sampled_from((0, 50 * MS, 333 * MS)),
    )


def rows(requests: Requests) -> list[tuple[int, ...]]:
    """Return requests as rows, in an order that does not depend on who made them."""
    columns = (requests.owner, requests.started_ns, requests.kind, requests.is_flush, requests.answered_ns)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=100, deadline=None)
@given(told=st.lists(lives(), min_size=1, max_size=5), policy=policies(), seed=st.integers(0, 3))
def test_any_trace_comes_to_the_same_under_any_policy(told: list[Life], policy: RefreshPolicy, seed: int) -> None:
    """Each request of each lifetime, its start and its answer to the nanosecond; and what was dropped."""
    engines = laboratory_of(told, seed=seed).engines
    for model, part in engines.parts():
        flushes, lived = engines.flushes(part, policy), engines.by_machines(part, policy, model)

        assert tuple(zip(flushes.owner.tolist(), flushes.due_ns.tolist(), strict=True)) == lived.flushes
        assert flushes.suppressed == lived.suppressed
        assert rows(engines.by_columns(part, flushes, policy, model)) == rows(lived.requests)


@settings(max_examples=3, deadline=None)
@given(told=st.lists(lives(), min_size=1, max_size=4))
def test_the_whole_grid_has_the_same_outcomes(told: list[Life]) -> None:
    """Those that share their moments worked out together."""
    fast, slow = laboratory_of(told), laboratory_of(told, may_be_fast=False)
    for choice in GRID:
        assert fast.replay(choice) == slow.replay(choice)
