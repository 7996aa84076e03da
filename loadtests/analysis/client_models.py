"""Client model by client model: what push is told of, and what a model does with its signals beside acting on them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.analysis.convergence import Convergence
from loadtests.analysis.delivery import Delivery, DeliveryClass
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.recovery import Returns, recovery_json
from loadtests.analysis.self_echo import SelfEcho
from loadtests.analysis.stamps import Bools, Ints
from loadtests.analysis.watched import seen_soon, spent_by, watched_by
from loadtests.analysis.window import Window
from loadtests.history.history import History
from loadtests.history.kinds import Kind, NotFetched, SignalFlag
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found for all devices together, to be told by model."""

    delivery: Delivery
    convergence: Convergence
    returns: Returns
    restraint: "Restraint"
    echo: SelfEcho


def models_of(run: Reconstruction) -> list[DeviceModel]:
    """Return the models that take part, in their order."""
    return [model for model in PUSHED_MODELS if bool((run.devices.model == int(model)).any())]


def client_metrics(run: Reconstruction, findings: Findings) -> dict[str, Any]:
    """Return the object `clients` of `metrics.json`."""
    counts = class_counts(findings.delivery)
    return {model.key: _of_model(run, findings, counts, model) for model in models_of(run)}


def _of_model(run: Reconstruction, findings: Findings, counts: Ints, model: DeviceModel) -> dict[str, Any]:
    own = counts[run.devices.model[findings.delivery.lanes.device] == int(model)].sum(axis=0)
    among = (run.devices.model == int(model)) & (run.devices.cohort == SUBSCRIBER)
    spent = spent_by(run, among)
    return {
        "devices": int(among.sum()),
        **watched_by(run, among, spent),
        "seen_within_1s": seen_soon(run.pairs, among),
        "signals_per_subscriber_minute": spent.cost.signals,
        "discarded_answers": spent.discarded,
        **recovery_json(findings.returns, run.pairs, run.mutations, among),
        "convergence": _converged(findings.convergence, among),
        "delivery": {"expected": int(own.sum()), **{each.name.lower(): int(own[each]) for each in DeliveryClass}},
        **findings.restraint.to_json(among),
        "self_echo": findings.echo.to_json(among),
    }


def _converged(result: Convergence, among: Bools) -> dict[str, Any]:
    own = among[result.device]
    return {
        "views": int(among[result.viewer].sum()),
        "wrong_views": result.told(len(np.unique(result.device[own]))),
    }


def class_counts(delivery: Delivery) -> Ints:
    """Return how many cells of each lane (rows) are of each class (columns)."""
    lanes = delivery.lanes
    counts = np.zeros((len(lanes.device), len(DeliveryClass)), dtype=np.int64)
    some = np.flatnonzero(np.diff(lanes.begin) > 0)  # what has no cells would be counted with its neighbour
    for each in DeliveryClass if len(some) else ():
        counts[some, each] = np.add.reduceat(delivery.classes == each, lanes.begin[some], dtype=np.int64)
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """What devices heard or wanted in the window and did not act on, one entry each."""

    paused: Ints
    """The device of each signal that nobody looked at."""
    suppressed: Ints
    """The device of each signal that its policy dropped."""
    unfetched: Ints
    """The device of each refresh that was not requested."""
    why: Ints
    """A `NotFetched` for each of these."""

    def to_json(self, among: Bools) -> dict[str, Any]:
        """Return the counts of the devices `among` (one entry per device)."""
        why = self.why[among[self.unfetched]]
        return {
            "signals_paused": int(among[self.paused].sum()),
            "signals_suppressed": int(among[self.suppressed].sum()),
            "not_fetched": {each.name.lower(): int((why == each).sum()) for each in NotFetched},
        }


def read_restraint(history: History, window: Window) -> Restraint:
    """Return what was held back in the window."""
    rows = history.of(Kind.SIGNAL, Kind.NOT_FETCHED)
    rows = rows[window.holds(rows["at_ns"])]
    signals, unfetched = rows[rows["kind"] == Kind.SIGNAL], rows[rows["kind"] == Kind.NOT_FETCHED]
    return Restraint(
        paused=signals["actor"][(signals["flag"] & SignalFlag.PAUSED) > 0].astype(np.int64),
        suppressed=signals["actor"][(signals["flag"] & SignalFlag.SUPPRESSED) > 0].astype(np.int64),
        unfetched=unfetched["actor"].astype(np.int64),
        why=unfetched["flag"].astype(np.int64),
    )
