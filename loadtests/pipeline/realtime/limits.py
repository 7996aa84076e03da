"""A plan's limits as the server measures them, and the words with which it refuses what goes beyond.

Pure: moments and counts in, refusals out. The mean is that of Supabase Realtime's `rate_counter.ex`; what counts,
the order of the checks and the texts are those of `realtime_channel.ex` and its handshake.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from loadtests.pipeline.realtime.plans import Plan

BUCKET_S: Final = 5
BUCKETS: Final = 12
TOO_MANY_USERS: Final = "Too many connected users"
TOO_MANY_JOINS: Final = "Too many joins per second"
_BUCKET_NS: Final = BUCKET_S * 1_000_000_000


class RateMeter:
    """A mean over at most 60 s, in buckets of 5 s, compared with a limit at the end of each bucket.

    Begins at the first question with one empty bucket. A young meter averages over the few buckets that it has, so
    an early burst exceeds the limit sooner; an excess lasts until old buckets have aged out, at least 5 s.
    """

    def __init__(self, limit_per_s: int | None) -> None:
        self._limit_per_s = limit_per_s
        self._buckets: deque[int] = deque((0,), maxlen=BUCKETS)
        self._current = 0
        self._bucket_ends_ns: int | None = None
        self._is_exceeded = False

    def add(self, now_ns: int, count: int = 1) -> None:
        """Count."""
        self._advance(now_ns)
        self._current += count

    def is_exceeded(self, now_ns: int) -> bool:
        """Whether the mean was at the limit or above when the last bucket ended."""
        self._advance(now_ns)
        return self._is_exceeded

    def _advance(self, now_ns: int) -> None:
        if self._limit_per_s is None:
            return
        if self._bucket_ends_ns is None:
            self._bucket_ends_ns = now_ns + _BUCKET_NS
        ended = (now_ns - self._bucket_ends_ns) // _BUCKET_NS + 1
        if ended <= 0:
            return
        self._bucket_ends_ns += ended * _BUCKET_NS
        for _ in range(min(ended, BUCKETS + 1)):
            self._buckets.append(self._current)
            self._current = 0
        mean_per_s = sum(self._buckets) / (len(self._buckets) * BUCKET_S)
        self._is_exceeded = mean_per_s >= self._limit_per_s


@dataclass(frozen=True, slots=True)
class JoinRefusal:
    """A join that goes beyond a limit."""

    reason: str
    """The reply's `reason`."""
    disconnects: bool = False
    """Whether the whole socket is closed after the reply."""


class Limits:
    """What one project has used of its plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._users = 0
        self._joins = RateMeter(plan.joins_per_s)
        self._joins_so_far = 0
        self._messages = RateMeter(plan.messages_per_s)

    def refuse_connection(self, now_ns: int) -> str | None:
        """Return why a handshake is answered with HTTP 429, or None."""
        if self._is_full():
            return TOO_MANY_USERS
        return TOO_MANY_JOINS if self._joins.is_exceeded(now_ns) else None

    def refuse_join(self, now_ns: int, *, is_user: bool, channels: int) -> JoinRefusal | None:
        """Count a join and return its refusal, or None.

        `is_user` says whether the socket has joined a channel before, `channels` how many it has now.
        """
        if not is_user and self._is_full():
            return JoinRefusal(f"ConnectionRateLimitReached: {TOO_MANY_USERS}")
        if self._joins.is_exceeded(now_ns):
            return JoinRefusal(f"ClientJoinRateLimitReached: {TOO_MANY_JOINS}", disconnects=True)
        self._joins.add(now_ns)
        self._joins_so_far += 1
        allowed = self._plan.channels_per_connection
        if allowed is not None and channels >= allowed:
            return JoinRefusal("ChannelRateLimitReached: Too many channels")
        return None

    @property
    def users(self) -> int:
        """Open sockets that have joined a channel."""
        return self._users

    @property
    def joins(self) -> int:
        """Joins counted so far."""
        return self._joins_so_far

    def user_came(self) -> None:
        """Count a socket that has joined its first channel."""
        self._users += 1

    def user_went(self) -> None:
        """Forget such a socket."""
        self._users -= 1

    def withholds_changes(self, now_ns: int) -> bool:
        """Whether changes are silently discarded now."""
        return self._messages.is_exceeded(now_ns)

    def delivered(self, now_ns: int, messages: int) -> None:
        """Count changes times their receivers; what was withheld does not count."""
        self._messages.add(now_ns, messages)

    def _is_full(self) -> bool:
        return self._plan.connections is not None and self._users >= self._plan.connections
