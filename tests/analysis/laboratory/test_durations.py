"""How long fetches take in a replay."""

import numpy as np

from loadtests.analysis.laboratory.durations import Durations, read_durations
from loadtests.clients.requests import Cause, KeyKind
from tests.analysis.literal import MS, Story


def test_one_fetch_and_columns_of_them_take_the_same() -> None:
    """And only what was seen of that kind; a kind that was never fetched draws from all."""
    durations = Durations({KeyKind.JOB_LIST: np.array([10, 20]), KeyKind.JOB: np.array([7])}, seed=3)
    started, lifetime = np.arange(50), np.zeros(50, dtype=np.int64)
    for kind, possible in ((KeyKind.JOB_LIST, {10, 20}), (KeyKind.JOB, {7}), (KeyKind.AUDIT, {7, 10, 20})):
        states = durations.states(lifetime, lifetime + 4)
        taken = durations.each(states, np.arange(50), np.full(50, kind, dtype=np.uint8), started).tolist()

        assert taken == [durations.one(0, 4, kind, at) for at in range(50)]
        assert set(taken) == possible


def test_a_fetch_takes_some_time() -> None:
    """Otherwise it would be answered before it is under way."""
    assert Durations({KeyKind.JOB: np.array([0])}, seed=1).one(0, 0, KeyKind.JOB, 5) == 1


def test_flushes_of_the_window_count_and_the_slow_catch_up_does_not() -> None:
    """Everybody catches up at once at the beginning; no policy moves that."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2)).mutation(0, 1000)
    story.signal(0, "e0", 1010, batch=1).fetch(0, -3900, -2900, "page", cause=Cause.CATCH_UP)
    story.fetch(0, 1510, 1530, "page", batch=1)

    assert read_durations(story.run(), 1).one(0, 0, KeyKind.JOB_LIST, 0) == 20 * MS
