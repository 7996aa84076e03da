"""From what was asked for to a target that can be opened: the embedded pipeline of a scenario, or a target file.

What a target cannot do is refused here by name, before anything is started.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Final

from loadtests.checks.preflight import Finding
from loadtests.scenario.devices import LONG_TOKEN_S
from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.model import Target as TargetTable
from loadtests.scenario.population import Population
from loadtests.targets import residents
from loadtests.targets.accounts import Accounts
from loadtests.targets.embedded import EmbeddedTarget, settings_from, target_options
from loadtests.targets.given_people import GivenPeople, read_people, who_plays, with_jobs
from loadtests.targets.renewal import renew
from loadtests.targets.session_plan import Session, overdue
from loadtests.targets.sessions import USUAL_LIFE_S, finding, sessions_of, upkeep
from loadtests.targets.target import OpenTarget, Target, TargetError
from loadtests.targets.target_file import OpenedTarget
from loadtests.targets.token_times import Ending, cannot_be_renewed, endings, planned_end_s, refusal, users_of
from loadtests.wire.tls import client_context

_EMBEDDED_ONLY: Final = tuple(key for key in TargetTable.model_fields if key not in {"kind", "feed", "plan"})
"""What a scenario may ask of the embedded pipeline alone. A target of a file has the limits of its own plan and reads
changes in its own way, whichever of the two a scenario wants to be embedded."""

_SOON_S: Final = 60.0
"""Until sessions are kept: the jobs that are made, the drivers' start."""


def open_embedded(scenario: Scenario, more: Mapping[str, Any]) -> OpenTarget:
    """Return what starts the embedded pipeline that a scenario asks for; `more` are options beside the scenario's."""
    return partial(_start_embedded, settings_from({**target_options(scenario.target), **more}))


def _start_embedded(settings: Any, log: Path) -> Target:
    return EmbeddedTarget.start(settings, log=log)


def open_external(scenario: Scenario, opened: OpenedTarget) -> OpenTarget:
    """Return what reaches the target of a file.

    Raises:
        TargetError: the scenario asks for what only the embedded pipeline does; the text names it.

    """
    if scenario.faults:
        kinds = ", ".join(sorted({fault.kind for fault in scenario.faults}))
        raise TargetError(
            f"scenario '{scenario.name}' plants faults ({kinds}), which only the embedded pipeline commits: "
            "leave --target out, or take a scenario without [[faults]]"
        )
    plain = TargetTable()
    asked = [key for key in _EMBEDDED_ONLY if getattr(scenario.target, key) != getattr(plain, key)]
    if asked:
        raise TargetError(
            f"scenario '{scenario.name}' sets {', '.join(f'target.{key}' for key in asked)}, which only the embedded "
            "pipeline can be told: somebody else's target is as it is. Leave --target out, or these keys"
        )
    _check_lifetime(scenario, opened)
    return _reach(opened)


def _check_lifetime(scenario: Scenario, opened: OpenedTarget) -> None:
    """Refuse a scenario that says how long tokens last where the project says it: its question would not be asked."""
    wanted_s, users = scenario.subscribers.connection.token_lifetime_s, opened.file.auth.users
    if users == "mint" or wanted_s == LONG_TOKEN_S:
        return
    raise TargetError(
        f"scenario '{scenario.name}' sets subscribers.connection.token_lifetime_s = {wanted_s:g}, and with auth.users "
        f'= "{users}" tokens last as long as the project has them last: give keys.jwt_secret and auth.users = "mint", '
        f"or let the project's life of tokens stand, with --set subscribers.connection.token_lifetime_s={LONG_TOKEN_S}"
    )


def as_it_is(scenario: Scenario) -> Scenario:
    """Return a scenario as it is played on the target of a file: its feed polls, as each Supabase does.

    Who asks what a feed that pushes at commit would come to is not answered then.
    """
    return scenario.model_copy(update={"target": scenario.target.model_copy(update={"feed": "supabase"})})


def check_people(scenario: Scenario, opened: OpenedTarget, *, now_s: float) -> None:
    """Refuse people of a CSV file who are too few, or whose tokens would not last a run that is started now.

    Sends nothing: a token that can be refreshed is taken to last as long as the one that is there did.

    Raises:
        TargetError, TargetFileError: nobody can play the scenario; the text says who, and until when tokens last.

    """
    if opened.csv is not None:
        people = read_people(opened.csv)
        _check_tokens(people, who_plays(people, scenario), scenario, opened, now_s=now_s)


