"""From a run directory to its verdict and report: everything here can be repeated years later.

`loadtests check RUN` and `loadtests report RUN` are exactly these functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.analysis.analyse import analyse
from loadtests.analysis.laboratory.replay_told import REPLAY_SCHEMA
from loadtests.analysis.results import Results
from loadtests.checks.verdict import Verdict, judge
from loadtests.drivers.run_input import RunInput
from loadtests.history.directory import RunDirectory
from loadtests.history.history import History

TROUBLE_KEY = "trouble"
CALIBRATION = "calibration"
"""The name under which calibrations lie beside the runs."""
CERTIFICATE_FILE = "certificate.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    results: Results
    verdict: Verdict


def conclude(
    directory: RunDirectory, *, gates: Sequence[str] = (), trouble: Sequence[str] = (), replays: bool = True
) -> Outcome:
    """Analyse and judge a run, and write metrics and verdict.

    Args:
        directory: the run.
        gates: limits from the command line, beside those of the scenario.
        trouble: what went wrong while it ran; empty for a run that ended by itself.
        replays: whether a report follows, which shows the run under other refresh policies; neither metrics nor
            verdict need them.

    """
    run = RunInput.read(directory.path)
    results = analyse(History.read(directory.path), run.scenario, run.population, replays=replays)
    verdict = judge(results.metrics, run.scenario, extra_gates=tuple(gates), trouble=tuple(trouble))
    directory.write_json(directory.metrics_file, results.metrics)
    directory.write_json(directory.verdict_file, {**verdict.to_json(), TROUBLE_KEY: list(trouble)})
    return Outcome(results, verdict)


def write_report(directory: RunDirectory, outcome: Outcome) -> None:
    """Render the page, its figures, the summary and the JUnit file."""
    # What draws takes a second and a half to import, which no run waits for that only measures.
    from reports.input import ReportInput  # noqa: PLC0415
    from reports.render import render  # noqa: PLC0415

    run = RunInput.read(directory.path)
    render(
        ReportInput(
            scenario=run.scenario,
            manifest=directory.read_manifest(),
            results=outcome.results,
            verdict=outcome.verdict,
            replay=recorded_replay(directory),
            calibration=newest_calibration(directory.path.absolute().parent.parent),
        ),
        directory.path,
    )


def newest_calibration(runs: Path) -> str | None:
    """Return what the newest certificate among the runs in `runs`/NAME/TIME says, in one line; None without one."""
    certificates = [
        RunDirectory(path.parent).read_json(path) for path in (runs / CALIBRATION).glob(f"*/{CERTIFICATE_FILE}")
    ]
    newest = max(certificates, key=lambda certificate: str(certificate["started_at"]), default=None)
    return None if newest is None else f"{newest['summary']} ({newest['started_at']})"


def recorded_replay(directory: RunDirectory) -> Mapping[str, Any] | None:
    """Return what `loadtests replay` has written of the run; None if nobody has asked, or an older version answered."""
    if not directory.replay_file.is_file():
        return None
    told = directory.read_json(directory.replay_file)
    return told if told.get("schema") == REPLAY_SCHEMA else None


def recorded_trouble(directory: RunDirectory) -> list[str]:
    """Return what went wrong while the run lived, from its first verdict; a run without one never ended."""
    if not directory.verdict_file.is_file():
        return ["the run did not come to its end: it was killed, or it is still running"]
    verdict: dict[str, Any] = directory.read_json(directory.verdict_file)
    return [str(text) for text in verdict.get(TROUBLE_KEY, [])]
