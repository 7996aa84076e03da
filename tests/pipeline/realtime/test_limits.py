"""Limits as the server measures them, in virtual time."""

from itertools import groupby
from random import Random

from loadtests.pipeline.realtime.limits import JoinRefusal, Limits
from loadtests.pipeline.realtime.pacing import PollCost, PollOutcome, pause_s
from loadtests.wire.plans import PLANS, Plan

SECOND_NS = 10**9


def small_plan() -> Plan:
    """Return a plan that is soon used up."""
    return Plan(connections=2, messages_per_s=100, joins_per_s=1, channels_per_connection=2, presence_messages_per_s=1)


def seconds(at_s: float) -> int:
    """Return the moment in nanoseconds."""
    return round(at_s * SECOND_NS)


def delivered_per_s(*, subscribers: int, inserts_per_s: int, duration_s: int) -> list[int]:
    """Return the messages delivered in each second: the poll loop against the plan's meter, in virtual time."""
    limits, cost = Limits(PLANS["free"]), PollCost(check_us=48)
    random = Random(1).random  # noqa: S311 - dice, no secret
    received = [0] * (duration_s + 2)
    polled_rows, now_s, was_idle = 0, 0.0, True
    while now_s < duration_s:
        committed = int(now_s * inserts_per_s)
        rows, polled_rows = committed - polled_rows, committed
        pairs = rows * subscribers
        takes = cost.of(rows=rows, checks=pairs, messages=pairs, was_idle=was_idle, random=random)
        now_s += takes.query_s
        if rows and not limits.withholds_changes(seconds(now_s)):
            limits.delivered(seconds(now_s), pairs)
            received[int(now_s)] += pairs
        was_idle = not rows
        now_s += takes.dispatch_s + pause_s(PollOutcome.DELIVERED if rows else PollOutcome.EMPTY, random)
    return received[:duration_s]


def test_five_times_the_limit_delivers_a_quarter_in_runs() -> None:
    """50 subscribers and 10 rows/s for 125 s at a limit of 100: the real server delivered 24 %."""
    received = delivered_per_s(subscribers=50, inserts_per_s=10, duration_s=125)
    share = sum(received) / (50 * 10 * 125)

    assert 0.15 <= share <= 0.35


def test_gaps_last_five_seconds_or_more() -> None:
    """Whenever changes are withheld, it is for at least one bucket, in the real run for 15 to 20 s."""
    received = delivered_per_s(subscribers=50, inserts_per_s=10, duration_s=125)
    gaps = [len(list(run)) for is_silent, run in groupby(received, key=lambda count: count == 0) if is_silent]

    assert gaps
    # A gap that begins within a second has a whole second fewer in it; the last one is cut off by the end.
    assert all(gap >= 4 for gap in gaps[:-1])


def test_load_below_the_limit_loses_nothing() -> None:
    """50 subscribers and one row a second are half of 100."""
    received = delivered_per_s(subscribers=50, inserts_per_s=1, duration_s=125)

    assert sum(received) >= 50 * 123


def test_full_project_refuses_connections_and_joins() -> None:
    """A socket counts from its first channel on; one that counts already may join more."""
    limits = Limits(small_plan())
    before = limits.refuse_connection(0)
    limits.user_came()
    limits.user_came()
    after = limits.refuse_connection(0)
    newcomer = limits.refuse_join(0, is_user=False, channels=0)
    resident = limits.refuse_join(0, is_user=True, channels=1)

    assert (before, after) == (None, "Too many connected users")
    assert newcomer == JoinRefusal("ConnectionRateLimitReached: Too many connected users")
    assert resident is None


def test_place_becomes_free_when_a_socket_goes() -> None:
    """Leaving its channels is not enough, closing it is."""
    limits = Limits(small_plan())
    limits.user_came()
    limits.user_came()
    limits.user_went()

    assert limits.refuse_connection(0) is None


def test_too_many_joins_close_the_socket() -> None:
    """Twenty in the first bucket are two a second over two buckets; joins are refused until that has aged."""
    limits = Limits(small_plan())
    for _ in range(20):
        limits.refuse_join(0, is_user=True, channels=0)
    refusal = limits.refuse_join(seconds(5), is_user=True, channels=0)
    handshake = limits.refuse_connection(seconds(5))
    later = limits.refuse_join(seconds(25), is_user=True, channels=0)

    assert refusal == JoinRefusal("ClientJoinRateLimitReached: Too many joins per second", disconnects=True)
    assert handshake == "Too many joins per second"
    assert later is None


def test_too_many_channels_on_one_connection() -> None:
    """The third of two is refused, and the socket stays."""
    limits = Limits(small_plan())
    refusals = [limits.refuse_join(0, is_user=True, channels=channels) for channels in (1, 2)]

    assert refusals == [None, JoinRefusal("ChannelRateLimitReached: Too many channels")]


def test_unlimited_plan_never_refuses() -> None:
    """However much is used."""
    limits = Limits(PLANS["unlimited"])
    limits.delivered(0, 10**12)
    for _ in range(1000):
        limits.user_came()
        limits.refuse_join(0, is_user=False, channels=0)
    used = (
        limits.refuse_connection(seconds(5)),
        limits.refuse_join(seconds(5), is_user=False, channels=10**6),
        limits.withholds_changes(seconds(5)),
    )

    assert used == (None, None, False)
