"""How long devices wait before they try again, and when they stop."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.reconnecting import BY_NAME, PYTHON, REALTIME_JS, WELL_BEHAVED

S = 1_000_000_000
_ways = st.sampled_from(sorted(BY_NAME))


def test_the_javascript_client_comes_back_in_lock_step_for_ever() -> None:
    """1, 2, 5, 10, 10 … seconds, whatever the chance."""
    delays = [REALTIME_JS.connect_delay_ns(attempt, chance) for attempt, chance in enumerate((0.0, 0.9, 0.1, 0.5, 0.7))]

    assert delays == [1 * S, 2 * S, 5 * S, 10 * S, 10 * S]
    assert not REALTIME_JS.is_over(1_000_000)


def test_the_python_client_gives_up_after_five_attempts() -> None:
    """At once, then after 1, 2, 4, 8 seconds: an outage of some 15 seconds is one too long."""
    delays = [PYTHON.connect_delay_ns(attempt, 0.5) for attempt in range(5)]

    assert delays == [0, 1 * S, 2 * S, 4 * S, 8 * S]
    assert [PYTHON.is_over(attempt) for attempt in range(6)] == [False] * 5 + [True]


def test_the_python_client_waits_longer_where_a_rate_limit_refused_it() -> None:
    """30 s, and the usual delay after any other refusal."""
    assert PYTHON.join_delay_ns(0, 0.5, is_limited=True) == 30 * S
    assert PYTHON.join_delay_ns(0, 0.5) == 1 * S


def test_well_behaved_delays_double_up_to_half_a_minute() -> None:
    """With the greatest chance they are 1, 2, 4, … seconds, with the least half of that."""
    longest = [WELL_BEHAVED.connect_delay_ns(attempt, 1.0) for attempt in range(7)]
    shortest = [WELL_BEHAVED.connect_delay_ns(attempt, 0.0) for attempt in range(7)]

    assert longest == [1 * S, 2 * S, 4 * S, 8 * S, 16 * S, 30 * S, 30 * S]
    assert shortest == [delay // 2 for delay in longest]


@given(name=_ways, attempt=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_only_ever_shortens_a_delay(name: str, attempt: int, chance: float) -> None:
    """However often it was tried, the delay lies between what is not left to chance and the whole."""
    way = BY_NAME[name]
    longest = way.connect_ns[min(attempt, len(way.connect_ns) - 1)]

    assert int(longest * (1 - way.jitter)) <= way.connect_delay_ns(attempt, chance) <= longest
