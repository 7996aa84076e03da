"""The pace at which tokens are asked for."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.wire.token_limit import BURST, TokenLimit


def test_what_is_usual_leaves_a_fifth_to_others() -> None:
    """150 in five minutes are one every 2 s; we ask every 2.5 s, and for thirty at once."""
    limit = TokenLimit()

    assert limit.gap_s == 2.5
    assert TokenLimit.of_gap(2.5) == limit
    assert [limit.start_s(place) for place in (0, 29, 30, 31)] == [0, 0, 2.5, 5]


@given(per_5_minutes=st.floats(1, 1e5), people=st.integers(1, 2000))
def test_a_bucket_that_is_full_at_the_start_never_runs_dry(per_5_minutes: float, people: int) -> None:
    """Refilled as the project does it, whatever its limit: each request finds a token of the bucket."""
    limit = TokenLimit(per_5_minutes)
    left, before_s = float(BURST), 0.0
    for place in range(people):
        at_s = limit.start_s(place)
        left = min(BURST, left + (at_s - before_s) * per_5_minutes / 300) - 1
        before_s = at_s
        assert left > -1e-6
