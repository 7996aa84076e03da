"""The story of a calibration: run each case like any other run, then compare what it found with what was planted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any, Final

from loadtests.calibration.cases import CALM, Case, cases_for
from loadtests.calibration.certificate import Certificate
from loadtests.calibration.compare import compare
from loadtests.calibration.finding import Finding, Found
from loadtests.history.directory import RunDirectory
from loadtests.run import RunRequest, run
from loadtests.runner.interrupt import Interrupt
from loadtests.runner.outcome import CERTIFICATE_FILE, recorded_trouble
from loadtests.runner.progress import Screen
from loadtests.targets.target import OpenTarget

CERTIFICATE_MARKDOWN: Final = "certificate.md"
ROUNDS: Final = 3
"""With so many seeds each case is run, unless somebody says otherwise."""


def seeds_of(first: int | None, rounds: int, *, today: date) -> tuple[int, ...]:
    """Return the seeds of a calibration: from `first` on, or those of the day, which nobody has tuned anything on."""
    begin = int(today.strftime("%Y%m%d")) * 10 if first is None else first
    return tuple(range(begin, begin + rounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRequest:
    """What to calibrate, and where to write."""

    directory: Path
    """Each case becomes a run directory in it."""
    kinds: Sequence[str]
    """Kinds of fault to plant; all when empty."""
    seeds: Sequence[int]
    """Each case is run once with each of them."""
    open_target: Callable[[Case], OpenTarget]


def calibrate(
    request: CalibrationRequest, screen: Screen, interrupt: Interrupt, tell: Callable[[Case, Sequence[Finding]], None]
) -> Certificate:
    """Run all cases and write the certificate; `tell` hears of each case when it is over.

    Raises:
        PreflightError, TargetError, ChildError: a case could not be run; the text says what helps.
        Interrupted: the user left.

    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    findings: list[Finding] = []
    calm: Found | None = None
    host: Mapping[str, Any] = {}
    for seed, case in product(request.seeds, cases_for(request.kinds)):
        interrupt.check()
        directory = RunDirectory(request.directory / f"seed-{seed}" / case.name)
        source = case.scenario_file(seed)
        wanted = RunRequest(
            source=source, directory=directory.path, open_target=request.open_target(case), has_report=False
        )
        run(wanted, screen, interrupt)
        found = read_found(case, seed, directory)
        # What the others' latencies are told against comes first, with each seed.
        calm = found if case.name == CALM else calm
        told = compare(found, calm, deadline_ms=source.scenario.deadline_ms)
        findings += told
        host = directory.read_manifest()["host"]
        tell(case, told)
    certificate = Certificate(findings=tuple(findings), started_at=started_at, host=host)
    overall = RunDirectory(request.directory)
    overall.write_json(request.directory / CERTIFICATE_FILE, certificate.to_json())
    (request.directory / CERTIFICATE_MARKDOWN).write_text(certificate.to_markdown(), encoding="utf-8")
    return certificate


def read_found(case: Case, seed: int, directory: RunDirectory) -> Found:
    """Return what a finished run of a case left behind."""
    truth: Sequence[Mapping[str, Any]] = ()
    if directory.faults_file.is_file():
        truth = directory.read_json(directory.faults_file)["faults"]
    return Found(
        case=case.name,
        seed=seed,
        truth=truth,
        metrics=directory.read_json(directory.metrics_file),
        trouble=recorded_trouble(directory),
    )
