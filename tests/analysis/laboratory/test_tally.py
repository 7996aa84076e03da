"""Waits and staleness of given requests, beside loops that ask the definition at every moment."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.laboratory.arrivals import Part, bit
from loadtests.analysis.laboratory.carried_out import Requests
from loadtests.analysis.laboratory.tally import tally
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import KeyKind
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.laboratory.literal_traces import END_NS, MS, laboratory_of
from tests.analysis.laboratory.test_engines import Life, lives, policies


def shown_by_loops(part: Part, requests: Requests, place: int) -> int | None:
    """Return when the last of the keys of an arrival was shown."""
    asked = [kind for kind in KeyKind if part.mask[place] & bit(kind)]
    columns = (requests.owner, requests.kind, requests.started_ns, requests.answered_ns)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    shown = [
        min(
            (
                answered
                for owner, of_kind, started, answered in rows
                if (owner, of_kind) == (part.owner[place], kind) and started >= part.at_ns[place] and answered < END_NS
            ),
            default=None,
        )
        for kind in asked
    ]
    return None if None in shown else max(each for each in shown if each is not None)


def mean_by_loops(open_ones: list[tuple[int, int, int]], begin_ns: int, end_ns: int) -> tuple[float, int]:
    """Return the integral of the age of the oldest (look, from, until) that is open, and the greatest age."""
    area, worst = 0.0, 0
    for look in {each[0] for each in open_ones}:
        own = [(received, until) for whose, received, until in open_ones if whose == look]
        edges = sorted({begin_ns, end_ns, *(min(max(at, begin_ns), end_ns) for each in own for at in each)})
        for low, high in pairwise(edges):
            oldest = min((received for received, until in own if received <= low < until), default=None)
            if oldest is not None:
                area += ((high - oldest) ** 2 - (low - oldest) ** 2) / 2
                worst = max(worst, high - oldest)
    return area, worst


@settings(max_examples=40, deadline=None)
@given(told=st.lists(lives(), min_size=1, max_size=3), policy=policies())
def test_waits_and_ages_are_those_of_the_definition(told: list[Life], policy: RefreshPolicy) -> None:
    """Whatever a policy fetches."""
    laboratory = laboratory_of(told)
    window = laboratory.setting.window
    for model, part in laboratory.engines.parts():
        requests = laboratory.engines.by_machines(part, policy, model).requests
        result = tally(
            part,
            requests,
            window,
            look_begin_ns=laboratory.setting.look_begin_ns,
            end_ns=laboratory.engines.traces.arrivals.end_ns[part.lifetimes],
        )
        waits, open_ones = [], []
        for place in range(len(part)):
            if not part.mask[place]:
                continue
            received, until = int(part.at_ns[place]), int(part.every_look_end_ns[part.look[place]])
            shown = shown_by_loops(part, requests, place)
            if window.start_ns <= received < window.end_ns:
                waits.append((shown - received) / MS if shown is not None and shown < until else float("inf"))
            open_ones.append((int(part.look[place]), received, until if shown is None else min(shown, until)))
        area, worst = mean_by_loops(open_ones, window.start_ns, window.end_ns)
        ages = result.to_ns.astype(float) ** 2 - result.from_ns.astype(float) ** 2

        assert result.waits_ms.tolist() == waits
        assert float(ages.sum() / 2) == pytest.approx(area)
        assert int(result.to_ns.max(initial=0)) == worst


def test_a_request_before_a_signal_does_not_show_it() -> None:
    """The first of two signals is flushed at once, the second never before the end."""
    life = Life(model=DeviceModel.IOS, heard=[(2000 * MS, 1), (2001 * MS, 1)])
    laboratory = laboratory_of([life])
    policy = RefreshPolicy(18_000 * MS, Coalescing.REQUEST_KEY, Edge.LEADING)
    ((model, part),) = laboratory.engines.parts()
    requests = laboratory.engines.by_machines(part, policy, model).requests
    result = tally(
        part,
        requests,
        laboratory.setting.window,
        look_begin_ns=laboratory.setting.look_begin_ns,
        end_ns=laboratory.engines.traces.arrivals.end_ns,
    )

    assert result.waits_ms.tolist()[1] == float("inf")
