"""Time and peak memory of the account of ten million deliveries: 1,000 events, 10,000 subscribers, and convergence.

Everything that the account reads is made up in memory: receipts in the order in which they would have come, some of
them lost, doubled or late, some devices that come and go, and one answer of each device at the end. Each deviation
gets its cause; once with few of them lost, and once with one in ten. Peak memory is counted above that of this input.
Run as a script: `python tests/benchmarks/bench_accounting.py [--subscribers N] [--lost SHARE]`.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.cause_table import cause_table, explain, read_scene
from loadtests.analysis.convergence import convergence
from loadtests.analysis.delivery import DeliveryClass, account
from loadtests.analysis.devices import Devices, Presence, Spans
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.leaks import leaked_signals
from loadtests.analysis.mutations import Fate, Mutations
from loadtests.analysis.removals import read_removals
from loadtests.analysis.scope import TrueJobs, page_times
from loadtests.analysis.screens import Screens
from loadtests.analysis.sightings import follow_views
from loadtests.analysis.stamps import NEVER, Ints
from loadtests.analysis.window import Window
from loadtests.clients.requests import PAGE_LIMIT, Cause, KeyKind
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, NOBODY, ROW, Kind
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from loadtests.wire.event_types import EventType

TARGET_S = 5.0
TARGET_MIB = 300
_S = 1_000_000_000
_DEADLINE_NS = 5 * _S
_DOUBLED, _LATE = 0.001, 0.001
_RESTLESS = 20
"""Every twentieth device logs out and in again in the middle."""


def main() -> None:
    """Print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--organizations", type=int, default=10)
    parser.add_argument("--lost", type=float, nargs="*", default=[0.002, 0.1])
    wanted = parser.parse_args()
    for lost in wanted.lost:
        measure(wanted, lost)


def measure(wanted: argparse.Namespace, lost: float) -> None:
    """Print what it took when this share of the receipts is lost."""
    # Of 10 organizations, each event is expected by a tenth of the subscribers: so ten times the events.
    events = wanted.events * wanted.organizations
    world = World(events, wanted.subscribers, wanted.organizations, lost)
    before_mib = _forget_the_peak()
    began = time.perf_counter()
    delivery = account(world.events, world.signals, world.mutations, world.screens, deadline_ns=_DEADLINE_NS)
    leaked = leaked_signals(world.signals, world.screens.presence, world.screens.devices)
    accounted = time.perf_counter()
    scene = read_scene(world.events, world.signals, world.screens, world.history)
    explained = explain(delivery, scene)
    rows = cause_table(explained, scene.witnesses, events=world.events, window=world.window, history=world.history)
    told = time.perf_counter()
    result = convergence(world.screens, world.jobs, world.mutations, end_ns=world.end_ns)
    converged = time.perf_counter()
    peak_mib = _status_mib("VmHWM")
    classes = ", ".join(f"{each.name.lower()} {delivery.count(each):,}" for each in DeliveryClass)
    print(f"pairs {delivery.expected:,}, signals {len(world.signals):,}, adds up: {delivery.adds_up}, {classes}")
    print(f"causes {explained.misses_by_cause()}, late {explained.late_by_cause()}, {len(rows)} rows")
    print(f"leaked {len(leaked):,}, out of order {delivery.out_of_order:,}, wrong views {result.wrong_views:,}")
    print(
        f"lost {lost:.1%}: account {accounted - began:.2f} s, causes {told - accounted:.2f} s, convergence "
        f"{converged - told:.2f} s, together "
        f"{converged - began:.2f} s, target {TARGET_S:.0f} s"
    )
    print(f"peak {peak_mib - before_mib:.0f} MiB above the input's {before_mib:.0f} MiB, target {TARGET_MIB} MiB")


