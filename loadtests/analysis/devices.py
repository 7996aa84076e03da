"""Who watched: the population as columns, and when each device lived and was live.

A device's lifetime is from LOGIN to LOGOUT; live is the part of it in which changes flow to it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from loadtests.analysis.segments import expand, find_last
from loadtests.analysis.stamps import Bools, Ints
from loadtests.history.history import History, Rows
from loadtests.history.kinds import NO_ENTITY, NOBODY, Kind
from loadtests.scenario.population import Population

SUBSCRIBER: Final = -1
"""The cohort of the devices that are pushed to; pollers have the index of theirs in the scenario."""


@dataclass(frozen=True)
class Devices:
    """One entry per device; the index is the device's."""

    organization: Ints
    """Its home; only who switches has another one too."""
    other_organization: Ints
    """The organization that its person is a guest in, NOBODY if none."""
    cohort: Ints
    model: Ints
    """Its `DeviceModel`."""
    open_job: Ints
    """Name of the job that the device has open, NO_ENTITY if none."""
    organizations: int

    def __len__(self) -> int:
        return len(self.organization)

    @cached_property
    def _memberships(self) -> tuple[Ints, Ints]:
        """(Organization, device) of everyone's home and of every guest, by organization, members before guests."""
        guests = np.flatnonzero(self.other_organization != NOBODY)
        organization = np.concatenate([self.organization, self.other_organization[guests]])
        device = np.concatenate([np.arange(len(self)), guests])
        order = np.argsort(organization, kind="stable")
        return organization[order], device[order].astype(np.int64)

    @property
    def order(self) -> Ints:
        """Devices by organization; those that are guests somewhere stand in two."""
        return self._memberships[1]

    @cached_property
    def begin(self) -> Ints:
        """Where each organization begins in `order`."""
        return np.searchsorted(self._memberships[0], np.arange(self.organizations)).astype(np.int64)

    @cached_property
    def members(self) -> Ints:
        """How many devices each organization has, guests included."""
        return np.bincount(self._memberships[0], minlength=self.organizations).astype(np.int64)

    @cached_property
    def _places(self) -> tuple[Ints, Ints]:
        """Each device's place among those of its home, and among those where it is a guest (-1: nowhere)."""
        organization, device = self._memberships
        place = np.arange(len(device)) - self.begin[organization]
        home, guest = (np.full(len(self), -1, dtype=np.int64) for _ in range(2))
        is_home = organization == self.organization[device]
        home[device[is_home]] = place[is_home]
        guest[device[~is_home]] = place[~is_home]
        return home, guest

    def place_in(self, organization: Ints, device: Ints) -> Ints:
        """Return each device's place among those of the organization, -1 if it is not one of them."""
        home, guest = self._places
        is_guest = organization == self.other_organization[device]
        elsewhere = np.where(is_guest, guest[device], -1)
        return np.where(organization == self.organization[device], home[device], elsewhere)

    def watching(self, organization: Ints) -> tuple[Ints, Ints]:
        """Return (row, device) for each row's organization times each device in it, guests too, in order of rows."""
        row, position = expand(self.members[organization])
        return row, self.order[self.begin[organization[row]] + position]


