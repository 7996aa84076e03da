"""The run directory: where a run writes, and everything that a later reader needs to judge it again.

`manifest.json` is written before the run (what was intended), the ledgers during it, metrics, verdict and report
after it. No secret is ever written here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from loadtests.history.ledger import LEDGER_SUFFIX, Ledger

MANIFEST_SCHEMA = "loadtests.manifest/1"


class NoRunError(ValueError):
    """A path is not a run directory. The text says what was expected there."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Names of the files of one run."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make the directory, which must not exist yet."""
        path.mkdir(parents=True)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return an existing run.

        Raises:
            NoRunError: there is no manifest at `path`.

        """
        run = cls(path)
        if not run.manifest_file.is_file():
            raise NoRunError(f"{path} is not a run directory: it has no {run.manifest_file.name}")
        return run

    @property
    def manifest_file(self) -> Path:
        """What was intended: scenario verbatim, overrides, seed, versions, host."""
        return self.path / "manifest.json"

    @property
    def metrics_file(self) -> Path:
        """The numbers."""
        return self.path / "metrics.json"

    @property
    def verdict_file(self) -> Path:
        """The verdict with its reasons."""
        return self.path / "verdict.json"

    @property
    def replay_file(self) -> Path:
        """The run under other refresh policies; only where `loadtests replay` was asked for it."""
        return self.path / "replay.json"

    @property
    def report_file(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def faults_file(self) -> Path:
        """What the target was told to do wrong and really did; only where the scenario plants faults."""
        return self.path / "faults.json"

    @property
    def given_file(self) -> Path:
        """The people that the run was given instead of making its own; only where it was given some."""
        return self.path / "given.json"

    @property
    def log_file(self) -> Path:
        """What the processes had to say."""
        return self.path / "run.log"

    def ledger(self, shard: str, *, capacity_rows: int) -> Ledger:
        """Create the ledger of one process."""
        return Ledger(self.path / f"{shard}{LEDGER_SUFFIX}", capacity_rows=capacity_rows)

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest."""
        return self.read_json(self.manifest_file)

    def read_json(self, path: Path) -> dict[str, Any]:
        """Return the JSON object in one of the run's files."""
        value: dict[str, Any] = orjson.loads(path.read_bytes())
        return value

    def write_json(self, path: Path, value: object) -> None:
        """Write one JSON document, whole or not at all."""
        draft = path.with_suffix(path.suffix + ".part")
        draft.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        draft.replace(path)
