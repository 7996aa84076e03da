"""When which session is renewed, and what to do when a renewal is refused. Pure: the time is passed in.

A session is renewed as late as it may be: before its token ends, by a margin, and with a gap between any two requests.
Sessions that began together would end together; planned from the last deadline backwards they are drawn apart, and
stay so, because each token lasts from its own renewal.

All times are Unix time in seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from math import floor
from typing import Final

from loadtests.wire.retry_after import LIMITED
from loadtests.wire.token_limit import TokenLimit
from loadtests.wire.tokens import lifetime_of

_LARGEST_MARGIN: Final = 0.25
"""Of a token's life: short ones are not renewed again and again."""
_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in."""

    user_id: str
    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at_s: int
    lasts_s: int | None
    """How long the token was good when it was new; None: it does not say."""
    attempts: int = 0
    """Renewals that have failed since the last one that did not."""
    not_before_s: float = 0.0
    """When it may be tried again."""

    def deadline_s(self, wanted_margin_s: float) -> float:
        """Return when it has to be renewed."""
        return self.expires_at_s - margin_s(self.lasts_s, wanted_margin_s)

    def renewed(self, token: str, refresh_token: str) -> "Session | None":
        """Return the session with a fresh pair; None: the token does not say when it ends, and is taken to last."""
        lifetime = lifetime_of(token)
        if lifetime is None:
            return None
        return Session(
            user_id=self.user_id,
            token=token,
            refresh_token=refresh_token,
            expires_at_s=lifetime.expires_at_s,
            lasts_s=lifetime.lasts_s,
        )


@dataclass(frozen=True, slots=True)
class Due:
    """A session and when it is renewed."""

    at_s: float
    session: Session


def margin_s(lasts_s: float | None, wanted_s: float) -> float:
    """Return how long before its end a token of this life is replaced; None: it does not say how long it lasts."""
    return wanted_s if lasts_s is None else min(wanted_s, lasts_s * _LARGEST_MARGIN)


def latest_starts(deadlines_s: Sequence[float], gap_s: float) -> list[float]:
    """Return the latest starts for ascending deadlines: none after its own, and no two closer than the gap."""
    starts: list[float] = []
    for deadline in reversed(deadlines_s):
        starts.append(min(deadline, starts[-1] - gap_s) if starts else deadline)
    return starts[::-1]


def next_due(sessions: Iterable[Session], *, wanted_margin_s: float, gap_s: float, free_at_s: float) -> Due | None:
    """Return which session is renewed next, and when; None: there is none.

    `free_at_s`: no request may start before.
    """
    wanted = [(max(session.deadline_s(wanted_margin_s), session.not_before_s), session) for session in sessions]
    wanted.sort(key=lambda each: (each[0], each[1].user_id))
    starts = latest_starts([deadline for deadline, _ in wanted], gap_s)
    planned = [
        Due(max(start, session.not_before_s, free_at_s), session)
        for start, (_, session) in zip(starts, wanted, strict=True)
    ]
    # Equal times keep the order of the deadlines.
    return min(planned, key=lambda due: due.at_s, default=None)


def is_final(status: int) -> bool:
    """Return whether a refusal with this status ends the session: what was asked for is wrong, not the moment."""
    return status not in LIMITED and 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT


def wait_s(attempts: int, asked_s: float | None) -> float:
    """Return how long to wait after so many failures in a row (from 1): doubled each time, and what was asked for."""
    own_s = min(_FIRST_WAIT_S * 2.0 ** (min(attempts, 10) - 1), _LONGEST_WAIT_S)
    return own_s if asked_s is None else max(own_s, asked_s)


def overdue(sessions: Iterable[Session], *, wanted_margin_s: float, limit: TokenLimit, from_s: float) -> list[Session]:
    """Return those that have to be renewed at once, in this order, so that all others can wait for their time.

    `from_s`: when others can be renewed at the earliest; it moves on while these are renewed at the limit's pace.
    """
    ordered = sorted(sessions, key=lambda each: (each.deadline_s(wanted_margin_s), each.user_id))
    starts = latest_starts([each.deadline_s(wanted_margin_s) for each in ordered], limit.gap_s)
    for count, start in enumerate(starts):
        if start >= from_s + limit.start_s(count):
            return ordered[:count]
    return ordered


def expected_renewals(ends_s: float, lasts_s: float, *, wanted_margin_s: float, now_s: float, until_s: float) -> int:
    """Return how often somebody renews until then whose token ends at `ends_s`, if each renewal comes in time.

    Who has a token that has ended already renews now.
    """
    margin = margin_s(lasts_s, wanted_margin_s)
    first_s = max(ends_s - margin, now_s)
    return 0 if first_s >= until_s else 1 + floor((until_s - first_s) / (lasts_s - margin))


def most_people(lasts_s: float, *, wanted_margin_s: float, gap_s: float) -> int:
    """Return how many sessions can be kept alive at this pace: each asks once in the useful part of a token's life."""
    return floor((lasts_s - margin_s(lasts_s, wanted_margin_s)) / gap_s)
