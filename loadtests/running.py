"""`loadtests run`: from what was typed to a run, or to what a run would send.

A part of the command line: it prints, and is handed the environment. How a run goes is `loadtests.run`'s business.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.markup import escape

from loadtests.checks.gates import GateError, parse_gates
from loadtests.checks.guard import Caps
from loadtests.checks.verdict import Verdict
from loadtests.dry_run import DryRun, dry_run, json_of, lines_of
from loadtests.history.directory import RunDirectory
from loadtests.permission import Request, missing, permit, permit_hosts
from loadtests.run import RunRequest, run
from loadtests.runner.interrupt import listen_for_interrupt
from loadtests.runner.preflight import check_port
from loadtests.scenario.reader import ScenarioError, ScenarioFile, read_scenario
from loadtests.screens import screen_for
from loadtests.targets.allowed_hosts import AllowList, default_places, read_allow_list
from loadtests.targets.opening import (
    as_it_is,
    check_people,
    give,
    open_embedded,
    open_external,
    tokens_wanted,
)
from loadtests.targets.target import OpenTarget
from loadtests.targets.target_file import OpenedTarget, TargetFileError, read_target_file, way_in

DATABASE_URL: Final = "DATABASE_URL"
RUNS: Final = Path("reports/runs")
_VERDICT_STYLES: Final = {"pass": "bold green", "fail": "bold red", "unknown": "bold yellow"}
_DEFAULT_WEB_PORT: Final = 8089
_PORT: Final = click.IntRange(0, 65_535)

ClearErrors = Callable[[], AbstractContextManager[None]]
"""Turns what a user can mend into a message and an exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What was typed after `loadtests run`."""

    scenario: str
    overrides: tuple[str, ...]
    gates: tuple[str, ...]
    out: Path | None
    ui: bool
    ui_port: int
    is_dry: bool
    is_silent: bool
    target: Path | None
    as_json: bool
    confirmed: tuple[str, ...]
    allow_list: Path | None
    is_forced: bool


def host_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Let a verb be told which hosts it may load."""
    confirm = click.option(
        "--confirm", "confirmed", multiple=True, metavar="HOST", help="Yes, load this host; may be repeated."
    )
    allow_list = click.option(
        "--allow-list",
        type=click.Path(path_type=Path),
        help="Hosts that may be loaded [default: ./allowed-hosts.txt and ~/.config/loadtests/allowed-hosts].",
    )
    return confirm(allow_list(verb))


def run_command(clear_errors: ClearErrors, environment: Mapping[str, str]) -> click.Command:
    """Return the verb."""

    @click.command("run")
    @click.argument("scenario")
    @click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one key; may be repeated.")
    @click.option("--gate", "gates", multiple=True, metavar="GATE", help="One more limit; may be repeated.")
    @click.option("--out", type=click.Path(path_type=Path), help="Run directory [default: reports/runs/NAME/TIME].")
    @click.option("--ui", is_flag=True, help="Open Locust's web UI for watching and steering the mutators.")
    @click.option(
        "--ui-port", type=_PORT, default=_DEFAULT_WEB_PORT, show_default=True, help="Port of Locust's web UI."
    )
    @click.option(
        "--dry-run", "is_dry", is_flag=True, help="Say what would be sent and which limits it hits; send nothing."
    )
    @click.option("--json", "as_json", is_flag=True, help="With --dry-run: as one JSON object.")
    @host_options
    @click.option("--no-report", "is_silent", is_flag=True, help="Render nothing; `loadtests report` does it later.")
    @click.option("--target", type=click.Path(path_type=Path), help="A target file, instead of the embedded pipeline.")
    @click.option("--force", "is_forced", is_flag=True, help="Run even if its plan is certain to discard changes.")
    def command(**typed: Any) -> None:
        """Run SCENARIO, the name of a shipped one or the path of a TOML file, and report.

        \b
        Examples:
          loadtests run smoke
          loadtests run burst --set subscribers.debounce_ms=1000
          loadtests run smoke --set phases.1.mutations_per_s=20 --gate "push.visibility_ms.p95 < 800"
          loadtests run smoke --ui
          loadtests run smoke --set target.plan=pro --dry-run
          loadtests run smoke --target ours.toml --confirm api.example.com
        """  # noqa: D301 - click's own escape
        with clear_errors():
            exit_code = _obey(_Typed(**typed), environment)
        sys.exit(exit_code)

    return command