class World:
    """The input."""

    def __init__(self, events: int, subscribers: int, organizations: int, lost: float) -> None:
        random = np.random.default_rng(1)
        self.end_ns = (events + 60) * _S // 10
        self.mutations = _mutations(events, organizations)
        self.events = _events(self.mutations)
        devices = _devices(subscribers, organizations)
        self.signals = _signals(self.events, devices, random, lost)
        self.jobs = _jobs(self.mutations, organizations)
        presence = _presence(devices, self.end_ns)
        requests, bodies = _answers(self.jobs, devices, presence, self.end_ns)
        names = len(self.jobs) + events + 1
        self.history = _history(presence, events)
        self.window = Window(start_ns=0, end_ns=self.end_ns, load_ns=0)
        removals = read_removals(requests, bodies, self.jobs, devices, names=names)
        self.screens = Screens(
            devices=devices,
            presence=presence,
            requests=requests,
            bodies=bodies,
            removals=removals,
            sightings=follow_views(removals, np.zeros(0, dtype=np.int64)),
            pages=page_times(self.jobs),
        )


def _mutations(count: int, organizations: int) -> Mutations:
    index = np.arange(count)
    due_ns = (index + 1) * _S // 10
    job = index % (organizations * PAGE_LIMIT)
    return Mutations(
        due_ns=due_ns,
        dispatched_ns=due_ns,
        sent_ns=due_ns + 1,
        acked_ns=due_ns + 10,
        stored_ns=due_ns + 5,
        fate=np.full(count, Fate.ACKED),
        unsent=np.zeros(count, dtype=np.int64),
        kind=np.full(count, MutationKind.UPDATE),
        organization=job % organizations,
        author=np.full(count, NOBODY, dtype=np.int64),
        job=job,
        revision=index // (organizations * PAGE_LIMIT) + 2,
        document=np.zeros(count, dtype=np.int64),
        risk_factors=np.zeros(count, dtype=np.int64),
        is_done=np.ones(count, dtype=np.bool_),
        in_window=np.ones(count, dtype=np.bool_),
    )


def _events(mutations: Mutations) -> Events:
    count = len(mutations)
    committed_ns = mutations.stored_ns + 2
    return Events(
        name=np.arange(count),
        organization=mutations.organization,
        type=np.full(count, EventType.JOB_UPDATED),
        mutation=np.arange(count),
        is_primary=np.ones(count, dtype=np.bool_),
        job=mutations.job,
        committed_ns=committed_ns,
        placed_ns=committed_ns,
        in_window=np.ones(count, dtype=np.bool_),
        stands_for=np.zeros(count, dtype=np.int64),
        is_labelled=np.zeros(count, dtype=np.bool_),
        is_ambiguous=np.zeros(count, dtype=np.bool_),
        index_of_name=np.arange(count),
    )


def _devices(count: int, organizations: int) -> Devices:
    return Devices(
        organization=np.arange(count) % organizations,
        other_organization=np.full(count, NOBODY, dtype=np.int64),
        cohort=np.full(count, -1, dtype=np.int64),
        model=np.full(count, DeviceModel.IOS, dtype=np.int64),
        open_job=np.full(count, NO_ENTITY, dtype=np.int64),
        organizations=organizations,
    )


def _signals(events: Events, devices: Devices, random: np.random.Generator, lost: float) -> Signals:
    """Return receipts in their order; what is late comes out of order."""
    row, device = devices.watching(events.organization)
    kept = random.random(len(row)) >= lost
    row, device = row[kept].astype(np.int32), device[kept].astype(np.int32)
    doubled = random.random(len(row)) < _DOUBLED
    row, device = np.concatenate([row, row[doubled]]), np.concatenate([device, device[doubled]])
    received_ns = events.committed_ns[row] + random.integers(1_000_000, 400_000_000, len(row))
    received_ns[random.random(len(row)) < _LATE] += _DEADLINE_NS
    order = np.argsort(received_ns)
    event, device, received_ns = row[order].astype(np.int64), device[order].astype(np.int64), received_ns[order]
    del row, order, doubled, kept
    return Signals(
        device=device,
        name=event,
        event=event,
        type=np.full(len(event), EventType.JOB_UPDATED, dtype=np.int64),
        organization=events.organization[event],
        received_ns=received_ns,
        batch=np.zeros(len(event), dtype=np.int64),
        bytes=np.full(len(event), 700, dtype=np.int64),
        asks_refresh=np.ones(len(event), dtype=np.bool_),
        is_degraded=np.zeros(len(event), dtype=np.bool_),
    )


