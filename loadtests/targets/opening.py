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
from loadtests.targets.given_people import cast, read_people
from loadtests.targets.target import OpenTarget, Target, TargetError
from loadtests.targets.target_file import OpenedTarget
from loadtests.wire.tls import client_context

_EMBEDDED_ONLY: Final = tuple(key for key in TargetTable.model_fields if key not in {"kind", "plan"})


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


def give(scenario: Scenario, opened: OpenedTarget) -> Given | None:
    """Return the people that a target file gives, once the jobs that they need are made; None: the run makes its own.

    Raises:
        TargetError, TargetFileError: nobody can play the scenario; the text says why.

    """
    if opened.csv is None:
        return None
    verify = client_context(opened.file.ca_file or "")
    return cast(
        read_people(opened.csv), scenario, api_url=opened.file.api_url, routes=opened.file.api.table, verify=verify
    )


def _reach(opened: OpenedTarget) -> Callable[[Path], Target]:
    def reach(_log: Path) -> Target:
        # The official client takes a second to import, which nobody waits for who does not need it.
        from loadtests.targets.supabase import SupabaseTarget  # noqa: PLC0415

        return SupabaseTarget(opened)

    return reach
