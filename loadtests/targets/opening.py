"""From what was asked for to a target that can be opened: the embedded pipeline of a scenario, or a target file.

What a target cannot do is refused here by name, before anything is started.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.model import Target as TargetTable
from loadtests.targets.embedded import EmbeddedTarget, settings_from, target_options
from loadtests.targets.given_people import read_people, who_plays, with_jobs
from loadtests.targets.renewal import Sessions
from loadtests.targets.target import OpenTarget, Target, TargetError
from loadtests.targets.target_file import OpenedTarget
from loadtests.targets.token_times import endings, planned_end_s, refusal, too_short, users_of
from loadtests.wire.tls import client_context

_EMBEDDED_ONLY: Final = tuple(key for key in TargetTable.model_fields if key not in {"kind", "feed", "plan"})
"""What a scenario may ask of the embedded pipeline alone. A target of a file has the limits of its own plan and reads
changes in its own way, whichever of the two a scenario wants to be embedded."""


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
    return _reach(opened)


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
    if opened.csv is None:
        return
    people = read_people(opened.csv)
    until_s = planned_end_s(scenario, now_s=now_s)
    found = endings(people.tokens, users_of(who_plays(people, scenario), scenario), until_s=until_s)
    refreshable = people.refresh_tokens if opened.supabase_url else ()
    if short := too_short(found, refreshable, now_s=now_s, until_s=until_s):
        raise TargetError(refusal(short, refreshable, now_s=now_s, until_s=until_s))


def give(scenario: Scenario, opened: OpenedTarget, *, clock_s: Callable[[], float]) -> Given | None:
    """Return the people that a target file gives, once their tokens last and the jobs that they need are made.

    None: the run makes its own people. `clock_s` tells Unix time.

    Raises:
        TargetError, TargetFileError: nobody can play the scenario; the text says why.

    """
    if opened.csv is None:
        return None
    verify = client_context(opened.ca_file)
    people = read_people(opened.csv)
    given = who_plays(people, scenario)
    until_s = planned_end_s(scenario, now_s=clock_s())
    ending = [each.user_id for each in endings(people.tokens, users_of(given, scenario), until_s=until_s)]
    if ending and opened.supabase_url:
        sessions = Sessions(opened.supabase_url, opened.anon_key, verify=verify)
        sessions.renew(opened.csv, people.refresh_tokens, [user for user in ending if user in people.refresh_tokens])
        people = read_people(opened.csv)
    if short := endings(people.tokens, users_of(given, scenario), until_s=until_s):
        raise TargetError(refusal(short, people.refresh_tokens, now_s=clock_s(), until_s=until_s))
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