def read_devices(population: Population, names: dict[str, int]) -> Devices:
    """Return the population's devices as columns."""
    devices = population.devices
    cohorts = {(each.interval_s, each.conditional): index for index, each in enumerate(population.scenario.pollers)}
    subscribers = len(population.subscribers)
    open_jobs = [
        NO_ENTITY
        if device.open_job is None
        else names.get(population.job_id(device.organization, device.open_job), NO_ENTITY)
        for device in devices
    ]
    return Devices(
        organization=np.array([device.organization for device in devices], dtype=np.int64),
        other_organization=np.array(
            [NOBODY if device.other_organization is None else device.other_organization for device in devices],
            dtype=np.int64,
        ),
        cohort=np.array(
            [SUBSCRIBER] * subscribers
            + [cohorts[device.interval_s, device.is_conditional] for device in population.pollers],
            dtype=np.int64,
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
    """When devices lived and where, when somebody looked, and when they were live."""

    lifetimes: Spans
    """From login to logout, kill or switch."""
    organization: Ints
    """In which organization each lifetime was spent."""
    foreground: Spans
    """Lifetimes without the time in the background."""
    foreground_lifetime: Ints
    """Which lifetime each of these is a part of."""
    live: Spans

    def lifetime_in(self, device: Ints, organization: Ints, at_ns: Ints) -> Ints:
        """Return which lifetime of the device, spent in that organization, holds the stamp; -1 if none does."""
        place = self.lifetimes.at(device, at_ns)
        if len(self.organization):
            place[(place >= 0) & (self.organization[place] != organization)] = -1
        return place

    def live_peak(self) -> int:
        """Return the largest number of devices that were live at the same time."""
        at_ns = np.concatenate([self.live.end_ns, self.live.begin_ns])
        step = np.repeat(np.array([-1, 1], dtype=np.int64), len(self.live.device))
        return int(np.cumsum(step[np.argsort(at_ns, kind="stable")]).max(initial=0))


def read_presence(history: History) -> Presence:
    """Return lifetimes and connections from the edges that the devices recorded."""
    rows = history.of(Kind.LOGIN, Kind.LIVE, Kind.DOWN, Kind.LOGOUT)
    order = np.lexsort((rows["at_ns"], rows["actor"]))
    last_ns = _last_of_killed(history, rows[order])
    device = rows["actor"][order].astype(np.int64)
    at_ns = rows["at_ns"][order].astype(np.int64)
    kind = rows["kind"][order].astype(np.int64)
    lives = np.isin(kind, [int(Kind.LOGIN), int(Kind.LOGOUT)])
    is_login = kind == Kind.LOGIN
    lifetimes = _from_each(device[lives], at_ns[lives], is_login[lives], last_ns)
    foreground, foreground_lifetime = _foreground(history, lifetimes, last_ns)
    # The server may say "subscribed" again while it is: that is no edge.
    repeated = np.zeros(len(kind), dtype=np.bool_)
    repeated[1:] = (kind[1:] == Kind.LIVE) & (kind[:-1] == Kind.LIVE) & (device[1:] == device[:-1])
    return Presence(
        lifetimes=lifetimes,
        organization=rows["value"][order][is_login].astype(np.int64),
        foreground=foreground,
        foreground_lifetime=foreground_lifetime,
        live=_from_each(device[~repeated], at_ns[~repeated], kind[~repeated] == Kind.LIVE, last_ns),
    )


def _last_of_killed(history: History, edges: Rows) -> int:
    """Return where the record ends of devices whose process was killed: logged in last, and never out again.

    Their lives end with the last row of those that share their fate.
    """
    lives = edges[np.isin(edges["kind"], [int(Kind.LOGIN), int(Kind.LOGOUT)])]
    is_last = np.append(lives["actor"][1:] != lives["actor"][:-1], True)[: len(lives)]
    killed = lives["actor"][is_last & (lives["kind"] == Kind.LOGIN)]
    rows = history.of(Kind.SIGNAL, Kind.ANSWERED, Kind.REQUESTED, Kind.LIVE, Kind.LOGIN)
    return int(rows["at_ns"][np.isin(rows["actor"], killed)].max(initial=0)) + 1


def _foreground(history: History, lifetimes: Spans, last_ns: int) -> tuple[Spans, Ints]:
    """Return when somebody looked, from login or return to the next look away or the end, and in which lifetime."""
    rows = history.of(Kind.LOGIN, Kind.FOREGROUND, Kind.BACKGROUND, Kind.LOGOUT)
    rows = rows[np.lexsort((rows["at_ns"], rows["actor"]))]
    device, kind = rows["actor"].astype(np.int64), rows["kind"].astype(np.int64)
    looks = np.isin(kind, [int(Kind.LOGIN), int(Kind.FOREGROUND)])
    # To look again at what one is looking at is no edge.
    again = np.zeros(len(kind), dtype=np.bool_)
    again[1:] = (kind[1:] == Kind.FOREGROUND) & looks[:-1] & (device[1:] == device[:-1])
    spans = _from_each(device[~again], rows["at_ns"].astype(np.int64)[~again], looks[~again], last_ns)
    lifetime = lifetimes.at(spans.device, spans.begin_ns)
    alive = lifetime >= 0
    return (
        Spans(device=spans.device[alive], begin_ns=spans.begin_ns[alive], end_ns=spans.end_ns[alive]),
        lifetime[alive],
    )


def _from_each(device: Ints, at_ns: Ints, begins: Bools, last_ns: int) -> Spans:
    """Return the stretch from each edge that begins one to the device's next edge of any kind."""
    end_ns = np.full(len(device), last_ns, dtype=np.int64)
    if len(device):
        same = device[1:] == device[:-1]
        end_ns[:-1][same] = at_ns[1:][same]
    return Spans(device=device[begins], begin_ns=at_ns[begins], end_ns=np.maximum(end_ns, at_ns)[begins])
