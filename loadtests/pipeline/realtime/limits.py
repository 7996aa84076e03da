"""A plan's limits as the server measures them, and the words with which it refuses what goes beyond.

Pure: moments and counts in, refusals out. The mean is `loadtests.wire.rate_meter`'s; what counts, the order of the
checks and the texts are those of `realtime_channel.ex` and its handshake.
"""

from dataclasses import dataclass
from typing import Final

from loadtests.wire.plans import Plan
from loadtests.wire.rate_meter import RateMeter

CALL_WINDOW_NS: Final = 30_000_000_000
TOO_MANY_USERS: Final = "Too many connected users"
TOO_MANY_JOINS: Final = "Too many joins per second"
_PAYLOAD_ALLOWANCE: Final = 500
"""Bytes beyond the documented limit that the server lets pass."""


class CallWindow:
    """So many calls within 30 s of the first; the first thereafter begins anew."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._calls = 0
        self._ends_ns: int | None = None

    def admits(self, now_ns: int) -> bool:
        """Count a call; return whether it is within the limit."""
        if self._ends_ns is None or now_ns > self._ends_ns:
            self._ends_ns = now_ns + CALL_WINDOW_NS
            self._calls = 0
        self._calls += 1
        return self._calls <= self._allowed


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
        self._broadcasts = RateMeter(plan.messages_per_s)
        self._presences = RateMeter(plan.presence_messages_per_s)
        self.broadcasts = 0
        """Broadcasts counted so far: each when it is sent, and again for each who hears it."""
        self.presences = 0
        """Presence messages counted so far."""

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

    def sent(self, now_ns: int) -> None:
        """Count a message that a client sent to others, or that the server does not know."""
        self._broadcasts.add(now_ns)
        self.broadcasts += 1

    def heard(self, now_ns: int) -> bool:
        """Count a broadcast for one who heard it; return whether that was too much, which ends the channel."""
        self.sent(now_ns)
        return self._broadcasts.is_exceeded(now_ns)

    def admits_presence(self, now_ns: int) -> bool:
        """Count a presence message, unless there are too many already."""
        allowed = self._plan.presence_messages_per_s
        if allowed is not None and self._presences.mean_per_s(now_ns) > allowed:
            return False
        self.presence_told(now_ns, 1)
        return True

    def presence_told(self, now_ns: int, listeners: int) -> None:
        """Count a change of presence for those who were told."""
        self._presences.add(now_ns, listeners)
        self.presences += listeners

    def call_window(self) -> CallWindow:
        """Return a new channel's count of what it says of itself."""
        return CallWindow(self._plan.presence_calls)

    def is_too_large(self, payload_bytes: int) -> bool:
        """Whether a payload is beyond the limit."""
        return payload_bytes > self._plan.payload_kb * 1000 + _PAYLOAD_ALLOWANCE

    def _is_full(self) -> bool:
        return self._plan.connections is not None and self._users >= self._plan.connections
