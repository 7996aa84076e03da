"""Whose sessions a run has to keep alive, whether that is possible, and what it comes to, in words. Pure.

A project that gives nobody a secret gives everybody tokens that end; the run renews them (`session_keeper`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from loadtests.checks.preflight import Finding, Severity
from loadtests.scenario.model import Scenario
from loadtests.targets.session_plan import Session, expected_renewals, margin_s, most_people
from loadtests.targets.token_times import Ending, endings, planned_end_s
from loadtests.wire.token_limit import TokenLimit
from loadtests.wire.tokens import lifetime_of

USUAL_LIFE_S: Final = 3600
"""How long a project's tokens last unless it says otherwise."""
_SHORT_S: Final = 30.0
"""Signing in or renewing for so long is nothing to warn of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What keeping sessions alive takes."""

    people: int
    """Whose tokens end before the run."""
    lasts_s: int
    """How long a fresh token lasts."""
    margin_s: float
    limit: TokenLimit

    @property
    def most(self) -> int:
        """How many sessions can be kept alive."""
        return most_people(self.lasts_s, wanted_margin_s=self.margin_s, gap_s=self.limit.gap_s)

    def refusal(self) -> str | None:
        """Say why it cannot be done, and what helps; None: it can."""
        if self.people <= self.most:
            return None
        useful_s = self.lasts_s - margin_s(self.lasts_s, self.margin_s)
        needed = ceil(TokenLimit.of_gap(useful_s / self.people).per_5_minutes)
        return (
            f"{self.people:,} people have tokens that last {self.lasts_s:,} s and have to be renewed in the run, and a "
            f"project that gives {self.limit.per_5_minutes:g} tokens in five minutes to one address keeps "
            f"{self.most:,} sessions alive: ask for fewer people, give "
            f"auth.tokens_per_5_minutes = {needed} if the project allows that, raise the lifetime of access tokens in "
            "the project, or make the run shorter than they last"
        )


def sessions_of(
    found: Iterable[Ending], tokens: Mapping[str, str], refresh_tokens: Mapping[str, str]
) -> tuple[Session, ...]:
    """Return the sessions of those whose tokens end too soon and can be refreshed."""
    return tuple(
        Session(
            user_id=each.user_id,
            token=tokens[each.user_id],
            refresh_token=refresh_tokens[each.user_id],
            expires_at_s=each.expires_at_s,
            lasts_s=each.lasts_s,
        )
        for each in found
        if each.user_id in refresh_tokens
    )


def upkeep(found: Iterable[Ending], *, margin_s: float, limit: TokenLimit) -> Upkeep:
    """Return what it takes to keep alive the sessions whose tokens end too soon."""
    found = tuple(found)
    lives = [each.lasts_s for each in found if each.lasts_s is not None]
    return Upkeep(people=len(found), lasts_s=min(lives, default=USUAL_LIFE_S), margin_s=margin_s, limit=limit)


def finding(
    ends_s: Iterable[tuple[float, int]],
    *,
    sign_ins: int,
    at_once: int = 0,
    margin_s: float,
    now_s: float,
    until_s: float,
    limit: TokenLimit,
) -> Finding:
    """Return how many tokens a run asks the project for, against its limit.

    `ends_s`: of each person whose token ends before the run, when, and how long a fresh one lasts; `until_s`: the run's
    end at the latest. All in Unix time, seconds. `at_once`: how many renew their session before the load.
    """
    ends_s = tuple(ends_s)
    renewals = sum(
        expected_renewals(ends, lasts, wanted_margin_s=margin_s, now_s=now_s, until_s=until_s) for ends, lasts in ends_s
    )
    lasts_s = min((lasts for _, lasts in ends_s), default=USUAL_LIFE_S)
    kept = Upkeep(people=len(ends_s), lasts_s=lasts_s, margin_s=margin_s, limit=limit)
    refused, before_s = kept.refusal() if renewals else None, limit.start_s(max(sign_ins, at_once) - 1)
    says = f"{sign_ins:,} sign-ins and {renewals:,} renewals of sessions, {limit.gap_s:.3g} s apart when there are many"
    if before_s > _SHORT_S:
        what = "signing in" if sign_ins else f"renewing {at_once:,} sessions that end too soon"
        says += f"; {what} takes {before_s:,.0f} s, before the load"
    return Finding(
        limit="tokens",
        severity=Severity.WARNED if refused or before_s > _SHORT_S else Severity.FINE,
        says=refused or says,
        arithmetic=(
            f"{len(ends_s):,} people whose tokens last {lasts_s:,} s and end before the run, of which {kept.most:,} "
            f"can be renewed; {limit.per_5_minutes:g} tokens in five minutes and 30 at once to one address"
        ),
        expected=sign_ins + renewals,
        allowed=limit.per_5_minutes,
        is_hit=refused is not None,
    )


def too_many(first_token: str, people: int, scenario: Scenario, *, limit: TokenLimit, now_s: float) -> str | None:
    """Say why so many people cannot be kept signed in whose tokens last as the first one's, which is new.

    None: they can be, or all tokens last until the run's end, which comes later the longer they sign in.
    """
    signed_in_s = now_s + limit.start_s(people - 1)
    if not endings({"": first_token}, [""], until_s=planned_end_s(scenario, now_s=signed_in_s)):
        return None
    margin_s = scenario.subscribers.connection.renewal_margin_s
    return Upkeep(people=people, lasts_s=lasts_s(first_token), margin_s=margin_s, limit=limit).refusal()


def lasts_s(token: str) -> int:
    """Return how long a fresh token lasts; the usual life where it does not say."""
    lifetime = lifetime_of(token)
    return USUAL_LIFE_S if lifetime is None or lifetime.lasts_s is None else lifetime.lasts_s
