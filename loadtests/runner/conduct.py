"""The load itself: give the start, watch everything while it runs, drain, and write down what the probes see.

One loop in one thread: it alone writes the runner's ledger.
"""

import time
from collections import deque
from dataclasses import dataclass, field

import psycopg

from loadtests.checks.abort import Counted, Watch
from loadtests.drivers.faults import FaultPlanter, FaultRefusedError
from loadtests.drivers.probes import Clock, UsageProbe
from loadtests.drivers.target_metrics import SLOT_LAG, TargetMetrics
from loadtests.drivers.truth import Truth
from loadtests.drivers.truth_rows import TruthRefusedError
from loadtests.history.kinds import Kind, Process
from loadtests.history.ledger import Ledger
from loadtests.processes.lifeline import Message
from loadtests.runner.interrupt import Interrupt
from loadtests.runner.live_view import LiveView
from loadtests.runner.progress import Progress, Screen, Step
from loadtests.runner.stage import Stage
from loadtests.scenario.model import Scenario

_NS = 1_000_000_000
_HEAD_START_NS = 300_000_000
"""Between the word to start and the start: every driver has heard it by then."""
_TICK_S = 0.1
_CLOCK_EVERY_S = 0.5
_CLOCK_EXCHANGES = 4
_USAGE_EVERY_S = 1.0
_TRUTH_EVERY_S = 5.0
_LIVE_VIEW_EVERY_S = 2.0
_RATE_OVER_S = 3.0
_EXPLANATION_S = 2.0
_RESTART_S = 15.0
"""How long a database that a fault restarts may be away."""


