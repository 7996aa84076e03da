"""The open-loop load: when each mutation is due, in which organization, of which kind.

A pure function of scenario and seed, drawn whole before the run: nothing the target does can move a due time.
Which job is hit is decided at dispatch, from the jobs that exist by then, with a number drawn here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtests.scenario.model import Phase, Scenario
from loadtests.scenario.risk import draw_risk_factors
from loadtests.scenario.vocabulary import MutationKind
from loadtests.scenario.weights import organization_weights

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Equally long columns, one entry per mutation, ascending in `due_ns`; the index is the mutation's."""

    due_ns: NDArray[np.int64]
    """Offset from the start of the load."""
    organization: NDArray[np.int32]
    kind: NDArray[np.uint8]
    pick: NDArray[np.float64]
    """Uniform in [0, 1): which of the organization's jobs."""
    phase: NDArray[np.int32]
    risk_factors: NDArray[np.uint16]
    """Those that the mutation gives, see `codes_of`; 0 for none."""

    def __len__(self) -> int:
        return len(self.due_ns)


def draw_schedule(scenario: Scenario, seed: int) -> Schedule:
    """Draw the whole load of a scenario."""
    random = np.random.default_rng([seed, 3])
    dues, phases, kinds = [], [], []
    begin_ns = 0
    for index, phase in enumerate(scenario.phases):
        length_ns = round(phase.duration_s * _NS)
        offsets = begin_ns + _arrivals(phase, length_ns, random)
        dues.append(offsets)
        phases.append(np.full(len(offsets), index, dtype=np.int32))
        kinds.append(_kinds(phase, len(offsets), random))
        begin_ns += length_ns
    due_ns = np.concatenate(dues)
    kind = np.concatenate(kinds)
    weights = organization_weights(scenario)
    return Schedule(
        due_ns=due_ns,
        organization=random.choice(len(weights), size=len(due_ns), p=weights).astype(np.int32),
        kind=kind,
        pick=random.random(len(due_ns)),
        phase=np.concatenate(phases),
        # From numbers of their own: another share moves nothing else.
        risk_factors=draw_risk_factors(kind, scenario.mutators.risk_factors, np.random.default_rng([seed, 4])),
    )


def moments_written(scenario: Scenario, seed: int) -> dict[int, NDArray[np.int64]]:
    """Return when something is written in the phases that are measured, ascending, by organization."""
    schedule = draw_schedule(scenario, seed)
    is_measured = ~np.array([phase.warm_up for phase in scenario.phases])[schedule.phase]
    organization, due_ns = schedule.organization[is_measured], schedule.due_ns[is_measured]
    order = np.argsort(organization, kind="stable")
    found, first = np.unique(organization[order], return_index=True)
    return dict(zip(found.tolist(), np.split(due_ns[order], first[1:]), strict=False))


def _arrivals(phase: Phase, length_ns: int, random: np.random.Generator) -> NDArray[np.int64]:
    if phase.mutations_per_s <= 0:
        return np.empty(0, dtype=np.int64)
    if phase.arrivals == "even":
        count = round(phase.mutations_per_s * phase.duration_s)
        return (np.arange(count) * (length_ns / max(count, 1))).astype(np.int64)
    # A Poisson process on an interval: a Poisson number of points, each uniform. The number is random too.
    count = int(random.poisson(phase.mutations_per_s * phase.duration_s))
    return np.sort(random.integers(0, length_ns, size=count))


def _kinds(phase: Phase, count: int, random: np.random.Generator) -> NDArray[np.uint8]:
    names = list(phase.mix)
    weights = np.array([phase.mix[name] for name in names])
    codes = np.array([MutationKind[name.upper()] for name in names], dtype=np.uint8)
    return codes[random.choice(len(codes), size=count, p=weights / weights.sum())]
