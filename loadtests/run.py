"""The story of a run on one screen: do what the scenario says, write down what happened, then judge it."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from loadtests.checks.abort import AbortLimits, Watch
from loadtests.drivers.faults import FaultPlanter, FaultRefusedError
from loadtests.drivers.probes import UsageProbe, open_clock
from loadtests.drivers.run_input import RunInput
from loadtests.drivers.target_metrics import TargetMetrics
from loadtests.drivers.truth import Truth, open_truth
from loadtests.drivers.truth_rows import TruthRefusedError
from loadtests.history.directory import RunDirectory
from loadtests.history.ledger import Ledger, LedgerFullError
from loadtests.runner.conduct import Conductor
from loadtests.runner.interrupt import Interrupt
from loadtests.runner.live_view import LiveView
from loadtests.runner.manifest import make_manifest, new_run_id
from loadtests.runner.outcome import Outcome, conclude, write_report
from loadtests.runner.preflight import PreflightError, check_descriptors, raise_descriptor_limit
from loadtests.runner.progress import Progress, Screen, Step
from loadtests.runner.stage import open_stage
from loadtests.scenario.abort import Abort
from loadtests.scenario.given import Given
from loadtests.scenario.reader import ScenarioFile
from loadtests.targets.target import OpenTarget
from loadtests.wire.endpoint import Endpoint

_RUNNER_ROWS = 20_000_000
"""Room in the runner's ledger for the truth of the longest run; the file is sparse, so unused room is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to run, and where to write."""

    source: ScenarioFile
    directory: Path
    gates: tuple[str, ...] = ()
    open_target: OpenTarget
    give: Callable[[], Given | None] = lambda: None
    """Returns people who exist already, for a target that takes in no others."""
    target: Mapping[str, Any] | None = None
    """The target file as it was meant, without secrets; None: the embedded pipeline."""
    expected: Mapping[str, Any] = field(default_factory=dict)
    """What the dry run told of it, kept in the manifest: no secrets."""
    abort: tuple[Abort, ...] = ()
    """When the load ends before its time, beside what the scenario says of that."""
    web_port: int | None = None
    """Port for Locust's web UI, or None for none."""
    has_report: bool = True
    """Whether the page for people is rendered; it can be rendered later, too."""


def run(request: RunRequest, screen: Screen, interrupt: Interrupt) -> Outcome:
    """Do what the scenario says, write down what happened, then judge it.

    Raises:
        PreflightError, TargetError, ChildError: nothing was measured; the text says what helps.
        Interrupted: the user left before the load began.

    """
    check_descriptors(request.source.scenario, raise_descriptor_limit())
    directory = _write_intention(request)
    with interrupt.at_once():
        given = request.give()
    if given is not None:
        directory.write_json(directory.given_file, given.to_json())
    trouble = _drive(RunInput.read(directory.path), request, screen, interrupt)
    screen.show(Progress(step=Step.ANALYSIS))
    outcome = conclude(directory, gates=request.gates, trouble=trouble, replays=request.has_report)
    if request.has_report:
        write_report(directory, outcome)
    return outcome


def _write_intention(request: RunRequest) -> RunDirectory:
    try:
        directory = RunDirectory.create(request.directory)
    except OSError as error:
        raise PreflightError(
            f"cannot make the run directory {request.directory}: {error.strerror}; choose another with --out"
        ) from error
    manifest = make_manifest(request.source, run_id=new_run_id(), gates=request.gates, started_at=datetime.now(UTC))
    manifest["expected"] = dict(request.expected)
    if request.target is not None:
        manifest["target"] = dict(request.target)
    directory.write_json(directory.manifest_file, manifest)
    return directory


def _drive(run_input: RunInput, request: RunRequest, screen: Screen, interrupt: Interrupt) -> list[str]:
    """Start everything, run the load, read the truth; return what went wrong once the load had begun."""
    with ExitStack() as stack:
        ledger = stack.enter_context(run_input.create_ledger("runner", expected_rows=_RUNNER_ROWS))
        stage = stack.enter_context(open_stage(run_input, open_target=request.open_target, web_port=request.web_port))
        screen.show(Progress(step=Step.STARTING))
        with interrupt.at_once():
            endpoint = stage.wait_target().endpoint
        faults = _planter(endpoint.control_url, run_input)
        stack.callback(faults.close)
        stage.prepare_drivers(interrupt, lambda said: screen.show(_connecting(said)))
        truth = _open_truth(endpoint, run_input, ledger)
        clock = open_clock(endpoint)
        metrics = TargetMetrics.of_target(endpoint)
        for each in (truth.close, clock.close, metrics.stop):
            stack.callback(each)
        conductor = Conductor(
            stage=stage,
            scenario=run_input.scenario,
            ledger=ledger,
            clock=clock,
            usage=UsageProbe(stage.watched()),
            truth=truth,
            live=LiveView(run_input.directory.path, subscribers=run_input.scenario.subscribers.count),
            screen=screen,
            interrupt=interrupt,
            faults=faults,
            metrics=metrics,
            watch=Watch(AbortLimits.strictest(run_input.scenario.abort, *request.abort)),
        )
        trouble = _conduct(conductor)
        trouble += _write_ground_truth(faults, run_input.directory)
        trouble += stage.stop_drivers()
        screen.show(Progress(step=Step.TRUTH))
        return trouble + _read_truth(truth)


def _conduct(conductor: Conductor) -> list[str]:
    try:
        return conductor.conduct()
    except LedgerFullError as error:
        return [str(error)]


def _open_truth(endpoint: Endpoint, run_input: RunInput, ledger: Ledger) -> Truth:
    try:
        return open_truth(endpoint, run_input.population, ledger)
    except TruthRefusedError as error:
        raise PreflightError(str(error)) from error


def _planter(control_url: str, run_input: RunInput) -> FaultPlanter:
    try:
        return FaultPlanter.for_run(control_url, run_input.scenario.faults)
    except FaultRefusedError as error:
        raise PreflightError(str(error)) from error


def _write_ground_truth(faults: FaultPlanter, directory: RunDirectory) -> list[str]:
    """Write what the target has really done wrong; return what went wrong with that."""
    try:
        truth = faults.ground_truth()
    except FaultRefusedError as error:
        return [str(error)]
    if truth is not None:
        directory.write_json(directory.faults_file, truth)
    return []


def _read_truth(truth: Truth) -> list[str]:
    try:
        truth.read_all()
    except (psycopg.Error, TruthRefusedError, LedgerFullError) as error:
        return [f"the truth in the database could not be recorded: {str(error).strip()}"]
    return []


def _connecting(said: Mapping[str, Mapping[str, Any]]) -> Progress:
    live = sum(int(message.get("live", 0)) for message in said.values())
    subscribers = sum(int(message.get("subscribers", 0)) for message in said.values())
    return Progress(step=Step.CONNECTING, live=live, subscribers=subscribers)
