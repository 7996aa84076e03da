"""What a scenario is going to send, worked out before anything is started: from its own arithmetic, not from a run.

Pure. Everything is an expectation over the schedule's randomness; where chance matters, its variance stands beside.
Assumes what a plan allows and a target delivers: whoever compares that with limits is `preflight`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.expected_fetches import fetched_apart_from_signals, keys_per_signal, share_of
from loadtests.checks.presence import Stint, control_stints, lead_s, stints
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.scenario.weights import organization_weights

EVENT_FRAME_BYTES: Final = 1_100
"""One change on the wire, `columns` and `record` included: job events of this schema are 1,067 to 1,137 bytes."""

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Second by second, from `begins_s` (negative: before the load) to the end of the drain."""

    begins_s: int
    joins: Series
    connections: Series
    """The most within each second."""
    deliveries: Series
    """Expected ones."""
    to_devices: Series
    """Of these, what devices get, which re-fetch; the control group does not."""
    variance: Series
    """Of the deliveries of that second."""

    def second(self, at_s: float) -> int:
        """Return the index of a moment."""
        return int(at_s) - self.begins_s

    def between(self, series: Series, begin_s: float, end_s: float) -> Series:
        """Return the part of `series` that belongs to [begin_s, end_s)."""
        first = self.second(begin_s)
        return series[first : max(first + 1, self.second(end_s))]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseLoad:
    """What one phase sends."""

    name: str
    begin_s: float
    duration_s: float
    mutations_per_s: float
    receivers: float
    """Of one mutation, on average: own echo included."""
    deliveries_per_s: float
    deliveries_per_s_peak: float
    """Of its busiest second."""
    refetches_per_s: float
    """For signals, at most: debouncing makes fewer of them."""
    requests_per_s: float
    """To the API: mutations, polls, and these re-fetches."""

    @property
    def bytes_per_s(self) -> float:
        """Of changes, to all subscribers."""
        return self.deliveries_per_s * EVENT_FRAME_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationLoad:
    """What the busiest organization gets in the busiest phase."""

    members: int
    """Those who hear of it: subscribers, and the control group's."""
    mutations_per_s: float

    @property
    def deliveries_per_s(self) -> float:
        """Each mutation reaches each member."""
        return self.members * self.mutations_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is made in the target's database."""

    organizations: int
    users: int
    memberships: int
    jobs_before: int
    jobs_created: float
    documents: float
    events: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLoad:
    """All of it."""

    scenario: Scenario
    subscribers: int
    controls: int
    """Official clients beside them: they connect, join and receive as these do."""
    pollers: int
    duration_s: float
    drain_s: float
    connections_peak: int
    joins: int
    joins_per_s_peak: float
    mutations: float
    messages: float
    """As Supabase counts them: one for each change at each subscriber. Broadcasts would be one more; there are none."""
    own_echoes: float
    """Deliveries at the author's own device, among the messages."""
    refetches: float
    """At most: one for each signal and key, and what devices fetch at login, on their return and as pollers."""
    busiest: OrganizationLoad
    rows: Rows
    phases: tuple[PhaseLoad, ...]
    timeline: Timeline

    @property
    def busiest_phase(self) -> PhaseLoad:
        """The phase with the most deliveries a second."""
        return max(self.phases, key=lambda phase: phase.deliveries_per_s)

    def phase_at(self, at_s: float) -> str:
        """Return the name of the phase at a moment, or what surrounds the load."""
        if at_s < 0:
            return "connecting"
        named = [phase.name for phase in self.phases if phase.begin_s <= at_s < phase.begin_s + phase.duration_s]
        return named[0] if named else "drain"


def expect(population: Population) -> ExpectedLoad:
    """Return what the run of a population is going to send."""
    scenario = population.scenario
    lives = list(stints(population))
    everybody = [*lives, *control_stints(population)]
    timeline = _timeline(population, lives, everybody)
    phases = _phases(population, timeline)
    mutations = sum(phase.mutations_per_s * phase.duration_s for phase in scenario.phases)
    fetched = fetched_apart_from_signals(population, lives)
    return ExpectedLoad(
        scenario=scenario,
        subscribers=scenario.subscribers.count,
        controls=len(population.controls),
        pollers=len(population.pollers),
        duration_s=scenario.duration_s,
        drain_s=scenario.effective_drain_s,
        connections_peak=round(float(timeline.connections.max(initial=0))),
        joins=len(everybody),
        joins_per_s_peak=float(timeline.joins.max(initial=0)),
        mutations=mutations,
        messages=float(timeline.deliveries.sum()),
        own_echoes=_own_echoes(population),
        refetches=fetched + sum(phase.refetches_per_s * phase.duration_s for phase in phases),
        busiest=_busiest(population),
        rows=_rows(population, mutations),
        phases=phases,
        timeline=timeline,
    )


