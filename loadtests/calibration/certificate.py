"""The certificate: the comparisons of a calibration, and how they are told to people and to programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from loadtests.calibration.finding import Comparison, Finding

CERTIFICATE_SCHEMA: Final = "loadtests.certificate/1"
_EXIT_CODES: Final = {Comparison.FOUND: 0, Comparison.WRONG: 3, Comparison.CANNOT_TELL: 4}
_MARKS: Final = {Comparison.FOUND: "found", Comparison.WRONG: "**WRONG**", Comparison.CANNOT_TELL: "🔴 cannot tell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a calibration came to."""

    findings: tuple[Finding, ...]
    started_at: str
    """ISO 8601, UTC."""
    host: Mapping[str, Any]

    @property
    def verdict(self) -> Comparison:
        """The worst of all: one wrong number outweighs any that could not be told."""
        verdicts = {finding.verdict for finding in self.findings}
        for worst in (Comparison.WRONG, Comparison.CANNOT_TELL):
            if worst in verdicts:
                return worst
        return Comparison.FOUND if verdicts else Comparison.CANNOT_TELL

    @property
    def exit_code(self) -> int:
        """0 when all was found, 3 when something was found wrong, 4 when something could not be told."""
        return _EXIT_CODES[self.verdict]

    @property
    def seeds(self) -> list[int]:
        """The seeds that everything was made from."""
        return sorted({finding.seed for finding in self.findings})

    @property
    def summary(self) -> str:
        """One line."""
        count = {verdict: sum(finding.verdict is verdict for finding in self.findings) for verdict in Comparison}
        return (
            f"{count[Comparison.FOUND]} of {len(self.findings)} as planted, {count[Comparison.WRONG]} wrong, "
            f"{count[Comparison.CANNOT_TELL]} cannot be told"
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "schema": CERTIFICATE_SCHEMA,
            "started_at": self.started_at,
            "verdict": self.verdict.value,
            "summary": self.summary,
            "seeds": self.seeds,
            "host": dict(self.host),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def to_markdown(self) -> str:
        """Return a page with one line for each comparison."""
        lines = [
            "# Calibration certificate",
            "",
            f"{self.started_at}: {self.summary}; seeds {', '.join(map(str, self.seeds))}.",
            "",
            "| seed | case | fault | compared | planted | found | verdict |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {' | '.join(_cell(text) for text in (str(f.seed), f.case, f.fault, f.question, f.planted, f.found))} "
            f"| {_MARKS[f.verdict]} |"
            for f in self.findings
        ]
        processor, cpus = self.host.get("processor", "unknown processor"), self.host.get("cpus", "?")
        lines += ["", f"Machine: {processor}, {cpus} CPUs, load average {self.host.get('load_average', '?')}."]
        return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
