"""The command line: the verbs, and the only place that prints to the terminal and reads the environment."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape

import loadtests
from loadtests.analysis.explain import UnknownIdError
from loadtests.analysis.explained import json_of, lines_of
from loadtests.analysis.laboratory.replay import ReplayError
from loadtests.analysis.metric_keys import documentation
from loadtests.calibration.calibrate import CERTIFICATE_MARKDOWN, ROUNDS, CalibrationRequest, calibrate, seeds_of
from loadtests.calibration.cases import Case
from loadtests.calibration.certificate import Certificate
from loadtests.calibration.finding import Comparison, Finding
from loadtests.checks.gates import GateError
from loadtests.checks.guard import GuardError, database_hosts
from loadtests.explaining import explain_run
from loadtests.history.directory import NoRunError, RunDirectory
from loadtests.history.history import TornLedgerError
from loadtests.processes.spawn import ChildError
from loadtests.replaying import replay_command
from loadtests.runner.interrupt import Interrupted, listen_for_interrupt
from loadtests.runner.outcome import CALIBRATION, conclude, recorded_trouble, write_report
from loadtests.runner.preflight import PreflightError, check_port
from loadtests.running import (
    DATABASE_URL,
    database_options,
    host_options,
    link_latest,
    new_directory,
    permit_database,
    run_command,
    tell_outcome,
)
from loadtests.scenario.faults import SHAPES
from loadtests.scenario.reader import ScenarioError, read_scenario, shipped_scenarios
from loadtests.screens import screen_for
from loadtests.simulated_costs import break_even_command, one_burst_command
from loadtests.target_clean import clean_command
from loadtests.target_up import TargetUp, keep_target_up
from loadtests.targets.opening import open_embedded
from loadtests.targets.target import OpenTarget, TargetError
from loadtests.targets.target_file import TargetFileError
from loadtests.wire.plans import PLANS

_USAGE_ERROR = 2
_TROUBLE = 1
_INTERRUPTED = 130
_FINDING_STYLES = {
    Comparison.FOUND: "green",
    Comparison.WRONG: "bold red reverse",
    Comparison.CANNOT_TELL: "bold red",
}
_PORT = click.IntRange(0, 65_535)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(loadtests.__version__, prog_name="loadtests")
def main() -> None:
    """Load and soak tests for push pipelines: how soon users see a change, what it costs, what is lost.

    \b
    Examples:
      loadtests run smoke                               the main job, on an embedded pipeline
      loadtests run smoke --set subscribers.count=500   the same with more devices
      loadtests run my-question.toml --out /tmp/q1      a scenario of your own
      loadtests scenarios                               what ships, and what each one asks
      loadtests report reports/runs/smoke/latest        render a recorded run again
      loadtests explain reports/runs/smoke/latest --event 0f9e…   the life of one event
      loadtests replay reports/runs/smoke/latest        what other debounces would have cost
      loadtests break-even                              from how many writes on push costs more than polling
      loadtests target up > target.env                  only the pipeline, for your own client
      loadtests calibrate                               plant known faults: does the harness find them?

    Exit codes: 0 pass, 3 fail (a gate is violated), 4 unknown (the measurement was not good enough to say),
    2 wrong usage, 1 trouble before anything was measured.
    """  # noqa: D301 - click's own escape


@main.command("check")
@click.argument("run_directory", type=click.Path(path_type=Path))
@click.option("--gate", "gates", multiple=True, metavar="GATE", help="One more limit; may be repeated.")
def check_command(run_directory: Path, gates: tuple[str, ...]) -> None:
    """Judge a recorded run again, with its own gates and any that you add.

    \b
    Examples:
      loadtests check reports/runs/smoke/latest
      loadtests check reports/runs/smoke/latest --gate "push.visibility_ms.p95 < 600"
    """  # noqa: D301 - click's own escape
    console = Console(highlight=False)
    with _clear_errors():
        directory = RunDirectory.open(run_directory)
        recorded = tuple(directory.read_manifest().get("gates", ()))
        trouble = recorded_trouble(directory)
        outcome = conclude(directory, gates=(*recorded, *gates), trouble=trouble, replays=False)
        tell_outcome(console, directory, outcome.verdict)
    sys.exit(outcome.verdict.exit_code)


@main.command("report")
@click.argument("run_directory", type=click.Path(path_type=Path))
def report_command(run_directory: Path) -> None:
    """Analyse and render a recorded run again: report.html, summary.md, figures, junit.xml.

    \b
    Example:
      loadtests report reports/runs/smoke/latest
    """  # noqa: D301 - click's own escape
    console = Console(highlight=False)
    with _clear_errors():
        directory = RunDirectory.open(run_directory)
        recorded = tuple(directory.read_manifest().get("gates", ()))
        outcome = conclude(directory, gates=recorded, trouble=recorded_trouble(directory))
        write_report(directory, outcome)
        tell_outcome(console, directory, outcome.verdict)
    sys.exit(outcome.verdict.exit_code)


@main.command("explain")
@click.argument("run_directory", type=click.Path(path_type=Path))
@click.option("--event", required=True, metavar="ID", help="The id of a row of realtime_events.")
@click.option("--subscriber", type=click.IntRange(min=0), metavar="N", help="One device [default: the worst few].")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def explain_command(run_directory: Path, event: str, subscriber: int | None, *, as_json: bool) -> None:
    """Tell the life of one event of a recorded run, stamp by stamp: from its mutation to the screens.

    \b
    Examples:
      loadtests explain reports/runs/smoke/latest --event 0f9e…
      loadtests explain reports/runs/smoke/latest --event 0f9e… --subscriber 7 --json
    """  # noqa: D301 - click's own escape
    with _clear_errors():
        told = explain_run(run_directory, event, subscriber=subscriber)
        if as_json:
            click.echo(orjson.dumps(json_of(told), option=orjson.OPT_INDENT_2))
        else:
            click.echo("\n".join(lines_of(told)))


@main.command("scenarios")
def scenarios_command() -> None:
    """List the shipped scenarios and the question each one asks."""
    console = Console(highlight=False)
    with _clear_errors():
        names = tuple(shipped_scenarios())
        width = max(map(len, names))
        for name in names:
            scenario = read_scenario(name).scenario
            length_s = scenario.duration_s + scenario.effective_drain_s
            line = f"[bold]{name:<{width}}[/]  {escape(scenario.question)} [dim]({length_s:.0f} s)[/]"
            console.print(line, soft_wrap=True)


@main.command("metrics")
def metrics_command() -> None:
    """Explain each key of metrics.json: what can be gated, in which unit, and what it means."""
    click.echo(documentation(), nl=False)


@main.command("calibrate")
@click.option("--out", type=click.Path(path_type=Path), help="Directory [default: reports/runs/calibration/TIME].")
@click.option(
    "--only", "kinds", multiple=True, type=click.Choice(sorted(SHAPES)), help="A kind of fault; may be repeated."
)
@click.option("--seed", type=click.IntRange(0), help="First of the seeds [default: those of the day].")
@click.option(
    "--rounds", type=click.IntRange(1), default=ROUNDS, show_default=True, help="How many seeds to run each case with."
)
def calibrate_command(out: Path | None, kinds: tuple[str, ...], *, seed: int | None, rounds: int) -> None:
    """Plant known faults in short runs on an embedded pipeline, and certify what the harness finds of them.

    Exit codes: 0 all was found as planted, 3 something was found wrong, 4 something could not be told.

    \b
    Examples:
      loadtests calibrate
      loadtests calibrate --only drop --only close --rounds 1
    """  # noqa: D301 - click's own escape
    console = Console(highlight=False)
    with _clear_errors():
        directory = out or new_directory(CALIBRATION)
        if directory.exists():
            raise ScenarioError(f"--out {directory}: it exists already; a calibration never writes over another")
        _refuse_elsewhere()
        request = CalibrationRequest(
            directory=directory,
            kinds=kinds,
            seeds=seeds_of(seed, rounds, today=datetime.now(UTC).date()),
            open_target=_target_of_case,
        )
        screen = screen_for(console)
        with listen_for_interrupt() as interrupt:
            try:
                certificate = calibrate(
                    request, screen, interrupt, lambda case, told: _tell_findings(console, case, told)
                )
            finally:
                screen.close()
        link_latest(directory)
        _conclude_calibration(console, certificate, directory)
    sys.exit(certificate.exit_code)


@main.group("target")
def target_group() -> None:
    """The pipeline under test, by itself."""


@target_group.command("up")
@click.option("--api-port", type=_PORT, default=0, help="Port of the jobs API [default: a free one].")
@click.option("--realtime-port", type=_PORT, default=0, help="Port of Realtime [default: a free one].")
@click.option("--gateway-port", type=_PORT, default=0, help="Port of accounts and tables [default: a free one].")
@click.option(
    "--token-lifetime-s",
    type=click.IntRange(2, 604_800),
    default=3600,
    show_default=True,
    help="How long the token of who signs in lasts.",
)
@click.option(
    "--organizations", type=click.IntRange(1, 100_000), default=1, show_default=True, help="How many to make."
)
@click.option(
    "--tokens",
    "users",
    type=click.IntRange(0, 10_000),
    default=3,
    show_default=True,
    help="Ones to print, one user each.",
)
@click.option(
    "--feed",
    type=click.Choice(("streaming", "supabase")),
    default="streaming",
    show_default=True,
    help="Push at commit, or poll as the real server does.",
)
@click.option(
    "--plan", type=click.Choice(tuple(PLANS)), default="unlimited", show_default=True, help="Whose limits it keeps."
)
@host_options
def target_up_command(*, confirmed: tuple[str, ...], allow_list: Path | None, **typed: Any) -> None:
    """Start the embedded pipeline, print how to reach it as KEY=value lines, and keep it until Ctrl-C.

    \b
    Examples:
      loadtests target up
      loadtests target up --api-port 54321 --realtime-port 54322 > target.env
      loadtests target up --feed supabase --plan pro
    """  # noqa: D301 - click's own escape
    errors = Console(stderr=True, highlight=False)
    with _clear_errors():
        wanted = TargetUp(database_url=os.environ.get(DATABASE_URL), **typed)
        for port, what, option in (
            (wanted.api_port, "the jobs API", "--api-port"),
            (wanted.realtime_port, "Realtime", "--realtime-port"),
            (wanted.gateway_port, "accounts and tables", "--gateway-port"),
        ):
            if port:
                check_port(port, what=what, option=option)
        # A database of one's own is made there, on whosever server that is.
        permit_database(allow_list, confirmed, os.environ)
        with listen_for_interrupt() as interrupt:
            keep_target_up(
                wanted,
                interrupt,
                tell=lambda lines: click.echo("\n".join(lines)),
                note=lambda text: errors.print(text, style="dim"),
            )


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn what a user can mend into one clear message and the right exit code; bugs keep their traceback."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        yield
    except (
        ScenarioError,
        GateError,
        GuardError,
        PreflightError,
        NoRunError,
        TornLedgerError,
        UnknownIdError,
        ReplayError,
        TargetFileError,
    ) as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(_USAGE_ERROR)
    except (TargetError, ChildError) as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(_TROUBLE)
    except (Interrupted, KeyboardInterrupt):
        errors.print("stopped; nothing more is measured")
        sys.exit(_INTERRUPTED)


def _refuse_elsewhere() -> None:
    """Leave databases that are not on this machine to the verb that guards them."""
    if hosts := database_hosts(os.environ.get(DATABASE_URL, ""), os.environ):
        raise GuardError(
            f"calibration loads this machine alone, and {DATABASE_URL} leads to {' and '.join(hosts)}: leave it out"
        )


def _target_of_case(case: Case) -> OpenTarget:
    return open_embedded(case.scenario_file(0).scenario, database_options(os.environ))


def _tell_findings(console: Console, case: Case, findings: Sequence[Finding]) -> None:
    console.print(f"[bold]{case.name}[/] [dim]{', '.join(sorted({f'seed {each.seed}' for each in findings}))}[/]")
    for each in findings:
        line = f"{each.fault}: {each.question}: planted {each.planted}, found {each.found}"
        console.print(f"  [{_FINDING_STYLES[each.verdict]}]{each.verdict.value:<11}[/] {escape(line)}", soft_wrap=True)


def _conclude_calibration(console: Console, certificate: Certificate, directory: Path) -> None:
    console.print()
    style = _FINDING_STYLES[certificate.verdict]
    console.print(f"certificate: [{style}]{certificate.verdict.value}[/] ({certificate.summary})", soft_wrap=True)
    console.print(f"written to:  {directory / CERTIFICATE_MARKDOWN}", soft_wrap=True)


for verb in (replay_command, break_even_command, one_burst_command):
    main.add_command(verb(_clear_errors))
main.add_command(run_command(_clear_errors, os.environ))
target_group.add_command(clean_command(_clear_errors, os.environ))