# ---- second by second


def _timeline(population: Population, lives: Sequence[Stint], everybody: Sequence[Stint]) -> Timeline:
    """Return what comes of `everybody` who receives; `lives` are the devices' among them."""
    scenario = population.scenario
    begins_s = -int(np.ceil(lead_s(population))) - 1
    seconds = int(np.ceil(scenario.duration_s + scenario.effective_drain_s)) - begins_s + 1
    weights = organization_weights(scenario)
    begin, end = np.zeros(seconds + 1), np.zeros(seconds + 1)
    for life in everybody:
        begin[int(np.floor(life.begin_s)) - begins_s] += 1
        end[int(np.floor(life.end_s)) - begins_s] += 1
    rate = _mutations_per_second(scenario, begins_s, seconds)
    receivers = _present(everybody, weights, begins_s, seconds)
    squares = _present(everybody, weights * _listeners(population), begins_s, seconds)
    even = _even_per_second(scenario, begins_s, seconds)
    return Timeline(
        begins_s=begins_s,
        joins=begin[:-1],
        # Who leaves within a second was there for a part of it.
        connections=np.cumsum(begin[:-1])
        - np.concatenate(([0.0], np.cumsum(end[:-1])[:-1]))
        - _switched(lives, begins_s, seconds),
        deliveries=rate * receivers,
        to_devices=rate * _present(lives, weights, begins_s, seconds),
        # Compound Poisson: each mutation brings as many as its organization has; an even pace leaves only that.
        variance=rate * np.maximum(0.0, squares - even * receivers**2),
    )


def _present(lives: Sequence[Stint], values: Series, begins_s: int, seconds: int) -> Series:
    """Return the sum of their organizations' values over those who are there, second by second."""
    steps = np.zeros(seconds + 1)
    for life in lives:
        value = float(values[life.organization])
        steps[int(np.floor(life.begin_s)) - begins_s] += value
        steps[int(np.floor(life.end_s)) - begins_s] -= value
    present: Series = np.cumsum(steps[:-1])
    return present


def _listeners(population: Population) -> Series:
    """Return how many of each organization are pushed to: subscribers and the control group."""
    homes = [each.organization for each in population.subscribers]
    homes += [each.organization for each in population.controls]
    return np.bincount(homes, minlength=population.organizations).astype(np.float64)


def _switched(lives: Sequence[Stint], begins_s: int, seconds: int) -> Series:
    """Return how many were counted twice in a second: on the old channel and on the new one of one socket."""
    twice = np.zeros(seconds)
    for life in lives:
        if not life.is_new_socket:
            twice[int(np.floor(life.begin_s)) - begins_s] += 1
    return twice


def _mutations_per_second(scenario: Scenario, begins_s: int, seconds: int) -> Series:
    """Return the expected mutations of each second; one that two phases share gets a part of both."""
    rate = np.zeros(seconds)
    for index, begin_s in enumerate(_begins(scenario)):
        phase = scenario.phases[index]
        rate += phase.mutations_per_s * _overlap(begin_s - begins_s, phase.duration_s, seconds)
    return rate


def _even_per_second(scenario: Scenario, begins_s: int, seconds: int) -> Series:
    even = np.zeros(seconds)
    for index, begin_s in enumerate(_begins(scenario)):
        phase = scenario.phases[index]
        if phase.arrivals == "even":
            even = np.maximum(even, _overlap(begin_s - begins_s, phase.duration_s, seconds))
    return even


def _overlap(begin: float, length: float, seconds: int) -> Series:
    """Return which part of each second lies in [begin, begin + length)."""
    edges = np.arange(seconds, dtype=np.float64)
    part: Series = np.clip(np.minimum(edges + 1, begin + length) - np.maximum(edges, begin), 0.0, 1.0)
    return part