@dataclass(slots=True, kw_only=True)
class Conductor:
    """Everything that the loop looks after."""

    stage: Stage
    scenario: Scenario
    ledger: Ledger
    clock: Clock
    usage: UsageProbe
    truth: Truth
    live: LiveView
    screen: Screen
    interrupt: Interrupt
    faults: FaultPlanter
    metrics: TargetMetrics
    watch: Watch
    progress: Progress = field(default_factory=Progress)
    _said: dict[str, Message] = field(default_factory=dict)
    _history: deque[tuple[float, int, int]] = field(default_factory=deque)
    _last: dict[str, float] = field(default_factory=dict)

    def conduct(self) -> list[str]:
        """Run load and drain; return what went wrong, nothing if nothing did."""
        start_ns = time.monotonic_ns() + _HEAD_START_NS
        self._record_phases(start_ns)
        self.metrics.start()
        self.stage.go(start_ns)
        self.faults.start(start_ns)
        load_end_ns = start_ns + round(self.scenario.duration_s * _NS)
        trouble = self._watch(Step.LOAD, start_ns, load_end_ns, until_dispatched=True)
        aborted = self.watch.why
        cut_short = trouble is not None or aborted is not None or self.interrupt.asked
        why = trouble or aborted or ("stopped by the user" if self.interrupt.asked else "the schedule was carried out")
        ended_ns = min(time.monotonic_ns(), load_end_ns) if cut_short else load_end_ns
        self.ledger.record(Kind.ENDED, ended_ns, entity=self.ledger.name(why), flag=0 if cut_short else 1)
        if trouble is not None:
            return [trouble]
        if cut_short:
            self.faults.close()
            self.stage.end_load()
        drain_end_ns = time.monotonic_ns() + round(self.scenario.effective_drain_s * _NS)
        drain_trouble = self._watch(Step.DRAIN, start_ns, drain_end_ns, until_dispatched=False)
        self.metrics.stop()
        self.metrics.record(self.ledger)
        troubles = [] if drain_trouble is None else [drain_trouble]
        if aborted is not None:
            troubles.append(f"the load was aborted before its end, to spare the target: {aborted}")
        elif cut_short:
            troubles.append("the load was stopped by the user before its end")
        return troubles

    def _record_phases(self, start_ns: int) -> None:
        begin_ns = start_ns
        for index, phase in enumerate(self.scenario.phases):
            self.ledger.record(Kind.PHASE, begin_ns, value=index, revision=int(phase.warm_up))
            begin_ns += round(phase.duration_s * _NS)

    def _watch(self, step: Step, start_ns: int, end_ns: int, *, until_dispatched: bool) -> str | None:
        """Look after the run until `end_ns`; return the first trouble, or None."""
        total_s = self.scenario.duration_s + self.scenario.effective_drain_s
        self.progress.step = step
        self.progress.total_s = total_s
        # The mutators wait that long twice: for what is due to be sent, and for what was sent to be answered.
        patience_ns = round(2 * self.scenario.mutators.timeout_s * _NS) if until_dispatched else 0
        while True:
            wanted_ns = time.monotonic_ns() + round(_TICK_S * _NS)
            if trouble := self._look():
                return trouble
            now_ns = time.monotonic_ns()
            self.progress.elapsed_s = max(0.0, (now_ns - start_ns) / _NS)
            self.progress.phase = self._phase_name(now_ns - start_ns) if until_dispatched else ""
            self.screen.show(self.progress)
            dispatched = self._said.get("dispatched") is not None
            if now_ns >= end_ns and (not until_dispatched or dispatched or now_ns >= end_ns + patience_ns):
                return None
            if until_dispatched and (self.interrupt.asked or self.watch.look(self._counted(now_ns)) is not None):
                return None
            time.sleep(max(0.0, (wanted_ns - time.monotonic_ns()) / _NS))
            self.ledger.record(
                Kind.LOOP_LAG, time.monotonic_ns(), actor=Process.RUNNER, value=time.monotonic_ns() - wanted_ns
            )

    def _counted(self, now_ns: int) -> Counted:
        """Return what decides whether the target may be loaded any longer."""
        progress, lag = self.progress, self.metrics.largest(SLOT_LAG)
        mutations = progress.acked + progress.failed
        return Counted(
            at_ns=now_ns,
            answered=mutations + progress.refreshes + progress.polls - progress.under_way,
            errors=progress.failed + progress.errors,
            mutations=mutations,
            latency_ns=progress.latency_ns,
            slot_lag_bytes=None if lag is None else round(lag),
        )

    def _phase_name(self, offset_ns: int) -> str:
        begin_s = 0.0
        for phase in self.scenario.phases:
            begin_s += phase.duration_s
            if offset_ns < begin_s * _NS:
                return phase.name
        return "waiting for the last answers"

    def _look(self) -> str | None:
        """Hear the drivers, take due samples; return the first trouble, or None."""
        if trouble := self.stage.driver_trouble(self._hear) or self.stage.target.trouble():
            return trouble
        self._sum_up()
        self._record_renewals()
        self.metrics.record(self.ledger)
        return self._record_faults() or self._sample()

    def _record_renewals(self) -> None:
        """Pass fresh tokens on to the drivers, and write down what became of each renewal."""
        self.stage.pass_on_tokens()
        while self.stage.renewals:
            told = self.stage.renewals.pop(0)
            what = {"value": told.left_s, "flag": told.status, "revision": int(told.is_over)}
            if told.token:
                self.ledger.record(Kind.RENEWED, told.at_ns, entity=self.ledger.name(told.user_id), **what)
            else:
                self.ledger.record(Kind.NOT_RENEWED, told.at_ns, entity=self.ledger.name(told.why), **what)

    def _record_faults(self) -> str | None:
        try:
            for told in self.faults.news():
                entity = self.ledger.name(told.name)
                self.ledger.record(Kind.FAULT, told.at_ns, due_ns=told.due_ns, value=told.number, entity=entity)
        except FaultRefusedError as error:
            return str(error)
        return None

    def _sample(self) -> str | None:
        try:
            if self._is_time("clock", _CLOCK_EVERY_S):
                self.clock.sample(self.ledger, exchanges=_CLOCK_EXCHANGES)
            if self._is_time("truth", _TRUTH_EVERY_S):
                self.truth.read_new_events()
        except TruthRefusedError as error:
            return str(error)
        except psycopg.Error as error:
            if self.faults.restarts_database and self._reconnect():
                return None
            return self._wait_explanation() or f"the target's database does not answer any more: {str(error).strip()}"
        if self._is_time("usage", _USAGE_EVERY_S):
            self.usage.sample(self.ledger)
        if self._is_time("live view", _LIVE_VIEW_EVERY_S):
            self.progress.visibility_ms_p95 = self.live.visibility_ms_p95()
        return None

    def _reconnect(self) -> bool:
        """Connect to a database that is being restarted on purpose; return whether it came back in time."""
        deadline_s = time.monotonic() + _RESTART_S
        while time.monotonic() < deadline_s:
            try:
                self.clock.reconnect()
                self.truth.reconnect()
            except psycopg.OperationalError:
                time.sleep(_TICK_S)
            else:
                return True
        return False

    def _wait_explanation(self) -> str | None:
        """Wait for the target to say which of its parts died: it notices a little later than a broken connection."""
        deadline_s = time.monotonic() + _EXPLANATION_S
        while time.monotonic() < deadline_s:
            if trouble := self.stage.target.trouble():
                return trouble
            time.sleep(_TICK_S)
        return None

    def _is_time(self, what: str, every_s: float) -> bool:
        now_s = time.monotonic()
        if now_s - self._last.get(what, -every_s) < every_s:
            return False
        self._last[what] = now_s
        return True

    def _hear(self, name: str, message: Message) -> None:
        match message.get("is"):
            case "progress":
                self._said[name] = message
            case "dispatched":
                self._said["dispatched"] = message
                self._said[name] = message
            case "stopped":
                self.interrupt.asked = True

    def _sum_up(self) -> None:
        progress = self.progress
        swarms = [self._said.get(child.name, {}) for child in self.stage.swarms]
        mutators = self._said.get(self.stage.mutators.name, {})
        for key in ("subscribers", "live", "signals", "refreshes", "polls", "errors", "under_way"):
            setattr(progress, key, sum(int(said.get(key, 0)) for said in swarms))
        for key in ("due", "acked", "failed", "waiting", "latency_ns"):
            setattr(progress, key, int(mutators.get(key, 0)))
        now_s = time.monotonic()
        self._history.append((now_s, progress.acked, progress.signals))
        while now_s - self._history[0][0] > _RATE_OVER_S:
            self._history.popleft()
        then_s, acked, signals = self._history[0]
        if now_s > then_s:
            progress.mutations_per_s = (progress.acked - acked) / (now_s - then_s)
            progress.signals_per_s = (progress.signals - signals) / (now_s - then_s)