def tokens_wanted(scenario: Scenario, opened: OpenedTarget, *, now_s: float) -> tuple[Finding, ...]:
    """Return how many tokens a run that is started now asks the accounts for; nothing where they are minted.

    How long those of people who have yet to sign in will last is not known: the usual hour is taken.
    """
    limit, margin_s = opened.file.auth.limit, scenario.subscribers.connection.renewal_margin_s
    until_s, sign_ins = planned_end_s(scenario, now_s=now_s), 0
    at_once = 0
    if opened.csv is not None:
        people = read_people(opened.csv)
        found, first = _who_renews(people, who_plays(people, scenario), scenario, opened, now_s=now_s)
        at_once = len(first)
        until_s += ceil(limit.start_s(at_once - 1))
        ends_s = [(float(each.expires_at_s), each.lasts_s or USUAL_LIFE_S) for each in found]
    elif opened.file.auth.users == "password":
        sign_ins = sum(1 for _ in residents.people(Population(scenario, seed=scenario.seed, run_id="dry-run")))
        until_s += ceil(limit.start_s(sign_ins - 1))
        signed_in_s = [now_s + limit.start_s(place) for place in range(sign_ins)]
        ends_s = [(at_s + USUAL_LIFE_S, USUAL_LIFE_S) for at_s in signed_in_s if at_s + USUAL_LIFE_S < until_s]
    else:
        return ()
    told = finding(
        ends_s, sign_ins=sign_ins, at_once=at_once, margin_s=margin_s, now_s=now_s, until_s=until_s, limit=limit
    )
    return (told,)


def _who_renews(
    people: GivenPeople, given: Given, scenario: Scenario, opened: OpenedTarget, *, now_s: float
) -> tuple[tuple[Ending, ...], list[str]]:
    """Return whose tokens end before a run that is started now, and who of them renews before the load, in order.

    The latter takes time, in which others may come to their end.
    """
    limit, margin_s = opened.file.auth.limit, scenario.subscribers.connection.renewal_margin_s
    users, until_s = users_of(given, scenario), planned_end_s(scenario, now_s=now_s)
    first: list[Session] = []
    while True:
        found = endings(people.tokens, users, until_s=until_s + ceil(limit.start_s(len(first) - 1)))
        sessions = sessions_of(found, people.tokens, people.refresh_tokens)
        before, first = first, overdue(sessions, wanted_margin_s=margin_s, limit=limit, from_s=now_s + _SOON_S)
        if len(first) <= len(before):
            return found, [each.user_id for each in first]


def _check_tokens(
    people: GivenPeople, given: Given, scenario: Scenario, opened: OpenedTarget, *, now_s: float
) -> list[str]:
    """Return who has to renew before the load of a run that is started now, and can, in order.

    Raises:
        TargetError: others would have to, then or later.

    """
    found, first = _who_renews(people, given, scenario, opened, now_s=now_s)
    until_s = planned_end_s(scenario, now_s=now_s) + ceil(opened.file.auth.limit.start_s(len(first) - 1))
    if short := cannot_be_renewed(found, people.refresh_tokens if opened.supabase_url else ()):
        raise TargetError(refusal(short, now_s=now_s, until_s=until_s))
    margin_s = scenario.subscribers.connection.renewal_margin_s
    if (why := upkeep(found, margin_s=margin_s, limit=opened.file.auth.limit).refusal()) is not None:
        raise TargetError(f"auth.csv: {why}")
    return first


def give(
    scenario: Scenario, opened: OpenedTarget, *, clock_s: Callable[[], float], wait_s: Callable[[float], None]
) -> Given | None:
    """Return the people that a target file gives, once their tokens are good and the jobs that they need are made.

    None: the run makes its own people. `clock_s` tells Unix time. Tokens that end before the run are renewed in it;
    only those for which that would be too late are renewed here, at the pace that the project allows.

    Raises:
        TargetError, TargetFileError: nobody can play the scenario; the text says why.

    """
    if opened.csv is None:
        return None
    verify = client_context(opened.ca_file)
    people = read_people(opened.csv)
    given = who_plays(people, scenario)
    began_s = clock_s()
    if first := _check_tokens(people, given, scenario, opened, now_s=began_s):
        with Accounts(opened.supabase_url, opened.anon_key, verify=verify) as accounts:
            renew(
                opened.csv,
                accounts,
                people.refresh_tokens,
                first,
                limit=opened.file.auth.limit,
                wait_until_s=lambda at_s: wait_s(max(0.0, began_s + at_s - clock_s())),
            )
        people = read_people(opened.csv)
    return with_jobs(
        given,
        scenario,
        tokens=people.tokens,
        api_url=opened.file.api_url,
        routes=opened.file.api.table,
        verify=verify,
    )


def _reach(opened: OpenedTarget) -> Callable[[Path], Target]:
    def reach(_log: Path) -> Target:
        # The official client takes a second to import, which nobody waits for who does not need it.
        from loadtests.targets.supabase import SupabaseTarget  # noqa: PLC0415

        return SupabaseTarget(opened)

    return reach
