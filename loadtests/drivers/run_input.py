"""What a driver is told by a run directory: the scenario as it was validated, the seed, the run's id.

From these each driver rebuilds population and schedule by itself; addresses and keys come through its pipe.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from loadtests.history.directory import MANIFEST_SCHEMA, NoRunError, RunDirectory
from loadtests.history.ledger import Ledger
from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """A run as it was intended."""

    directory: RunDirectory
    scenario: Scenario
    population: Population

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the manifest of the run directory at `path`.

        Raises:
            NoRunError: there is none, or it was written by another version of the harness.

        """
        directory = RunDirectory.open(path)
        manifest = directory.read_manifest()
        if manifest.get("schema") != MANIFEST_SCHEMA:
            raise NoRunError(
                f"{directory.manifest_file} has the schema {manifest.get('schema')!r}, and this version reads "
                f"{MANIFEST_SCHEMA!r}: use the version that recorded the run ({manifest.get('versions')})"
            )
        scenario = Scenario.model_validate(_as_it_was(manifest["scenario"]))
        file = directory.given_file
        given = Given.from_json(directory.read_json(file)) if file.is_file() else None
        population = Population(
            scenario,
            seed=int(manifest["seed"]),
            run_id=str(manifest["run_id"]),
            given=given,
            began_at=datetime.fromisoformat(str(began)) if (began := manifest.get("started_at")) else None,
        )
        return cls(directory=directory, scenario=scenario, population=population)

    def create_ledger(self, shard: str, *, expected_rows: int) -> Ledger:
        """Create the ledger of one process with the room that the scenario grants, by default `expected_rows`."""
        capacity_rows = expected_rows if self.scenario.ledger_rows is None else self.scenario.ledger_rows
        return self.directory.ledger(shard, capacity_rows=capacity_rows)


def _as_it_was(scenario: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded scenario: one that names no control group is older than it, and had none."""
    return {**scenario, "subscribers": {"control": 0, **scenario.get("subscribers", {})}}
