"""The device's own record: the edges of its connection, and what began each stretch of not being live.

The strongest evidence on a miss: a device that was not live cannot have been told. Knows no events.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.segments import find_last, is_start
from loadtests.analysis.stamps import NEVER, NS_PER_S, Bools, Ints
from loadtests.analysis.why import Why
from loadtests.history.history import History, Rows
from loadtests.history.kinds import DownCause, Kind, Process

CAUSE_OF_DOWN: Final = {
    DownCause.CLOSED: Why.SOCKET_DOWN,
    DownCause.CHANNEL_CLOSED: Why.SUBSCRIBE_GAP,
    DownCause.TOKEN_EXPIRED: Why.TOKEN_EXPIRED,
    DownCause.HEARTBEAT_LOST: Why.SOCKET_DOWN,
    DownCause.LOGGED_OUT: Why.LOGGED_OUT,
    DownCause.CONNECT_FAILED: Why.SOCKET_DOWN,
    DownCause.GAVE_UP: Why.GAVE_UP,
    DownCause.BACKGROUND: Why.BACKGROUND,
    DownCause.KILLED: Why.LOGGED_OUT,
    DownCause.SWITCHED: Why.LOGGED_OUT,
    DownCause.NOT_LIVE_IN_TIME: Why.SUBSCRIBE_GAP,
}
_BROKEN: Final = (0, 1006)
"""Close codes of a connection that just ended."""
_UNREAD_NS: Final = NS_PER_S
"""Bytes that waited in our own process for so long before a connection broke are why it broke."""
_BEFORE_NS: Final = 10 * NS_PER_S
"""How long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """One entry per edge, sorted by device and stamp."""

    device: Ints
    at_ns: Ints
    kind: Ints
    """LOGIN, LIVE, DOWN or LOGOUT; FOREGROUND where it ends a time without a subscription."""
    down: Ints
    """For DOWN its `DownCause`, else 0."""
    code: Ints
    """For DOWN its close code; 0: none was told."""
    began: Ints
    """The edge that began the stretch of not being live which this one belongs to; a live one's own."""
    next_away: Ints
    """The device's next edge, itself included, that is not LIVE; -1 if there is none."""
    is_unread: Bools
    """Whether the connection broke after bytes had waited in our own process for long."""

    def at(self, device: Ints, at_ns: Ints) -> Ints:
        """Return the last edge of each device until the stamp, -1 if it had none."""
        return find_last(self.device, self.at_ns, device, at_ns)

    def is_live(self, edge: Ints) -> Bools:
        """Return whether each edge (-1: none) begins a stretch of being live."""
        is_live: Bools = (edge >= 0) & (self.kind[edge] == Kind.LIVE) if len(self.kind) else edge >= 0
        return is_live

    def away_after(self, edge: Ints) -> Ints:
        """Return the edge that ends the live stretch of each `edge`, -1 if none does."""
        return np.where(edge >= 0, self.next_away[edge], -1) if len(self.kind) else edge

    def stamp(self, edge: Ints) -> Ints:
        """Return when each edge was; NEVER for -1."""
        return np.where(edge >= 0, self.at_ns[edge], NEVER) if len(self.kind) else np.full(len(edge), NEVER)

    def beginning(self, edge: Ints) -> Ints:
        """Return the edge that began the stretch of not being live; what came next where that was the login alone."""
        if not len(self.kind):
            return edge
        began = np.where(edge >= 0, self.began[edge], -1)
        is_first_try = (began >= 0) & (self.kind[began] == Kind.LOGIN)
        return np.where(is_first_try, edge, began)

    def why(self, edge: int) -> Why:
        """Return what not being live is put down to, from the edge that began it."""
        if edge < 0:
            return Why.UNEXPLAINED
        match int(self.kind[edge]):
            case Kind.LOGIN | Kind.FOREGROUND:
                return Why.SUBSCRIBE_GAP
            case Kind.LOGOUT:
                return Why.LOGGED_OUT
            case Kind.DOWN if self.is_unread[edge]:
                return Why.SLOW_CONSUMER
            case Kind.DOWN:
                return CAUSE_OF_DOWN.get(DownCause(int(self.down[edge])), Why.UNEXPLAINED)
            case _:
                return Why.UNEXPLAINED

    def causes(self, edge: Ints) -> Ints:
        """Return the same for many edges, among which the same one may stand often."""
        distinct, place = np.unique(edge, return_inverse=True)
        return np.array([self.why(int(one)) for one in distinct], dtype=np.int64)[place]

    def told(self, edge: int) -> str:
        """Return an edge in words: `closed 1012`."""
        if edge < 0:
            return ""
        if self.kind[edge] != Kind.DOWN:
            return Kind(int(self.kind[edge])).name.lower()
        words = DownCause(int(self.down[edge])).name.lower().replace("_", " ")
        return f"{words} {self.code[edge]}" if self.code[edge] else words


