"""How long devices wait before they try again."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.backoff import Backoff

BACKOFF = Backoff(first_ns=1_000, cap_ns=30_000)


def test_delays_double_up_to_the_cap() -> None:
    """With the greatest chance the delays are nearly 1, 2, 4, … times the first, and never more than the cap."""
    delays = [BACKOFF.delay_ns(attempt, 1.0) for attempt in range(7)]

    assert delays == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]


@given(attempt=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_at_least_half_of_a_delay_is_waited(attempt: int, chance: float) -> None:
    """Jitter takes away half of a delay at most, however often it was tried."""
    longest = BACKOFF.delay_ns(attempt, 1.0)

    assert longest // 2 <= BACKOFF.delay_ns(attempt, chance) <= longest <= BACKOFF.cap_ns
