"""The mutators' own process: `python -m loadtests.drivers.mutator_process`.

Locust as a library: one environment, one local runner, the web UI if it is wanted. The runner of the whole run
speaks to it in JSON lines on standard input; when that closes, the parent is gone and so are we.
"""

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import gevent
import gevent.fileobject
import orjson
from locust.env import Environment
from locust.runners import LocalRunner

from loadtests.drivers.mutators import mutator_class
from loadtests.drivers.run_input import RunInput
from loadtests.drivers.workload import Workload
from loadtests.history.ledger import LedgerFullError
from loadtests.processes.lifeline import say
from loadtests.wire.endpoint import Endpoint

_PROGRESS_S = 0.5
_SETTLE_S = 0.05
_ROWS_PER_MUTATION = 3
_SPARE_ROWS = 100_000


class MutatorProcess:
    """One Locust environment that does what it is told."""

    def __init__(self, hello: dict[str, Any]) -> None:
        run = RunInput.read(Path(hello["run"]))
        rows = _ROWS_PER_MUTATION * round(max(1.0, _expected_mutations(run)) * 2)
        rows += _SPARE_ROWS + 20 * round(run.scenario.duration_s + run.scenario.effective_drain_s)
        ledger = run.create_ledger("mutators-0", expected_rows=rows)
        self._workload = Workload(run.scenario, run.population, ledger)
        self._users = run.scenario.mutators.users
        self._timeout_s = run.scenario.mutators.timeout_s
        self._web_port: int | None = hello.get("web_port")
        self._runner: LocalRunner | None = None
        self._driving: gevent.Greenlet[..., None] | None = None
        self._dispatching = False

    def obey(self, message: dict[str, Any]) -> None:
        """Carry out one message of the parent."""
        match message["do"]:
            case "prepare":
                self._prepare(Endpoint.from_json(message["endpoint"]))
            case "tokens":
                self._workload.wallet.take(message["tokens"])
            case "go":
                self._driving = self._spawn(self._drive, int(message["at_ns"]))
            case "halt":
                self._halt()
            case "stop":
                self._finish()

    def _prepare(self, endpoint: Endpoint) -> None:
        self._workload.connect(endpoint)
        user_class = mutator_class(self._workload, host=endpoint.api_url, ca_file=endpoint.ca_file)
        environment = Environment(user_classes=[user_class], host=endpoint.api_url)
        environment.events.user_error.add_listener(_on_user_error)
        self._runner = environment.create_local_runner()
        environment.events.test_stop.add_listener(self._on_test_stop)
        if self._web_port is not None:
            environment.create_web_ui("127.0.0.1", self._web_port)
        self._runner.start(self._users, spawn_rate=self._users)
        while self._runner.user_count < self._users:
            gevent.sleep(_SETTLE_S)
        self._spawn(self._workload.watch_lag)
        self._spawn(self._tell_progress)
        say({"is": "ready", "mutations": len(self._workload.schedule), "users": self._runner.user_count})

    def _drive(self, start_ns: int) -> None:
        self._dispatching = True
        self._workload.dispatch(start_ns)
        self._dispatching = False
        self._wait_idle()
        # What is written during the drain would find devices that leave before they can see it.
        self._workload.give_up()
        self._wait_idle()
        say({"is": "dispatched", **self._progress()})

    def _wait_idle(self) -> None:
        """Wait until everything is answered, no longer than one request may take."""
        deadline_ns = time.monotonic_ns() + round(self._timeout_s * 1_000_000_000)
        while not self._workload.idle and time.monotonic_ns() < deadline_ns:
            gevent.sleep(_SETTLE_S)

    def _halt(self) -> None:
        """Begin nothing more; what was handed out is still carried out."""
        if self._driving is not None:
            self._driving.kill(block=False)

    def _on_test_stop(self, **_: Any) -> None:
        if self._dispatching:  # somebody pressed Stop in the web UI: nobody is left to send what is due
            say({"is": "stopped"})

    def _finish(self) -> None:
        self._dispatching = False
        if self._runner is not None:
            self._runner.quit()
        self._workload.close()
        say({"is": "done", **self._progress()})
        os._exit(0)

    def _progress(self) -> dict[str, Any]:
        work = self._workload
        return {
            "due": work.dispatched,
            "acked": work.acked,
            "failed": work.failed,
            "waiting": work.queue.qsize(),
            "latency_ns": work.latency_ns,
        }

    def _tell_progress(self) -> None:
        while True:
            say({"is": "progress", **self._progress()})
            gevent.sleep(_PROGRESS_S)

    def _spawn(self, function: Any, *arguments: Any) -> "gevent.Greenlet[..., None]":
        greenlet = gevent.spawn(function, *arguments)
        greenlet.link_exception(_on_broken)
        return greenlet


def _on_broken(greenlet: "gevent.Greenlet[..., None]") -> None:
    assert greenlet.exception is not None
    _fail(greenlet.exception)


def _on_user_error(*, exception: BaseException, **_: Any) -> None:
    # Locust would log what a user raises and go on: the run would lack rows, and nobody would know.
    _fail(exception)


def _fail(why: BaseException) -> None:
    say({"is": "failed", "why": str(why) if isinstance(why, LedgerFullError) else repr(why)})
    os._exit(1)


def _expected_mutations(run: RunInput) -> float:
    return sum(phase.mutations_per_s * phase.duration_s for phase in run.scenario.phases)


def main() -> None:
    """Obey the parent until it says stop or is gone."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s mutators %(message)s")
    # A cooperative reader: Python's own would block every greenlet while it waits for a line.
    mailbox = gevent.fileobject.FileObject(os.dup(0), "rb")
    process = MutatorProcess(orjson.loads(mailbox.readline()))
    for line in mailbox:
        process.obey(orjson.loads(line))
    os._exit(1)


if __name__ == "__main__":
    main()