def read_edges(history: History) -> Edges:
    """Return all edges of all devices."""
    rows = history.of(Kind.LOGIN, Kind.LIVE, Kind.DOWN, Kind.LOGOUT, Kind.FOREGROUND)
    rows = rows[np.lexsort((rows["at_ns"], rows["actor"]))]
    rows = rows[(rows["kind"] != Kind.FOREGROUND) | _ends_background(rows)]
    device, at_ns = rows["actor"].astype(np.int64), rows["at_ns"].astype(np.int64)
    kind, is_down = rows["kind"].astype(np.int64), rows["kind"] == Kind.DOWN
    code = np.where(is_down, rows["value"], 0).astype(np.int64)
    down = np.where(is_down, rows["flag"], 0).astype(np.int64)
    is_broken = is_down & (down == DownCause.CLOSED) & np.isin(code, _BROKEN)
    return Edges(
        device=device,
        at_ns=at_ns,
        kind=kind,
        down=down,
        code=code,
        began=_beginnings(device, kind, down),
        next_away=_next_away(device, kind),
        is_unread=is_broken & _had_unread(history, at_ns),
    )


def _ends_background(rows: Rows) -> Bools:
    """Return which rows follow the edge with which their device unsubscribed in the background."""
    follows = np.zeros(len(rows), dtype=np.bool_)
    before = rows[:-1]
    left = (before["kind"] == Kind.DOWN) & (before["flag"] == DownCause.BACKGROUND)
    follows[1:] = left & (rows["actor"][1:] == before["actor"])
    return follows


def _beginnings(device: Ints, kind: Ints, down: Ints) -> Ints:
    is_first = is_start(device)
    is_first |= (kind == Kind.LIVE) | (kind == Kind.LOGIN) | (kind == Kind.FOREGROUND)
    # Whoever has given up is away for another reason than the one that made it try.
    is_first |= down == DownCause.GAVE_UP
    is_first[1:] |= (kind[:-1] == Kind.LIVE) | (kind[:-1] == Kind.LOGOUT)
    began: Ints = np.maximum.accumulate(np.where(is_first, np.arange(len(kind)), 0))
    return began


def _next_away(device: Ints, kind: Ints) -> Ints:
    if not len(kind):
        return kind
    last = len(kind)
    following = np.minimum.accumulate(np.where(kind != Kind.LIVE, np.arange(last), last)[::-1])[::-1]
    place = np.minimum(following, last - 1)
    return np.where((following < last) & (device[place] == device), place, -1)


def _had_unread(history: History, at_ns: Ints) -> Bools:
    """Return for each stamp whether bytes had waited in a swarm for long, shortly before."""
    ages = history.of(Kind.RECEIVE_AGE)
    late_ns = np.sort(ages["at_ns"][(ages["actor"] == Process.SWARM) & (ages["value"] >= _UNREAD_NS)])
    had: Bools = np.searchsorted(late_ns, at_ns, side="right") > np.searchsorted(late_ns, at_ns - _BEFORE_NS)
    return had
