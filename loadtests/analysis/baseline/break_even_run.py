"""Where a run stands on the map: what its devices requested in each phase, beside what the simulation says of it.

The simulation knows of a phase how many writes its devices heard of, of which kinds and jobs, and what they had open;
when which write came is drawn afresh. So the two agree within chance, or one of them is wrong.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from loadtests.analysis.baseline.break_even import Rate, Stretch, Writing, simulate
from loadtests.analysis.baseline.polling import interval_name
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NS_PER_S, Bools, Ints
from loadtests.clients.models import Screen
from loadtests.clients.roles import models_of
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.scenario.model import Phase, Scenario
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel, MutationKind

LEAST_S: Final = 20.0
"""A shorter phase is left out: what it costs is mostly how it begins and ends."""
_SIMULATED_WRITES: Final = 600
_FEWEST_BLOCKS: Final = 8
_TWO_SIDED: Final = 1.96
_MINUTE_NS: Final = 60 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One phase of a run as a place on the map."""

    index: int
    begin_ns: int
    end_ns: int
    written: Ints
    """Mutations due in it that were done, by organization."""
    jobs: int
    """Of an organization, in the middle of it: what is created can be changed later."""

    @property
    def minutes(self) -> float:
        """How long it lasted."""
        return (self.end_ns - self.begin_ns) / _MINUTE_NS

    def per_minute(self, organizations: Ints) -> float:
        """Return writes per organization-minute, on average over some organizations, each as often as it is named."""
        return float(self.written[organizations].mean()) / self.minutes


def break_even_metrics(run: Reconstruction, history: History, scenario: Scenario) -> dict[str, Any]:
    """Return the object `break_even` of `metrics.json`."""
    places = _places(run, scenario)
    everywhere = np.arange(scenario.organizations.count)
    return {
        "phases": {
            scenario.phases[stay.index].name: {
                **_told(run, scenario, stay, everywhere),
                "sizes": {str(members): _told(run, scenario, stay, each) for members, each in places.items()},
            }
            for stay in _stays(run, history, scenario)
        }
    }


def _places(run: Reconstruction, scenario: Scenario) -> dict[int, Ints]:
    """Return the organizations of each number of members, ascending; none where the scenario makes them alike."""
    if not scenario.organizations.members:
        return {}
    home = run.devices.organization[run.devices.cohort == SUBSCRIBER]
    sizes = np.bincount(home, minlength=scenario.organizations.count)
    return {members: np.flatnonzero(sizes == members) for members in np.unique(sizes).tolist() if members}


def writing_of(scenario: Scenario, phase: Phase) -> Writing:
    """Return what is written in a phase, organization by organization."""
    # Evenly over several organizations is at random in each of them.
    is_even = phase.arrivals == "even" and scenario.organizations.count == 1
    return Writing(
        mix=tuple(phase.mix.items()),
        choice=phase.jobs,
        jobs=scenario.organizations.jobs,
        arrivals="even" if is_even else "poisson",
    )


def is_predictable(scenario: Scenario) -> bool:
    """Return whether the simulation lives what the run's devices lived: alike organizations, everybody looks, no fault.

    A feed that gathers changes into batches is another stream of signals than the writes.
    """
    is_alike = scenario.organizations.sizes == "even" or scenario.organizations.count == 1
    is_undisturbed = not scenario.lifecycle and scenario.subscribers.attention is None and not scenario.faults
    return (
        is_alike and is_undisturbed and scenario.target.feed == "streaming" and scenario.target.event_limit == "label"
    )


def _stays(run: Reconstruction, history: History, scenario: Scenario) -> list[Stay]:
    rows = history.of(Kind.PHASE)
    ends_ns = [*rows["at_ns"][1:].tolist(), run.window.end_ns][: len(rows)]
    stays = [
        _stay(run, scenario, index=index, begin_ns=begin_ns, end_ns=end_ns)
        for index, begin_ns, end_ns in zip(rows["value"].tolist(), rows["at_ns"].tolist(), ends_ns, strict=True)
        if end_ns - begin_ns >= LEAST_S * NS_PER_S and not scenario.phases[index].warm_up
    ]
    return [stay for stay in stays if stay.written.any()]


