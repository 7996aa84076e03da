"""The stage of a run: its child processes, from their start to their end.

Target and drivers are started at the same moment; the drivers load their libraries while the target comes up.
Leaving the stage, in whatever way, leaves no process behind.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loadtests.drivers.run_input import RunInput
from loadtests.history.kinds import Process
from loadtests.processes.lifeline import Message
from loadtests.processes.spawn import Child, ChildError
from loadtests.runner.interrupt import Interrupt
from loadtests.targets.target import OpenTarget, Renewal, Running, Target, TargetError

_PREPARE_SPARE_S = 30.0
_POLL_S = 0.02
_STOP_TIMEOUT_S = 15.0


@dataclass(slots=True)
class Stage:
    """The children of a run, and what they have said last."""

    run: RunInput
    target: Target
    swarms: list[Child]
    mutators: Child
    control: Child | None = None
    """The official clients, where the scenario wants some."""
    running: Running | None = None
    renewals: list[Renewal] = field(default_factory=list)
    """What has become of renewals of sessions and is not written down yet."""
    lost: set[str] = field(default_factory=set)
    """Names of the drivers whose failure or death was told already."""

    @property
    def drivers(self) -> list[Child]:
        """All driver processes."""
        return [*self.swarms, self.mutators, *((self.control,) if self.control is not None else ())]

    def wait_target(self) -> Running:
        """Wait until the target is up, and fill it with the run's organizations, users and jobs.

        Raises:
            TargetError: it did not come up, or it refused them.

        """
        running = self.target.wait_ready()
        self.running = replace(running, endpoint=self.target.admit(self.run.population))
        return self.running

    def prepare_drivers(self, interrupt: Interrupt, tell: Callable[[Mapping[str, Message]], None]) -> None:
        """Have the drivers connect, and wait until all are ready.

        `tell` is called with what each driver said last, some times a second.

        Raises:
            ChildError: a driver failed, or was not ready in time.
            Interrupted: the user wants to leave.

        """
        assert self.running is not None
        for child in self.drivers:
            child.send({"do": "prepare", "endpoint": self.running.endpoint.to_json()})
        wanted = self.run.scenario.subscribers
        patience_s = wanted.live_within_s + wanted.count / wanted.connects_per_s + _PREPARE_SPARE_S
        deadline = time.monotonic() + patience_s
        said: dict[str, Message] = {}
        while not all(said.get(child.name, {}).get("is") == "ready" for child in self.drivers):
            interrupt.check()
            self.pass_on_tokens()
            for child in self.drivers:
                for message in child.messages():
                    if said.get(child.name, {}).get("is") != "ready":
                        said[child.name] = message
            tell(said)
            self._raise_trouble(said)
            if time.monotonic() > deadline:
                late = [child.name for child in self.drivers if said.get(child.name, {}).get("is") != "ready"]
                raise ChildError(
                    f"not ready within {patience_s:g} s: {', '.join(late)}; see {self.run.directory.log_file}"
                )
            time.sleep(_POLL_S)

    def pass_on_tokens(self) -> None:
        """Tell all drivers of tokens that have become fresh; each takes those of its own people."""
        news = self.target.renewals()
        self.renewals += news
        if fresh := {each.user_id: each.token for each in news if each.token}:
            for child in self.drivers:
                child.send({"do": "tokens", "tokens": fresh})

    def _raise_trouble(self, said: Mapping[str, Message]) -> None:
        for child in self.drivers:
            message = said.get(child.name, {})
            if message.get("is") == "failed":
                raise ChildError(f"{child.name} failed: {message.get('why')}")
            if child.has_ended():
                raise ChildError(child.obituary())
        if trouble := self.target.trouble():
            raise ChildError(trouble)

    def go(self, start_ns: int) -> None:
        """Start the load at `start_ns`, CLOCK_MONOTONIC."""
        for child in self.drivers:
            child.send({"do": "go", "at_ns": start_ns})

    def end_load(self) -> None:
        """Have the mutators begin nothing more; devices go on."""
        self.mutators.send({"do": "halt"})

    def driver_trouble(self, hear: Callable[[str, Message], None]) -> str | None:
        """Pass on what the drivers have said since the last call; return the first trouble, or None."""
        for child in self.drivers:
            for message in child.messages():
                hear(child.name, message)
                if message.get("is") == "failed":
                    self.lost.add(child.name)
                    return f"{child.name} failed: {message.get('why')}"
            if child.has_ended():
                self.lost.add(child.name)
                return child.obituary()
        return None

    def stop_drivers(self) -> list[str]:
        """Have the drivers that are left log out and close their ledgers; return what went wrong with any."""
        troubles = []
        remaining = [child for child in self.drivers if child.name not in self.lost]
        for child in remaining:
            child.send({"do": "stop"})
        for child in remaining:
            try:
                child.wait_for("done", _STOP_TIMEOUT_S)
            except ChildError as error:
                troubles.append(str(error))
        return troubles

    def watched(self) -> dict[int, tuple[Process, int]]:
        """Return the processes whose use of this machine is sampled: pid → what it is, which of several."""
        assert self.running is not None
        parts = {"jobs API": Process.API, "Realtime": Process.REALTIME, "postgres": Process.POSTGRES}
        watched = {pid: (parts[name], 0) for name, pid in self.running.pids.items() if name in parts}
        watched[self.mutators.pid] = (Process.MUTATORS, 0)
        if self.control is not None:
            watched[self.control.pid] = (Process.CONTROL, 0)
        watched.update({child.pid: (Process.SWARM, index) for index, child in enumerate(self.swarms)})
        return watched


@contextmanager
def open_stage(run: RunInput, *, open_target: OpenTarget, web_port: int | None) -> Iterator[Stage]:
    """Start target and drivers; on the way out, end whatever still runs."""
    log = run.directory.log_file
    hello = {"run": str(run.directory.path)}
    shards = run.scenario.subscribers.processes
    children: list[Child] = []
    target: Target | None = None
    try:
        target = open_target(log)
        # One by one: should the second fail to start, the first is known already and is ended.
        children.extend(_start_swarm(hello, index, shards, log) for index in range(shards))
        swarms = list(children)
        mutators = Child.start(
            "loadtests.drivers.mutator_process", name="mutators", log=log, hello={**hello, "web_port": web_port}
        )
        children.append(mutators)
        control = None
        if run.scenario.subscribers.control:
            control = Child.start("loadtests.drivers.control", name="control group", log=log, hello=hello)
            children.append(control)
        yield Stage(run=run, target=target, swarms=swarms, mutators=mutators, control=control)
    finally:
        first = sys.exception()
        for child in children:
            child.hang_up()
        try:
            if target is not None:
                target.stop()
        except TargetError as left:
            if not isinstance(first, TargetError | ChildError):
                raise
            # What went wrong first is what people have to mend; what could not be removed must be told as well.
            raise TargetError(f"{first}; and {left}") from first
        finally:
            for child in children:
                child.stop(1.0)


def _start_swarm(hello: Mapping[str, Any], index: int, shards: int, log: Path) -> Child:
    name = "swarm" if shards == 1 else f"swarm {index + 1} of {shards}"
    return Child.start("loadtests.drivers.swarm", name=name, log=log, hello={**hello, "shard": index, "shards": shards})
