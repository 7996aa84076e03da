"""The embedded pipeline as a target: started for the run, gone with it.

The pipeline runs under a supervisor of its own, a child process that ends everything it started when its parent
is gone. This module only starts that child and waits until it is ready.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import psycopg

from loadtests.pipeline.settings import StackSettings
from loadtests.processes.spawn import Child, ChildError
from loadtests.scenario.model import Target
from loadtests.scenario.population import Population
from loadtests.targets.provision import provision
from loadtests.targets.target import Renewal, Running, TargetError
from loadtests.wire.endpoint import Endpoint

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_S_PER_HOUR = 3600.0


class EmbeddedTarget:
    """The supervisor's parent."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._running: Running | None = None

    @classmethod
    def start(cls, settings: StackSettings, *, log: Path | None) -> Self:
        """Begin to start the pipeline; `wait_ready` returns when it is up. Without `log` it logs to standard error."""
        return cls(
            Child.start("loadtests.pipeline", name="embedded pipeline", log=log, hello=settings.to_json()),
        )

    def wait_ready(self) -> Running:
        """Return the running pipeline.

        Raises:
            TargetError: it could not be started; the text says why and what helps.

        """
        try:
            ready = self._child.wait_for("ready", _START_TIMEOUT_S)
        except ChildError as error:
            raise TargetError(str(error)) from error
        self._running = Running(
            endpoint=Endpoint.from_json(ready["endpoint"]),
            directory=Path(ready["directory"]),
            pids={str(name): int(pid) for name, pid in ready["pids"].items()},
        )
        return self._running

    def admit(self, population: Population) -> Endpoint:
        """Fill the database with the run's organizations, people and jobs."""
        assert self._running is not None
        endpoint = self._running.endpoint
        try:
            provision(endpoint.database_url, population)
        except psycopg.Error as error:
            raise TargetError(
                f"the target's database did not take the run's organizations, users and jobs: {error}"
            ) from error
        return endpoint

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        return self._child.pid

    def trouble(self) -> str | None:
        """Say what is wrong with the running pipeline, or None while all of it lives."""
        for message in self._child.messages():
            if message.get("is") == "failed":
                return f"the embedded pipeline: {message.get('why')}"
        return self._child.obituary() if self._child.has_ended() else None

    def renewals(self) -> Sequence[Renewal]:
        """Tokens are minted, and last as long as the scenario says."""
        return ()

    def stop(self) -> None:
        """Stop all of it. If the supervisor was killed, remove what it could not remove itself."""
        code = self._child.stop(_STOP_TIMEOUT_S)
        directory = None if self._running is None else self._running.directory
        if code != 0 and directory is not None and directory.exists():
            shutil.rmtree(directory, ignore_errors=True)


def target_options(target: Target) -> dict[str, Any]:
    """Return the options that a scenario's target asks for."""
    return {
        "realtime": {"feed": target.feed, "plan": target.plan},
        "api": {
            "as_built": target.as_built,
            "event_limit": target.event_limit,
            "events_per_minute": target.events_per_minute,
            "upstream_latency_ms": target.upstream_latency_ms,
            "retention_hours": target.retention_s / _S_PER_HOUR,
            "retention_every_s": target.retention_every_s,
        },
        "push_sink": target.push_notifications,
        # No driver of a run goes through it.
        "gateway": False,
    }


def settings_from(options: dict[str, Any]) -> StackSettings:
    """Return the supervisor's settings for the options of a scenario's target."""
    return StackSettings.from_json(options)
