"""The mutators for people who start Locust themselves: `locust -f loadtests/locustfile.py`.

The same user class and schedule as in `loadtests run`, with Locust's own web UI, statistics and workers; without
subscribers, accounting and report. The scenario is LOADTESTS_SCENARIO (default: smoke). The target is the file in
LOADTESTS_TARGET, written by `loadtests target up > FILE`; without it an embedded pipeline is started here. Each
worker makes organizations of its own and carries out its share of the rate.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.checks.guard import GuardError, database_hosts, external_hosts
from loadtests.drivers.mutators import JobsMutator
from loadtests.drivers.workload import Workload
from loadtests.history.ledger import Ledger
from loadtests.pipeline.environment_lines import read_environment_lines
from loadtests.runner.manifest import new_run_id
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.reader import read_scenario
from loadtests.targets.embedded import EmbeddedTarget, settings_from, target_options
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint

_LEDGER_ROWS = 10_000_000
_HEAD_START_NS = 200_000_000
_SETTLE_S = 0.1


class Mutator(JobsMutator):
    """Carries out what the scenario's schedule says is due."""


def _refuse_elsewhere(endpoint: Endpoint) -> None:
    """Leave hosts that are not this machine to the command that guards them.

    Raises:
        SystemExit: the endpoint names one.

    """
    try:
        databases = database_hosts(endpoint.database_url, os.environ)
    except GuardError as error:
        raise SystemExit(f"LOADTESTS_TARGET: {error}") from error
    hosts = (*external_hosts((endpoint.api_url, endpoint.realtime_url)), *databases)
    if hosts:
        raise SystemExit(
            f"a plain locust loads this machine alone, and LOADTESTS_TARGET names {' and '.join(hosts)}: use "
            "`loadtests run SCENARIO --target FILE`, which keeps allow-list, caps and limits; --ui has Locust's pages"
        )


class Session:
    """One Locust process's target, workload and ledger, from `init` to `quitting`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._scenario = read_scenario(environment.get("LOADTESTS_SCENARIO", "smoke")).scenario
        self._target_file = environment.get("LOADTESTS_TARGET")
        self._folder = Path(tempfile.mkdtemp(prefix="loadtests-locust-"))
        self._target: EmbeddedTarget | None = None
        self._workload: Workload | None = None
        self._driving: gevent.Greenlet[..., None] | None = None

    def listen(self) -> None:
        """Take part in Locust's life."""
        events.init.add_listener(self._on_init)
        events.test_start.add_listener(self._on_test_start)
        events.quitting.add_listener(self._on_quitting)

    def _on_init(self, environment: Environment, **_: Any) -> None:
        if isinstance(environment.runner, MasterRunner):
            return  # a master sends no requests
        options = environment.parsed_options
        workers = options.expect_workers if options and isinstance(environment.runner, WorkerRunner) else 1
        endpoint = self._endpoint()
        scenario = _share(self._scenario, workers)
        population = Population(scenario, seed=scenario.seed, run_id=new_run_id())
        provision(endpoint.database_url, population)
        self._workload = Workload(
            scenario, population, Ledger(self._folder / "mutators-0.ledger", capacity_rows=_LEDGER_ROWS)
        )
        self._workload.connect(endpoint)
        Mutator.workload = self._workload
        Mutator.host = endpoint.api_url

    def _endpoint(self) -> Endpoint:
        if self._target_file is not None:
            endpoint = read_environment_lines(Path(self._target_file).read_text(encoding="utf-8"))
            _refuse_elsewhere(endpoint)
            return endpoint
        settings = settings_from(target_options(self._scenario.target))
        self._target = EmbeddedTarget.start(settings, log=self._folder / "target.log")
        return self._target.wait_ready().endpoint

    def _on_test_start(self, environment: Environment, **_: Any) -> None:
        if self._workload is not None:
            self._driving = gevent.spawn(self._drive, environment, self._workload)

    def _drive(self, environment: Environment, workload: Workload) -> None:
        workload.dispatch(time.monotonic_ns() + _HEAD_START_NS)
        while not workload.idle:
            gevent.sleep(_SETTLE_S)
        if environment.runner is not None and not isinstance(environment.runner, WorkerRunner):
            # The schedule is over: with a web UI its statistics stay, without one Locust ends.
            environment.runner.stop() if environment.web_ui else environment.runner.quit()

    def _on_quitting(self, **_: Any) -> None:
        if self._driving is not None:
            self._driving.kill()
        if self._workload is not None:
            self._workload.close()
        if self._target is not None:
            self._target.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _share(scenario: Scenario, workers: int) -> Scenario:
    """Return the scenario with one worker's share of the rate."""
    phases = tuple(
        phase.model_copy(update={"mutations_per_s": phase.mutations_per_s / max(workers, 1)})
        for phase in scenario.phases
    )
    return scenario.model_copy(update={"phases": phases})


Session(os.environ).listen()