def _stay(run: Reconstruction, scenario: Scenario, *, index: int, begin_ns: int, end_ns: int) -> Stay:
    done, due_ns, kind = run.mutations.is_done, run.mutations.due_ns, run.mutations.kind
    before = done & (due_ns < (begin_ns + end_ns) // 2)
    grown = int((before & (kind == MutationKind.CREATE)).sum() - (before & (kind == MutationKind.ARCHIVE)).sum())
    organizations = scenario.organizations.count
    return Stay(
        index=index,
        begin_ns=begin_ns,
        end_ns=end_ns,
        written=np.bincount(
            run.mutations.organization[done & (due_ns >= begin_ns) & (due_ns < end_ns)], minlength=organizations
        ),
        jobs=max(scenario.organizations.jobs + round(grown / organizations), 0),
    )


def _told(run: Reconstruction, scenario: Scenario, stay: Stay, organizations: Ints) -> dict[str, Any]:
    """Return what a phase came to in some organizations."""
    is_there = np.isin(run.devices.organization, organizations)
    subscribers = is_there & (run.devices.cohort == SUBSCRIBER)
    clients = {}
    for model in PUSHED_MODELS:
        among = subscribers & (run.devices.model == int(model))
        if among.any():
            home = run.devices.organization[among]
            rate = _predicted(run, scenario, stay, model, home=home) if is_predictable(scenario) else None
            clients[model.key] = _of_client(_requested(run, stay, among), rate, home=home)
    polling = {
        interval_name(cohort): _requested(run, stay, is_there & (run.devices.cohort == number))
        for number, cohort in enumerate(scenario.pollers)
    }
    return {
        "writes_per_organization_minute": stay.per_minute(organizations),
        "members_per_organization": int(subscribers.sum()) / len(organizations),
        "minutes": stay.minutes,
        "clients": clients,
        "polling": polling,
        "saved": {
            name: {
                interval_name(cohort): _saved(client, polling[interval_name(cohort)], cohort.interval_s)
                for cohort in scenario.pollers
            }
            for name, client in clients.items()
        },
    }


def _requested(run: Reconstruction, stay: Stay, among: Bools) -> dict[str, Any]:
    requests = run.screens.requests
    inside = (requests.requested_ns >= stay.begin_ns) & (requests.requested_ns < stay.end_ns)
    counted = int((among[requests.device] & inside).sum())
    minutes = run.presence.lifetimes.device_ns(stay.begin_ns, stay.end_ns, among) / _MINUTE_NS
    return {
        "devices": int(among.sum()),
        "requests": counted,
        "requests_per_device_minute": counted / minutes if minutes else None,
    }


def _of_client(measured: dict[str, Any], rate: Rate | None, *, home: Ints) -> dict[str, Any]:
    if rate is None:
        return {**measured, "predicted_per_device_minute": None, "predicted_low": None, "predicted_high": None}
    # Members of one organization hear the same: what chance there is, is in the organizations, and in those the more
    # that more of the devices are at home in.
    devices = np.bincount(home)
    independent = float(devices.sum()) ** 2 / float((devices**2).sum())
    spread = _TWO_SIDED * math.hypot(rate.of_blocks / math.sqrt(independent), rate.standard_error)
    return {
        **measured,
        "predicted_per_device_minute": rate.requests,
        "predicted_low": max(rate.requests - spread, 0.0),
        "predicted_high": rate.requests + spread,
    }


def _saved(client: dict[str, Any], polled: dict[str, Any], interval_s: float) -> dict[str, float | None]:
    own, others = client["requests_per_device_minute"], polled["requests_per_device_minute"]
    predicted = client["predicted_per_device_minute"]
    return {
        "measured_share": None if own is None or not others else 1 - own / others,
        "predicted_share": None if predicted is None else 1 - predicted * interval_s / 60,
    }


def _predicted(run: Reconstruction, scenario: Scenario, stay: Stay, model: DeviceModel, *, home: Ints) -> Rate:
    """Return what devices of a model are simulated to request: `home` has the organization of each."""
    client = models_of(scenario)[model]
    open_on: Counter[Screen] = Counter()
    at_home = set(home.tolist())
    for device in run.population.subscribers:
        if device.model is model and device.organization in at_home:
            job = None if device.open_job is None else str(device.open_job)
            open_on[client.screen(open_job_id=job, open_audit=device.open_audit)] += 1
    per_minute = stay.per_minute(home)
    blocks = max(_FEWEST_BLOCKS, math.ceil(_SIMULATED_WRITES / max(per_minute * stay.minutes, 1.0)))
    over = Stretch(
        per_minute=per_minute,
        block_minutes=stay.minutes,
        blocks=blocks,
        fetch_ns=_fetch_ns(run),
        seed=scenario.seed,
    )
    writing = replace(writing_of(scenario, scenario.phases[stay.index]), jobs=stay.jobs)
    return simulate(client, open_on, writing, over)


def _fetch_ns(run: Reconstruction) -> int:
    """Return how long a subscriber's request takes, by the median; at least a nanosecond."""
    requests = run.screens.requests
    own = np.flatnonzero(requests.is_ok & (run.devices.cohort[requests.device] == SUBSCRIBER))
    took_ns = (requests.answered_ns[own] - requests.requested_ns[own]).astype(np.float64)
    return max(1, round(nearest_rank(took_ns, 0.5))) if len(own) else 1
