"""The least possible number of refreshes, counted by entity, by request key and by client."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.coalescing import Demands, optimum_of_each, read_asked
from loadtests.analysis.laboratory.least import ACHIEVED, LeastPossible, Level, least_metrics, least_possible
from loadtests.clients.requests import KeyKind, RequestKey
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story


def least_of(story: Story, level: Level) -> dict[str, LeastPossible]:
    """Return the least possible of a story."""
    run = story.run()
    asked = read_asked(run.signals, run.events, run.screens.requests, run.window)
    return dict(least_possible(asked, run.signals, run.events, level))


def two_jobs_in_one_window() -> Story:
    """Return two signals, about two jobs, in one flush that fetches the list for each of them."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2))
    story.mutation(0, 100).mutation(1, 200, job="other")
    story.signal(0, "e0", 110, batch=1).signal(0, "e1", 210, batch=1)
    return story.fetch(0, 711, 720, "page", batch=1).fetch(0, 720, 730, "page", batch=1)


@pytest.mark.parametrize(
    ("level", "optimum", "actual"), [(Level.ENTITY, 2, 2), (Level.REQUEST_KEY, 1, 2), (Level.CLIENT, 1, 1)]
)
def test_two_entities_of_one_key_are_two_one_or_one(level: Level, optimum: int, actual: int) -> None:
    """By entity both refreshes were needed, by key one would have served, and the client as a whole had one flush."""
    least = least_of(two_jobs_in_one_window(), level)["1s"]

    assert (least.optimum.tolist(), least.actual.tolist()) == ([optimum], [actual])


def test_two_keys_of_one_client_are_two_by_key_and_one_by_client() -> None:
    """An event of the open job makes list and detail stale: one entity, two keys, one client."""
    story = Story(subscribers={"count": 1, "ios": 0, "web_open_job": 1.0}).clock().live(0, model=DeviceModel.WEB)
    story.body("page", ("job", 2)).body("detail", ("job", 2), kind=KeyKind.JOB)
    story.mutation(0, 100).signal(0, "e0", 110, batch=1).fetch(0, 611, 620, "page", batch=1)
    story.fetch(0, 611, 620, "detail", batch=1, key=RequestKey.job("job").path)

    optima = {level: int(least_of(story, level)[ACHIEVED].optimum.sum()) for level in Level}

    assert optima == {Level.ENTITY: 1, Level.REQUEST_KEY: 2, Level.CLIENT: 1}


def test_each_subscriber_has_an_efficiency_of_its_own() -> None:
    """One flushed twice where once would have served, the other once."""
    story = Story(subscribers={"count": 2, "web": 0}).clock().live(0, 1).body("page", ("job", 2))
    story.mutation(0, 100).mutation(1, 700)
    story.signal(0, "e0", 110, batch=1).fetch(0, 610, 620, "page", batch=1)
    story.signal(0, "e1", 710, batch=2).fetch(0, 1210, 1220, "page", batch=2)
    story.signal(1, "e0", 110, batch=3).signal(1, "e1", 710, batch=3).fetch(1, 1210, 1220, "page", batch=3)

    told = least_metrics(story.run())["request_key"]["1s"]

    assert (told["subscribers"], told["optimum"], told["actual"]) == (2, 2, 3)
    assert told["efficiency"] == pytest.approx(2 / 3)
    assert (told["efficiency_min"], told["efficiency_max"]) == (0.5, 1.0)


def test_without_signals_there_is_no_efficiency() -> None:
    """Nothing to refresh, nothing to divide by."""
    told = least_metrics(Story(subscribers={"count": 1, "web": 0}).clock().live(0).run())

    assert told["client"]["2s"]["efficiency"] is None
    assert told["client"]["2s"]["efficiency_p50"] is None


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=9),
    bound=st.integers(0, 20),
)
def test_the_optimum_of_each_stream_equals_brute_force(arrivals: list[tuple[int, int, int]], bound: int) -> None:
    """Every set of deadlines is tried; a smallest set of moments exists among them."""
    arrivals.sort()
    device, key, received = (np.array(column, dtype=np.int64) for column in zip(*arrivals, strict=True))
    nothing = np.zeros(len(device), dtype=np.int64)
    demands = Demands(device=device, key=key, received_ns=received, wait_ns=nothing, signal=nothing)

    fewest = optimum_of_each(demands, np.full(len(arrivals), bound))

    streams = sorted({(who, what) for who, what, _ in arrivals})
    assert fewest.tolist() == [
        _by_force([at for who, what, at in arrivals if (who, what) == stream], bound) for stream in streams
    ]


def _by_force(received: list[int], bound: int) -> int:
    deadlines = sorted({at + bound for at in received})
    fewest = len(deadlines)
    for chosen in range(1 << len(deadlines)):
        moments = [deadline for place, deadline in enumerate(deadlines) if chosen >> place & 1]
        if all(any(at <= moment <= at + bound for moment in moments) for at in received):
            fewest = min(fewest, len(moments))
    return fewest
