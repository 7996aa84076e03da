"""Who watched: the population as columns, and when each device lived and was live.

A device's lifetime is from LOGIN to LOGOUT; live is the part of it in which changes flow to it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from loadtests.analysis.segments import expand, find_last
from loadtests.analysis.stamps import Bools, Ints
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, Kind
from loadtests.scenario.population import Population

SUBSCRIBER: Final = -1
"""The cohort of the devices that are pushed to; pollers have the index of theirs in the scenario."""


@dataclass(frozen=True)
class Devices:
    """One entry per device; the index is the device's."""

    organization: Ints
    cohort: Ints
    model: Ints
    """Its `DeviceModel`."""
    open_job: Ints
    """Name of the job that the device has open, NO_ENTITY if none."""
    organizations: int

    def __len__(self) -> int:
        return len(self.organization)

    @cached_property
    def order(self) -> Ints:
        """Devices by organization."""
        return np.argsort(self.organization, kind="stable").astype(np.int64)

    @cached_property
    def begin(self) -> Ints:
        """Where each organization begins in `order`."""
        return np.searchsorted(self.organization[self.order], np.arange(self.organizations)).astype(np.int64)

    @cached_property
    def members(self) -> Ints:
        """How many devices each organization has."""
        return np.bincount(self.organization, minlength=self.organizations).astype(np.int64)

    @cached_property
    def place(self) -> Ints:
        """Each device's place among those of its organization."""
        place = np.empty(len(self), dtype=np.int64)
        place[self.order] = np.arange(len(self)) - self.begin[self.organization[self.order]]
        return place

    def watching(self, organization: Ints) -> tuple[Ints, Ints]:
        """Return (row, device) for each row's organization times each device in it, in order of rows."""
        row, position = expand(self.members[organization])
        return row, self.order[self.begin[organization[row]] + position]


def read_devices(population: Population, names: dict[str, int]) -> Devices:
    """Return the population's devices as columns."""
    devices = population.devices
    cohorts = {cohort.interval_s: index for index, cohort in enumerate(population.scenario.pollers)}
    subscribers = len(population.subscribers)
    open_jobs = [
        NO_ENTITY
        if device.open_job is None
        else names.get(population.job_id(device.organization, device.open_job), NO_ENTITY)
        for device in devices
    ]
    return Devices(
        organization=np.array([device.organization for device in devices], dtype=np.int64),
        cohort=np.array(
            [SUBSCRIBER] * subscribers + [cohorts[device.interval_s] for device in population.pollers], dtype=np.int64
        ),
        model=np.array([device.model for device in devices], dtype=np.int64),
        open_job=np.array(open_jobs, dtype=np.int64),
        organizations=population.organizations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Stretches of time [begin, end) of devices, sorted by device and begin; those of one device do not overlap."""

    device: Ints
    begin_ns: Ints
    end_ns: Ints

    def at(self, device: Ints, at_ns: Ints) -> Ints:
        """Return which stretch of the device holds the stamp, -1 if none does."""
        place = find_last(self.device, self.begin_ns, device, at_ns)
        if len(self.device):
            place[(place >= 0) & (self.end_ns[place] <= at_ns)] = -1
        return place

    def covers(self, device: Ints, begin_ns: Ints, end_ns: Ints) -> Bools:
        """Return whether one stretch of the device holds all of [begin, end]."""
        place = self.at(device, begin_ns)
        if not len(self.device):
            return np.zeros(len(device), dtype=np.bool_)
        return (place >= 0) & (self.end_ns[place] > end_ns)

    def device_ns(self, begin_ns: int, end_ns: int, among: Bools) -> int:
        """Return how much time the devices `among` (one entry per device) spent in [begin, end)."""
        overlap = np.minimum(self.end_ns, end_ns) - np.maximum(self.begin_ns, begin_ns)
        return int(np.maximum(overlap, 0)[among[self.device]].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """When devices lived, when they were live, and how each stretch of not being live began."""

    lifetimes: Spans
    live: Spans
    edges: Spans
    """From each edge of a device's connection to its next."""
    edge_kind: Ints
    """Which edge: LOGIN, LIVE, DOWN or LOGOUT."""
    edge_cause: Ints
    """For DOWN, its `DownCause`."""

    def live_peak(self) -> int:
        """Return the largest number of devices that were live at the same time."""
        at_ns = np.concatenate([self.live.end_ns, self.live.begin_ns])
        step = np.repeat(np.array([-1, 1], dtype=np.int64), len(self.live.device))
        return int(np.cumsum(step[np.argsort(at_ns, kind="stable")]).max(initial=0))


def read_presence(history: History) -> Presence:
    """Return lifetimes and connections from the edges that the devices recorded."""
    rows = history.of(Kind.LOGIN, Kind.LIVE, Kind.DOWN, Kind.LOGOUT)
    # A device whose process was killed has no LOGOUT: its life ends with the last row of those that share its fate.
    of_devices = history.of(Kind.SIGNAL, Kind.ANSWERED, Kind.REQUESTED, Kind.LIVE, Kind.LOGIN)
    of_killed = of_devices[~np.isin(of_devices["actor"], rows["actor"][rows["kind"] == Kind.LOGOUT])]
    last_ns = int(of_killed["at_ns"].max(initial=0)) + 1
    order = np.lexsort((rows["at_ns"], rows["actor"]))
    device = rows["actor"][order].astype(np.int64)
    at_ns = rows["at_ns"][order].astype(np.int64)
    kind = rows["kind"][order].astype(np.int64)
    cause = rows["flag"][order].astype(np.int64)
    lives = np.isin(kind, [int(Kind.LOGIN), int(Kind.LOGOUT)])
    edges = _from_each(device, at_ns, np.ones(len(device), dtype=np.bool_), last_ns)
    # The server may say "subscribed" again while it is: that is no edge.
    repeated = np.zeros(len(kind), dtype=np.bool_)
    repeated[1:] = (kind[1:] == Kind.LIVE) & (kind[:-1] == Kind.LIVE) & (device[1:] == device[:-1])
    return Presence(
        lifetimes=_from_each(device[lives], at_ns[lives], kind[lives] == Kind.LOGIN, last_ns),
        live=_from_each(device[~repeated], at_ns[~repeated], kind[~repeated] == Kind.LIVE, last_ns),
        edges=edges,
        edge_kind=kind,
        edge_cause=np.where(kind == Kind.DOWN, cause, 0),
    )


def _from_each(device: Ints, at_ns: Ints, begins: Bools, last_ns: int) -> Spans:
    """Return the stretch from each edge that begins one to the device's next edge of any kind."""
    end_ns = np.full(len(device), last_ns, dtype=np.int64)
    if len(device):
        same = device[1:] == device[:-1]
        end_ns[:-1][same] = at_ns[1:][same]
    return Spans(device=device[begins], begin_ns=at_ns[begins], end_ns=np.maximum(end_ns, at_ns)[begins])