def _obey(typed: _Typed, environment: Mapping[str, str]) -> int:
    """Do what was typed; return the exit code."""
    source = read_scenario(typed.scenario, typed.overrides)
    _check_gates(source, typed.gates)
    opened = None if typed.target is None else read_target_file(typed.target, environment)
    if opened is not None:
        _spare_given_people(typed, opened)
        open_external(source.scenario, opened)  # refuses what only the embedded pipeline does; reaches nothing yet
        source = replace(source, scenario=as_it_is(source.scenario))
        check_people(source.scenario, opened, now_s=time.time())
    if typed.is_dry:
        told = _expected(source, opened)
        _tell_dry_run(told, missing(told, _request(typed, opened, environment)), as_json=typed.as_json)
        return 0
    return _run(typed, source, opened, environment)


def _expected(source: ScenarioFile, opened: OpenedTarget | None) -> DryRun:
    scenario = source.scenario
    if opened is None:
        return dry_run(scenario, target="an embedded pipeline", plan=scenario.target.plan)
    return dry_run(
        scenario,
        target=f"{opened.realtime_url} and {opened.file.api_url}",
        plan=opened.file.plan,
        makes_people=opened.csv is None,
        more=tokens_wanted(scenario, opened, now_s=time.time()),
    )


def _tell_dry_run(told: DryRun, refusals: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(json_of(told), option=orjson.OPT_INDENT_2))
        return
    click.echo("\n".join(lines_of(told)))
    for refusal in refusals:
        click.echo(f"\nbefore it may start: {refusal}")


def _run(typed: _Typed, source: ScenarioFile, opened: OpenedTarget | None, environment: Mapping[str, str]) -> int:
    console = Console(highlight=False)
    if typed.ui:
        check_port(typed.ui_port, what="Locust's web UI", option="--ui-port")
    directory = typed.out or new_directory(source.scenario.name)
    if directory.exists():
        raise ScenarioError(f"--out {directory}: it exists already; a run never writes over another")
    told = _expected(source, opened)
    _permit(typed, told, opened, environment)
    web_port = typed.ui_port if typed.ui else None
    request = RunRequest(
        source=source,
        directory=directory,
        gates=typed.gates,
        open_target=_opening(source, opened, environment),
        give=(lambda: None)
        if opened is None
        else partial(give, source.scenario, opened, clock_s=time.time, wait_s=time.sleep),
        target=None if opened is None else opened.file.model_dump(mode="json", exclude_none=True),
        abort=() if opened is None else (opened.file.limits.abort,),
        web_port=web_port,
        has_report=not typed.is_silent,
        expected=json_of(told),
    )
    _announce(console, source, web_port)
    screen = screen_for(console)
    with listen_for_interrupt() as interrupt:
        try:
            outcome = run(request, screen, interrupt)
        finally:
            screen.close()
    link_latest(directory)
    tell_outcome(console, RunDirectory(directory), outcome.verdict)
    return outcome.verdict.exit_code


def _opening(source: ScenarioFile, opened: OpenedTarget | None, environment: Mapping[str, str]) -> OpenTarget:
    if opened is None:
        return open_embedded(source.scenario, database_options(environment))
    return open_external(source.scenario, opened)


def _spare_given_people(typed: _Typed, opened: OpenedTarget) -> None:
    """Refuse a target file that gives people and would have them removed after the run, as if it had made them."""
    if opened.csv is not None and way_in(opened) != "nothing":
        raise TargetFileError(
            f'{typed.target}: auth.users = "csv" gives people who exist, and provision.through = '
            f'"{way_in(opened)}" would remove them after the run: leave provision.through out'
        )


