"""Client model by client model: what push is told of, and what a model does with its signals beside acting on them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from loadtests.analysis.convergence import Convergence
from loadtests.analysis.delivery import Delivery, DeliveryClass
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.recovery import Returns, recovery_json
from loadtests.analysis.stamps import Bools
from loadtests.analysis.watched import seen_soon, spent_by, watched_by
from loadtests.history.history import History
from loadtests.history.kinds import Kind, NotFetched, SignalFlag
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found for all devices together, to be told by model."""

    delivery: Delivery
    convergence: Convergence
    returns: Returns


def models_of(run: Reconstruction) -> list[DeviceModel]:
    """Return the models that take part, in their order."""
    return [model for model in PUSHED_MODELS if bool((run.devices.model == int(model)).any())]


def client_metrics(run: Reconstruction, history: History, findings: Findings) -> dict[str, Any]:
    """Return the object `clients` of `metrics.json`."""
    return {model.key: _of_model(run, history, findings, model) for model in models_of(run)}


def _of_model(run: Reconstruction, history: History, findings: Findings, model: DeviceModel) -> dict[str, Any]:
    among = (run.devices.model == int(model)) & (run.devices.cohort == SUBSCRIBER)
    spent = spent_by(run, among)
    return {
        "devices": int(among.sum()),
        **watched_by(run, among, spent),
        "seen_within_1s": seen_soon(run.pairs, among),
        "signals_per_subscriber_minute": spent.cost.signals,
        **recovery_json(findings.returns, run.pairs, run.mutations, among),
        "convergence": _converged(findings.convergence, among),
        "delivery": classes_among(findings.delivery, among),
        **restraint(run, history, among),
    }


def _converged(result: Convergence, among: Bools) -> dict[str, Any]:
    own = among[result.device]
    return {
        "views": int(among[result.viewer].sum()),
        "wrong_views": len(np.unique(result.device[own])) if result.is_known else None,
    }


def classes_among(delivery: Delivery, among: Bools) -> dict[str, int]:
    """Return the classes of the (event, device) of the devices `among`, and how many were expected."""
    lanes = delivery.lanes
    counts = np.zeros(len(DeliveryClass), dtype=np.int64)
    for lane in np.flatnonzero(among[lanes.device]):
        counts += np.bincount(delivery.classes[lanes.begin[lane] : lanes.begin[lane + 1]], minlength=len(counts))
    return {"expected": int(counts.sum()), **{each.name.lower(): int(counts[each]) for each in DeliveryClass}}


def restraint(run: Reconstruction, history: History, among: Bools) -> Mapping[str, Any]:
    """Return what devices `among` heard or wanted and did not act on, in the window."""
    signals = history.of(Kind.SIGNAL)
    signals = signals[among[signals["actor"]] & run.window.holds(signals["at_ns"].astype(np.int64))]
    unfetched = history.of(Kind.NOT_FETCHED)
    unfetched = unfetched[among[unfetched["actor"]] & run.window.holds(unfetched["at_ns"].astype(np.int64))]
    why = Counter(NotFetched(int(flag)).name.lower() for flag in unfetched["flag"])
    return {
        "signals_paused": int(((signals["flag"] & SignalFlag.PAUSED) > 0).sum()),
        "signals_suppressed": int(((signals["flag"] & SignalFlag.SUPPRESSED) > 0).sum()),
        "not_fetched": {each.name.lower(): why[each.name.lower()] for each in NotFetched},
    }
