"""One run under many policies: for the verb that asks for it, and in every analysis of a run that is small enough.

Who carries the replays out is passed in, because a large run is shared by processes, and this layer starts none.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from loadtests.analysis.coalescing import read_asked
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.advice import Advice, Again, Tried, advise, cheapest_of
from loadtests.analysis.laboratory.carried_out import is_independent
from loadtests.analysis.laboratory.herd_replay import JITTERS_MS, HerdBench, is_replayable
from loadtests.analysis.laboratory.outcome import Outcome
from loadtests.analysis.laboratory.policy_grid import Choice, design, grid, live
from loadtests.analysis.laboratory.reading import read_traces
from loadtests.analysis.laboratory.regret import regrets
from loadtests.analysis.laboratory.replay import ReplayError
from loadtests.analysis.laboratory.replay_check import check_replay
from loadtests.analysis.laboratory.replay_told import Replays, json_of
from loadtests.analysis.laboratory.what_if import Laboratory, laboratory_of, recorded
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.clients.roles import models_of
from loadtests.scenario.model import Scenario

Carry = Callable[[Laboratory, Sequence[Choice]], tuple[Outcome, ...]]
"""Who replays policies, and returns an outcome for each, in their order."""

SEED: Final = 1
AFFORDABLE: Final = 20_000_000
"""Decisions (signals times policies) that an analysis makes by the way: they take some seconds."""
_BY_MACHINE: Final = 50
"""A decision by a state machine takes as long as so many by arrays."""


def experiment(
    run: Reconstruction,
    scenario: Scenario,
    names: tuple[str, ...],
    *,
    others: Sequence[Choice] = (),
    seed: int = SEED,
    carry: Carry,
) -> Replays:
    """Return a run under the live policy, the design's and others, by default those of the grid.

    Raises:
        ReplayError: no subscriber was ever answered.

    """
    own, models = live(scenario), models_of(scenario)
    traces = read_traces(run, models, names)
    laboratory = laboratory_of(run, traces, models, seed=seed)
    choices = [own, design(), *(others or grid())]
    outcomes = carry(laboratory, choices)
    as_recorded = recorded(run, laboratory)
    tried = [Tried(choice, outcome) for choice, outcome in zip(choices, outcomes, strict=True)]
    best = cheapest_of(tried[2:], tried[0])
    return Replays(
        subscribers=traces.devices,
        signals=len(traces.arrivals),
        seed=seed,
        recorded=as_recorded,
        live=outcomes[0],
        design=outcomes[1],
        others=outcomes[2:],
        is_grid=not others,
        best=None if best is None else best.outcome,
        advice=_advice(run, scenario, laboratory, live=tried[0], best=best),
        check=check_replay(run, traces, own, recorded=as_recorded, replayed=outcomes[0]),
        regrets=regrets(read_asked(run.signals, run.events, run.screens.requests, run.window)),
    )


def _advice(
    run: Reconstruction, scenario: Scenario, laboratory: Laboratory, *, live: Tried, best: Tried | None
) -> Advice | None:
    """Return what the herd adds to the choice; None where it is too large to be replayed, or there is none."""
    engines = laboratory.engines
    if not is_replayable(run, engines.models):
        return None
    bench = HerdBench(run, engines.traces, engines.models)
    again = Again(
        outcome=laboratory.replay,
        peaks=lambda choice: bench.peaks(choice.policies),
        jitters_ms=JITTERS_MS,
    )
    return advise(live, best, again, chosen=scenario.subscribers.peak_per_100ms)


def affordable_experiment(
    run: Reconstruction, scenario: Scenario, names: tuple[str, ...], *, affordable: int = AFFORDABLE
) -> Mapping[str, Any] | None:
    """Return the document `replay.json` of the grid; None where it would take too long, or there is nothing to replay.

    The same run always yields the same document.
    """
    if not 0 < decisions(run, scenario) <= affordable:
        return None
    try:
        return json_of(experiment(run, scenario, names, carry=one_by_one))
    except ReplayError:
        # Nobody was ever answered: there is no telling what another policy would have shown when.
        return None


def decisions(run: Reconstruction, scenario: Scenario) -> int:
    """Return how many decisions the grid takes; those of a state machine count as many times as they take longer."""
    device = run.signals.device
    model = run.devices.model[device[run.devices.cohort[device] == SUBSCRIBER]]
    weight = {
        kind: 1 if is_independent(client.discipline) else _BY_MACHINE for kind, client in models_of(scenario).items()
    }
    kinds, signals = np.unique(model, return_counts=True)
    weighted: int = sum(weight[kind] * count for kind, count in zip(kinds.tolist(), signals.tolist(), strict=True))
    return weighted * (len(grid()) + 2)


def one_by_one(laboratory: Laboratory, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
    """Return the outcome of each policy."""
    return tuple(laboratory.replay(choice) for choice in choices)