def _permit(typed: _Typed, told: DryRun, opened: OpenedTarget | None, environment: Mapping[str, str]) -> None:
    """Refuse what must not be loaded, and tell what is to be known before the load."""
    for note in permit(told, _request(typed, opened, environment)):
        Console(highlight=False).print(f"[yellow]{escape(note)}[/]", soft_wrap=True)


def _request(typed: _Typed, opened: OpenedTarget | None, environment: Mapping[str, str]) -> Request:
    return Request(
        urls=() if opened is None else opened.urls,
        database_url=environment.get(DATABASE_URL, "") if opened is None else opened.database_url,
        environment=environment,
        allow_list=allow_list_of(typed.allow_list, environment),
        confirmed=typed.confirmed,
        is_forced=typed.is_forced,
        keeps_plan=opened is not None,
        caps=Caps() if opened is None else opened.file.limits.caps,
        caps_stand_in="" if opened is None else str(typed.target),
    )


def allow_list_of(named: Path | None, environment: Mapping[str, str]) -> AllowList:
    """Return the allow-list that was named, or the user's own."""
    if named is not None:
        return read_allow_list((named,), must_exist=True)
    configuration = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return read_allow_list(default_places(Path(), Path(configuration)))


def permit_database(named: Path | None, confirmed: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """Refuse DATABASE_URL unless it leads to this machine alone, or to hosts that are allowed and confirmed."""
    url = environment.get(DATABASE_URL, "")
    allow_list = allow_list_of(named, environment)
    permit_hosts(
        Request(urls=(), database_url=url, environment=environment, allow_list=allow_list, confirmed=confirmed)
    )


def _check_gates(source: ScenarioFile, extra: tuple[str, ...]) -> None:
    """Refuse gates that could not be judged, before anything is started."""
    try:
        parse_gates(source.scenario)
    except GateError as error:
        raise GateError(f"{source.source}: gates: {error}") from error
    try:
        parse_gates(source.scenario, extra)
    except GateError as error:
        raise GateError(f"--gate: {error}") from error


def _announce(console: Console, source: ScenarioFile, web_port: int | None) -> None:
    scenario = source.scenario
    console.print(f"[bold]{scenario.name}[/]: {escape(scenario.question)}", soft_wrap=True)
    pollers = sum(cohort.count for cohort in scenario.pollers)
    controls = scenario.subscribers.control
    official = f", {controls:,} official client{'s' if controls > 1 else ''}" if controls else ""
    console.print(
        f"[dim]{scenario.subscribers.count:,} subscribers{official} and {pollers:,} pollers in "
        f"{scenario.organizations.count:,} organizations, {scenario.duration_s:.0f} s of load and "
        f"{scenario.effective_drain_s:.0f} s of drain[/]",
        soft_wrap=True,
    )
    if web_port is not None:
        console.print(f"Locust's web UI: http://127.0.0.1:{web_port}")


# ---- shared with the other verbs


def database_options(environment: Mapping[str, str]) -> dict[str, object]:
    """Return the database of one's own that the environment names, if any."""
    database_url = environment.get(DATABASE_URL)
    return {} if database_url is None else {"database_url": database_url}


def new_directory(name: str) -> Path:
    """Return where a run of that name goes by default."""
    return RUNS / name / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def link_latest(directory: Path) -> None:
    """Let `latest` beside a run in its default place mean it."""
    latest = directory.parent / "latest"
    if directory.parent.parent != RUNS or (latest.exists() and not latest.is_symlink()):
        return
    latest.unlink(missing_ok=True)
    latest.symlink_to(directory.name, target_is_directory=True)


def tell_outcome(console: Console, directory: RunDirectory, verdict: Verdict) -> None:
    """Print a run's summary, its verdict with reasons, and where the report is."""
    summary = directory.path / "summary.md"
    if summary.is_file():
        console.print()
        console.print(summary.read_text(encoding="utf-8").rstrip(), markup=False, soft_wrap=True)
    console.print()
    console.print(f"verdict: [{_VERDICT_STYLES[verdict.value]}]{verdict.value}[/]")
    for reason in verdict.reasons:
        console.print(f"  {escape(reason)}", soft_wrap=True)
    if directory.report_file.is_file():
        console.print(f"report:  {directory.report_file}", soft_wrap=True)
