"""Whether the access tokens that a run was given last until its planned end; and who they are that need them. Pure.

A token tells by itself until when it lasts; its signature is the target's business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final

from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.wire.tokens import lifetime_of

_BEFORE_S: Final = 30
"""Until the first device logs in: the jobs that are made, the probe, the drivers' start."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A token that does not last."""

    expires_at_s: int
    user_id: str
    lasts_s: int | None
    """For how long it was good when it was new; None: it does not say."""


def planned_end_s(scenario: Scenario, *, now_s: float) -> int:
    """Return when a run that is started now has logged its devices out, at the latest; Unix time in seconds."""
    devices = scenario.subscribers.count + sum(cohort.count for cohort in scenario.pollers)
    logins_s = devices / scenario.subscribers.connects_per_s + scenario.subscribers.live_within_s
    return ceil(now_s + _BEFORE_S + logins_s + scenario.duration_s + scenario.effective_drain_s)


def users_of(given: Given, scenario: Scenario) -> tuple[str, ...]:
    """Return who takes part, each once: those who change jobs, and those who have devices."""
    # Which run it is makes no difference: these people have identifiers of their own.
    population = Population(scenario, seed=scenario.seed, run_id="", given=given)
    return tuple(dict.fromkeys((*given.authors, *(device.user_id for device in population.devices))))


def endings(tokens: Mapping[str, str], users: Iterable[str], *, until_s: int) -> tuple[Ending, ...]:
    """Return the tokens of these users that end before the stamp, the first to end first.

    A token that does not tell when it ends is taken to last.
    """
    found = []
    for user in users:
        lifetime = lifetime_of(tokens[user])
        if lifetime is not None and lifetime.expires_at_s < until_s:
            found.append(Ending(lifetime.expires_at_s, user, lifetime.lasts_s))
    return tuple(sorted(found, key=lambda ending: (ending.expires_at_s, ending.user_id)))


def cannot_be_renewed(found: Iterable[Ending], refreshable: Iterable[str]) -> tuple[Ending, ...]:
    """Return those for whom no refresh token is there."""
    refreshable = set(refreshable)
    return tuple(each for each in found if each.user_id not in refreshable)


def refusal(found: tuple[Ending, ...], *, now_s: float, until_s: int) -> str:
    """Return the sentence about tokens that end and cannot be renewed: whose, until when, and what helps."""
    first, others = found[0], len(found) - 1
    more = "" if not others else f", and {others} more end too soon" if others > 1 else ", and one more ends too soon"
    verb = "lasts" if first.expires_at_s > now_s else "lasted"
    return (
        f"auth.csv: the access token of user {first.user_id} {verb} until {_utc(first.expires_at_s)}, and the run "
        f"until {_utc(until_s)} at the latest{more}: give a column refresh_token with what signing in has told (and "
        "supabase_url, where sessions are renewed), raise the lifetime of access tokens in the project, or make the "
        "run shorter"
    )


def _utc(stamp_s: int) -> str:
    return f"{datetime.fromtimestamp(stamp_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
