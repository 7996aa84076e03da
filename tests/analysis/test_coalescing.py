"""Signals against refreshes, and against the least possible."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.coalescing import Coalescing, Demands, coalescing, optimum
from loadtests.clients.requests import KeyKind, RequestKey
from loadtests.history.kinds import NO_ENTITY
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from tests.analysis.literal import Story


def coalescing_of(story: Story) -> Coalescing:
    """Return the account of a story."""
    run = story.run()
    return coalescing(run.signals, run.events, run.screens.requests, run.window)


def story_of_three(**changes: Any) -> Story:
    """Return one device and three events, committed at 105, 205 and 2,105 ms."""
    story = Story(**{"subscribers": {"count": 1, "web": 0}, **changes}).clock().live(0).body("page", ("job", 4))
    return story.mutation(0, 100).mutation(1, 200, revision=3).mutation(2, 2100, revision=4)


def test_the_ratio_is_signals_per_refresh() -> None:
    """Three signals, two flushes."""
    story = story_of_three().signal(0, "e0", 110, batch=1).signal(0, "e1", 210, batch=1).signal(0, "e2", 2110, batch=2)
    story.fetch(0, 711, 720, "page", batch=1).fetch(0, 2611, 2620, "page", batch=2)

    result = coalescing_of(story)

    assert (result.signals, result.refreshes, result.ratio) == (3, 2, 1.5)
    assert (result.optimum, result.efficiency(result.optimum)) == (2, 1.0)


def test_a_refresh_for_each_entity_of_one_flush_is_more_than_was_needed() -> None:
    """Two jobs in one window: the same list is fetched twice, once would have served both."""
    story = story_of_three().signal(0, "e0", 110, batch=1).signal(0, "e1", 210, batch=1)
    story.fetch(0, 711, 720, "page", batch=1).fetch(0, 720, 730, "page", batch=1)

    result = coalescing_of(story)

    assert (result.refreshes, result.optimum, result.efficiency(result.optimum)) == (2, 1, 0.5)


def test_a_longer_bound_needs_fewer_refreshes_and_waits_beyond_a_bound_are_told() -> None:
    """601 ms of waiting is over 0.5 s; a refresh at 2,110 ms serves all three within 2 s, to the millisecond."""
    story = story_of_three().signal(0, "e0", 110, batch=1).signal(0, "e1", 210, batch=2).signal(0, "e2", 2110, batch=3)
    for batch, requested_ms in ((1, 711), (2, 811), (3, 2711)):
        story.fetch(0, requested_ms, requested_ms + 5, "page", batch=batch)

    result = coalescing_of(story)

    assert result.optimum_by_bound == {"0.5s": 2, "1s": 2, "2s": 1}
    assert result.over_bound_share_by_bound == {"0.5s": 1.0, "1s": 0.0, "2s": 0.0}


def test_a_signal_that_no_request_followed_is_counted() -> None:
    """The run ended, or the debounce starved."""
    story = story_of_three().signal(0, "e0", 110, batch=1)

    result = coalescing_of(story)

    assert (result.signals, result.never_refreshed, result.ratio) == (1, 1, None)
    assert result.efficiency(result.optimum) is None


def test_signals_that_ask_for_nothing_do_not_count() -> None:
    """The device's model ignores them."""
    assert coalescing_of(story_of_three().signal(0, "e0", 110, flag=0)).signals == 0


def test_each_key_is_refreshed_for_what_makes_it_stale() -> None:
    """A job of others' and the open job in one flush: the list serves both, the detail only its own."""
    story = Story(subscribers={"count": 1, "ios": 0, "web_open_job": 1.0}).clock().live(0, model=DeviceModel.WEB)
    story.body("page", ("job", 2)).body("detail", ("job", 2), kind=KeyKind.JOB)
    story.mutation(0, 100).mutation(1, 3000, job="other").signal(0, "e0", 110, batch=1).signal(0, "e1", 3010, batch=1)
    story.fetch(0, 3510, 3520, "page", batch=1)
    story.fetch(0, 3510, 3520, "detail", batch=1, key=RequestKey.job("job").path)

    result = coalescing_of(story)

    # The list had two demands 2.9 s apart and the detail one.
    assert result.optimum_by_bound["1s"] == 3


@pytest.mark.parametrize("bound", [0, 5, 20])
@given(arrivals=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40)), max_size=7))
def test_the_optimum_equals_brute_force(bound: int, arrivals: list[tuple[int, int]]) -> None:
    """No smaller set of moments serves all demands of a stream, whichever moments are tried."""
    arrivals.sort()
    device, received = (
        (np.array(column, dtype=np.int64) for column in zip(*arrivals, strict=True))
        if arrivals
        else (np.empty(0, np.int64), np.empty(0, np.int64))
    )
    demands = Demands(
        device=device,
        key=np.full(len(device), NO_ENTITY),
        received_ns=received,
        wait_ns=np.zeros(len(device)),
        signal=np.arange(len(device)),
    )

    fewest = optimum(demands, np.full(len(arrivals), bound))

    assert fewest == sum(_by_force([at for who, at in arrivals if who == each], bound) for each in (0, 1))


def _by_force(arrivals: list[int], bound: int) -> int:
    # A smallest set of moments exists among the deadlines: each moment can be put off until one of them.
    deadlines = sorted({at + bound for at in arrivals})
    for size in range(len(deadlines) + 1):
        for moments in combinations(deadlines, size):
            if all(any(at <= moment <= at + bound for moment in moments) for at in arrivals):
                return size
    raise AssertionError(arrivals)


def test_signals_of_the_warm_up_are_left_out() -> None:
    """A batch that began in the warm-up counts for what fell into it afterwards: a starving debounce has no other."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2))
    story.mutation(0, -900).mutation(1, -100).mutation(2, 200, kind=MutationKind.FLAG)
    story.signal(0, "e0", -890, batch=1).fetch(0, -380, -370, "page", batch=1)
    story.signal(0, "e1", -90, batch=2).signal(0, "e2", 210, batch=2).fetch(0, 711, 720, "page", batch=2)

    result = coalescing_of(story)

    assert (result.signals, result.refreshes, result.optimum) == (1, 1, 1)