def _presence(devices: Devices, end_ns: int) -> Presence:
    """Let each device live throughout, and every twentieth be away for two seconds in the middle."""
    count = len(devices)
    restless = np.arange(0, count, _RESTLESS)
    middle_ns = end_ns // 2
    device = np.concatenate([np.arange(count), restless])
    begin_ns = np.concatenate([np.full(count, -_S), np.full(len(restless), middle_ns + 2 * _S)])
    end = np.full(len(device), end_ns + 10 * _S)
    end[restless] = middle_ns
    order = np.lexsort((begin_ns, device))
    spans = Spans(device=device[order], begin_ns=begin_ns[order], end_ns=end[order])
    return Presence(
        lifetimes=spans,
        organization=devices.organization[spans.device],
        foreground=spans,
        foreground_lifetime=np.arange(len(spans.device)),
        live=spans,
    )


def _history(presence: Presence, events: int) -> History:
    """Return the edges of the devices' connections, and the names of the events."""
    lives = presence.lifetimes
    edges = ((Kind.LOGIN, lives.begin_ns), (Kind.LIVE, lives.begin_ns), (Kind.LOGOUT, lives.end_ns))
    parts = []
    for kind, at_ns in edges:
        rows = np.zeros(len(at_ns), dtype=ROW)
        rows["kind"], rows["at_ns"], rows["actor"] = kind, at_ns, lives.device
        parts.append(rows)
    table = np.concatenate(parts)
    return History(
        table[np.argsort(table["at_ns"], kind="stable")], tuple(f"event-{number}" for number in range(events))
    )


def _jobs(mutations: Mutations, organizations: int) -> TrueJobs:
    count = organizations * PAGE_LIMIT
    revision = np.ones(count, dtype=np.int64)
    np.maximum.at(revision, mutations.job, mutations.revision)
    return TrueJobs(
        is_archive_known=True,
        job=np.arange(count),
        organization=np.arange(count) % organizations,
        created_ns=np.arange(count) - 100 * _S,
        revision=revision,
        documents=np.zeros(count, dtype=np.int64),
        is_archived=np.zeros(count, dtype=np.bool_),
        archived_ns=np.full(count, NEVER),
    )


def _answers(jobs: TrueJobs, devices: Devices, presence: Presence, end_ns: int) -> tuple[Requests, Bodies]:
    """Return one answer for each device after the last change: its organization's page 1 as it stands."""
    order = np.lexsort((jobs.job, jobs.organization))
    bodies = devices.organizations
    count = len(devices)
    last = np.searchsorted(presence.lifetimes.device, np.arange(count), side="right") - 1
    told: Ints = np.full(count, end_ns - _S, dtype=np.int64)
    return Requests(
        device=np.arange(count),
        key=np.zeros(count, dtype=np.int64),
        kind=np.full(count, KeyKind.JOB_LIST, dtype=np.int64),
        job=np.full(count, NO_ENTITY, dtype=np.int64),
        cause=np.full(count, Cause.FLUSH, dtype=np.int64),
        batch=np.arange(count) + 1,
        wanted_ns=told,
        requested_ns=told,
        answered_ns=told + 10,
        body=devices.organization,
        lifetime=last,
        is_unchanged=np.zeros(count, dtype=np.bool_),
        database_reads=np.zeros(count, dtype=np.int64),
        is_discarded=np.zeros(count, dtype=np.bool_),
    ), Bodies(
        bytes=np.full(bodies, 19_000, dtype=np.int64),
        items=np.full(bodies, PAGE_LIMIT, dtype=np.int64),
        first=np.arange(bodies + 1) * PAGE_LIMIT,
        item_body=np.repeat(np.arange(bodies), PAGE_LIMIT),
        item_job=jobs.job[order],
        revision=jobs.revision[order],
        evidence=np.zeros(len(jobs), dtype=np.int64),
        is_archived=np.zeros(len(jobs), dtype=np.bool_),
        is_scored=np.zeros(len(jobs), dtype=np.bool_),
        index_of_name=np.zeros(0, dtype=np.int64),
    )


def _forget_the_peak() -> float:
    """Let the peak begin at what is held now, which is returned: making the input took more. Linux only."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_mib("VmRSS")


def _status_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


if __name__ == "__main__":
    main()
