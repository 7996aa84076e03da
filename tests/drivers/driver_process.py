"""What tests of a driver's own process share: the run that it reads, the process itself, a target that is not there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from loadtests.history.directory import RunDirectory
from loadtests.processes.spawn import Child
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.wire.endpoint import Endpoint

DEADLINE_S: Final = 20.0
NOWHERE: Final = Endpoint(
    api_url="http://127.0.0.1:1",
    realtime_url="ws://127.0.0.1:1/realtime/v1/websocket",
    anon_key="a",
    service_key="s",
    jwt_secret="s" * 32,
    database_url="",
)
"""Nothing listens there."""


def new_run(path: Path, scenario: Mapping[str, Any], run_id: str) -> Population:
    """Return the population of a run whose manifest is written to `path`."""
    directory = RunDirectory.create(path)
    directory.write_json(
        directory.manifest_file, {"schema": "loadtests.manifest/1", "scenario": scenario, "seed": 1, "run_id": run_id}
    )
    return Population(Scenario.model_validate(scenario), seed=1, run_id=run_id)


@contextmanager
def started(module: str, path: Path, **hello: Any) -> Iterator[Child]:
    """Start a driver's module on the run at `path`, with what else it is told first; end it whatever happens."""
    name = module.rpartition(".")[2]
    child = Child.start(module, name=name, log=path / f"{name}.log", hello={"run": str(path), **hello})
    try:
        yield child
    finally:
        child.stop()
