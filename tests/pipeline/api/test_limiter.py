"""The limiter counts per key, in windows that begin with an event."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.api.limiter import FixedWindow


def test_only_events_beyond_the_limit_are_told_apart() -> None:
    """Of five events in one window of three, the last two are beyond."""
    limiter = FixedWindow(limit=3, window_ns=100)

    beyond = [limiter.exceeds("a", now_ns) for now_ns in (0, 1, 2, 3, 99)]

    assert beyond == [False, False, False, True, True]


def test_a_window_begins_with_the_first_event_after_a_lapse() -> None:
    """The window of an event at 150 reaches to 250, whatever the grid of the first one was."""
    limiter = FixedWindow(limit=1, window_ns=100)

    beyond = [limiter.exceeds("a", now_ns) for now_ns in (0, 150, 240, 250)]

    assert beyond == [False, False, True, False]


def test_keys_do_not_share_a_window() -> None:
    """One organization's storm labels nobody else's events."""
    limiter = FixedWindow(limit=1, window_ns=100)

    beyond = [limiter.exceeds(key, 0) for key in ("a", "a", "b")]

    assert beyond == [False, True, False]


def test_lapsed_windows_are_forgotten() -> None:
    """Ten thousand keys, each heard of once, do not stay in memory."""
    limiter = FixedWindow(limit=1, window_ns=10)

    for number in range(10_000):
        limiter.exceeds(str(number), number)

    assert len(limiter) <= 1025


@given(gaps=st.lists(st.integers(0, 40), max_size=200), limit=st.integers(1, 5))
def test_no_window_lets_more_pass_than_its_limit(gaps: list[int], limit: int) -> None:
    """Whatever the arrivals, each window's unlabelled events are its first `limit`."""
    limiter = FixedWindow(limit=limit, window_ns=100)
    now_ns, began_ns, passed = 0, None, 0
    for gap in gaps:
        now_ns += gap
        if began_ns is None or now_ns - began_ns >= 100:
            began_ns, passed = now_ns, 0
        passed += not limiter.exceeds("a", now_ns)

        assert passed <= limit