def _begins(scenario: Scenario) -> list[float]:
    return [sum(phase.duration_s for phase in scenario.phases[:index]) for index in range(len(scenario.phases))]


# ---- phase by phase


def _phases(population: Population, timeline: Timeline) -> tuple[PhaseLoad, ...]:
    scenario = population.scenario
    polls_per_s = sum(cohort.count / cohort.interval_s for cohort in scenario.pollers)
    loads = []
    for phase, begin_s in zip(scenario.phases, _begins(scenario), strict=True):
        deliveries = timeline.between(timeline.deliveries, begin_s, begin_s + phase.duration_s)
        mean = float(deliveries.mean())
        signals = float(timeline.between(timeline.to_devices, begin_s, begin_s + phase.duration_s).mean())
        refetches_per_s = signals * keys_per_signal(population, phase)
        loads.append(
            PhaseLoad(
                name=phase.name,
                begin_s=begin_s,
                duration_s=phase.duration_s,
                mutations_per_s=phase.mutations_per_s,
                receivers=mean / phase.mutations_per_s if phase.mutations_per_s else 0.0,
                deliveries_per_s=mean,
                deliveries_per_s_peak=float(deliveries.max()),
                refetches_per_s=refetches_per_s,
                requests_per_s=phase.mutations_per_s + polls_per_s + refetches_per_s,
            )
        )
    return tuple(loads)


def _busiest(population: Population) -> OrganizationLoad:
    scenario = population.scenario
    weights, sizes = organization_weights(scenario), _listeners(population)
    place = int(np.argmax(weights * sizes))
    most = max(phase.mutations_per_s for phase in scenario.phases)
    return OrganizationLoad(members=int(sizes[place]), mutations_per_s=float(weights[place]) * most)


# ---- sums


def _own_echoes(population: Population) -> float:
    scenario = population.scenario
    weights = organization_weights(scenario)
    sizes = np.bincount([role.organization for role in population.subscribers], minlength=len(weights))
    with_devices = float(weights[sizes > 0].sum())
    return sum(
        phase.mutations_per_s * phase.duration_s * (1 - share_of(phase, MutationKind.FLAG)) for phase in scenario.phases
    ) * (scenario.mutators.own_devices * with_devices)


def _rows(population: Population, mutations: float) -> Rows:
    scenario = population.scenario
    guests = sum(role.other_organization is not None for role in population.subscribers)
    users = population.organizations + len(population.devices) + len(population.controls)
    made = [(phase, phase.mutations_per_s * phase.duration_s) for phase in scenario.phases]
    return Rows(
        organizations=population.organizations,
        users=users,
        memberships=users + guests,
        jobs_before=population.organizations * scenario.organizations.jobs,
        jobs_created=sum(count * share_of(phase, MutationKind.CREATE) for phase, count in made),
        documents=sum(count * share_of(phase, MutationKind.DOCUMENT) for phase, count in made),
        events=mutations,
    )


def to_json(load: ExpectedLoad) -> dict[str, Any]:
    """Return it as a JSON object, without the seconds."""
    rows, busiest = load.rows, load.busiest
    return {
        "subscribers": load.subscribers,
        "controls": load.controls,
        "pollers": load.pollers,
        "duration_s": load.duration_s,
        "drain_s": load.drain_s,
        "connections_peak": load.connections_peak,
        "joins": load.joins,
        "joins_per_s_peak": load.joins_per_s_peak,
        "mutations": load.mutations,
        "messages": load.messages,
        "own_echoes": load.own_echoes,
        "refetches_at_most": load.refetches,
        "event_frame_bytes": EVENT_FRAME_BYTES,
        "busiest_organization": {
            "members": busiest.members,
            "mutations_per_s": busiest.mutations_per_s,
            "deliveries_per_s": busiest.deliveries_per_s,
        },
        "rows": {name: getattr(rows, name) for name in Rows.__dataclass_fields__},
        "phases": {
            phase.name: {
                "begin_s": phase.begin_s,
                "duration_s": phase.duration_s,
                "mutations_per_s": phase.mutations_per_s,
                "receivers": phase.receivers,
                "deliveries_per_s": phase.deliveries_per_s,
                "deliveries_per_s_peak": phase.deliveries_per_s_peak,
                "bytes_per_s": phase.bytes_per_s,
                "requests_per_s_at_most": phase.requests_per_s,
            }
            for phase in load.phases
        },
    }
