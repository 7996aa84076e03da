"""What a report is made from: plain values, nothing that is still running."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.analysis.results import Results
from loadtests.checks.verdict import Verdict
from loadtests.scenario.model import Scenario
from reports.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """One run, recorded, analysed and judged."""

    scenario: Scenario
    manifest: Mapping[str, Any]
    """The document `manifest.json`."""
    results: Results
    verdict: Verdict
    replay: Mapping[str, Any] | None = None
    """The document `replay.json` that somebody asked for; it stands for what analysis found by the way."""
    calibration: str | None = None
    """What the newest certificate beside the run says of the harness, in one line; None where there is none."""

    @property
    def metrics(self) -> Metrics:
        """The numbers, for looking up."""
        return Metrics(self.results.metrics)

    @property
    def replayed(self) -> Mapping[str, Any] | None:
        """The run under other refresh policies, as the document `replay.json`; None: nobody has worked it out."""
        return self.results.replay if self.replay is None else self.replay

    @property
    def target_kind(self) -> str:
        """What kind of target it was made against: `embedded`, or that of a target file."""
        return str((self.manifest.get("target") or {}).get("kind", self.scenario.target.kind))

    @property
    def has_subscribers(self) -> bool:
        """Whether the scenario asked for devices that are pushed to."""
        return self.scenario.subscribers.count > 0

    @property
    def cohorts(self) -> tuple[str, ...]:
        """The polling cohorts that were measured, by ascending interval."""
        return tuple(self.results.series.polling_visibility_ms)
