"""What each subscriber of a run was told and did, as something that can be lived again under another refresh policy.

A trace holds what no refresh policy decides: the signals while somebody looked, with the keys that they make stale by
the device's own client model; when they looked away; and what was fetched for other reasons than a signal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import starts
from loadtests.analysis.stamps import Ints
from loadtests.clients.gathering import Keys
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.clients.roles import guest_screen, home_screen
from loadtests.clients.signals import Signal, Subject
from loadtests.history.kinds import NO_ENTITY
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.wire.event_types import EventType


class Arrival(NamedTuple):
    """A signal, while somebody looks."""

    at_ns: int
    signal: Signal
    keys: Keys


class Fetching(NamedTuple):
    """Something was to be fetched, and not because of a signal."""

    at_ns: int
    cause: Cause
    key: RequestKey


class LookAway(NamedTuple):
    """Nobody looks from here on."""

    at_ns: int


Step = Arrival | Fetching | LookAway


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One lifetime of a subscriber."""

    lifetime: int
    """Its index in `Presence.lifetimes`."""
    device: int
    model: DeviceModel
    steps: tuple[Step, ...]
    """In their order."""
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry per signal that came while somebody looked and key that it makes stale, by signal."""

    lifetime: Ints
    key: Ints
    """Its number in `Traces.keys`."""
    received_ns: Ints
    signal: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """All subscribers of a run."""

    each: tuple[Trace, ...]
    wanted: Wanted
    keys: Mapping[RequestKey, int]
    """A number for each request key."""
    key_of_name: Ints
    """The same for each name of the history; -1 for what names no key that a subscriber fetched."""
    arrivals: int
    nameless: int
    """Signals that did not tell what they were about: live they asked for nothing, and do so again."""

    @property
    def devices(self) -> int:
        """How many subscribers there are."""
        return len({trace.device for trace in self.each})


_SUBJECTS: Final = {
    **{each: Subject.JOB for each in EventType if each.wire_name.startswith("job.")},
    **{each: Subject.EVIDENCE for each in EventType if each.wire_name.startswith("evidence.")},
    EventType.AUDIT_APPENDED: Subject.AUDIT,
}


def read_traces(run: Reconstruction, models: Mapping[int, ClientModel], names: tuple[str, ...]) -> Traces:
    """Return the traces of all subscribers; `names` are the history's."""
    reader = _Reader(run, models, names)
    lifetimes = run.presence.lifetimes
    each = tuple(
        reader.trace(lifetime)
        for lifetime in range(len(lifetimes.device))
        if run.devices.cohort[lifetimes.device[lifetime]] == SUBSCRIBER
    )
    return Traces(
        each=each,
        wanted=reader.wanted,
        keys=reader.keys,
        key_of_name=reader.key_of_name(),
        arrivals=sum(isinstance(step, Arrival) for trace in each for step in trace.steps),
        nameless=int((run.signals.name == NO_ENTITY).sum()),
    )


class _Reader:
    """Reads lifetimes one by one, and collects what all of them wanted."""

    def __init__(self, run: Reconstruction, models: Mapping[int, ClientModel], names: tuple[str, ...]) -> None:
        self._run = run
        self._models = models
        self._names = names
        signals, requests, presence = run.signals, run.screens.requests, run.presence
        look = presence.foreground.at(signals.device, signals.received_ns)
        self._signals = _by_group(
            np.where(look >= 0, presence.foreground_lifetime[look], -1) if (look >= 0).any() else look
        )
        others = np.flatnonzero(requests.cause != Cause.FLUSH)
        lifetime = presence.lifetimes.at(requests.device[others], requests.wanted_ns[others])
        self._others = {number: others[rows] for number, rows in _by_group(lifetime).items()}
        self._looks = _by_group(presence.foreground_lifetime)
        self._understood: dict[tuple[int, int], Signal] = {}
        self._request_keys: dict[int, RequestKey] = {}
        self.keys: dict[RequestKey, int] = {}
        self._rows: list[tuple[int, int, int, int]] = []

    @property
    def wanted(self) -> Wanted:
        """What the signals of all lifetimes so far asked for."""
        table = np.array(self._rows, dtype=np.int64).reshape(-1, 4)
        return Wanted(lifetime=table[:, 0], key=table[:, 1], received_ns=table[:, 2], signal=table[:, 3])

    def key_of_name(self) -> Ints:
        """Return the number of each key that a subscriber fetched, by its name."""
        requests = self._run.screens.requests
        of_subscribers = self._run.devices.cohort[requests.device] == SUBSCRIBER
        numbers = np.full(len(self._names), -1, dtype=np.int64)
        for name, row in zip(*np.unique(requests.key[of_subscribers], return_index=True), strict=True):
            kind = int(requests.kind[of_subscribers][row])
            numbers[name] = self.keys.setdefault(self._request_key(int(name), kind), len(self.keys))
        return numbers

    def trace(self, lifetime: int) -> Trace:
        """Return one lifetime."""
        lifetimes = self._run.presence.lifetimes
        device = int(lifetimes.device[lifetime])
        end_ns = int(lifetimes.end_ns[lifetime])
        steps = [*self._arrivals(lifetime, device), *self._fetchings(lifetime)]
        foreground = self._run.presence.foreground.end_ns
        steps += [LookAway(int(foreground[look])) for look in self._looks.get(lifetime, ())]
        steps.sort(key=lambda step: step.at_ns)
        model = DeviceModel(int(self._run.devices.model[device]))
        return Trace(lifetime=lifetime, device=device, model=model, steps=tuple(steps), end_ns=end_ns)

    def _arrivals(self, lifetime: int, device: int) -> Iterator[Step]:
        model = self._models[int(self._run.devices.model[device])]
        screen = self._screen(lifetime, device, model)
        received_ns = self._run.signals.received_ns
        for row in self._signals.get(lifetime, ()):
            signal, at_ns = self._signal(int(row)), int(received_ns[row])
            keys = model.affected(signal, screen)
            self._rows += [(lifetime, self.keys.setdefault(key, len(self.keys)), at_ns, int(row)) for key in keys]
            yield Arrival(at_ns, signal, keys)

    def _screen(self, lifetime: int, device: int, model: ClientModel) -> Screen:
        role = self._run.population.devices[device]
        organization = int(self._run.presence.organization[lifetime])
        if organization == role.organization:
            return home_screen(role, model, self._run.population)
        return guest_screen(organization, model, self._run.population)

    def _signal(self, row: int) -> Signal:
        """Return what a device understood of a signal, the same for all that received the event."""
        signals, events = self._run.signals, self._run.events
        named, of_type = int(signals.name[row]), int(signals.type[row])
        known = self._understood.get((named, of_type))
        if known is None:
            subject = _SUBJECTS.get(EventType(of_type), Subject.OTHER)
            event = int(signals.event[row])
            job = int(events.job[event]) if event >= 0 and subject is Subject.JOB else NO_ENTITY
            entity_id = None if job == NO_ENTITY else self._names[job]
            known = self._understood[named, of_type] = Signal(
                subject=subject,
                is_upload=of_type == EventType.EVIDENCE_UPLOADED,
                # What is no job is new with its event: a document, an entry of the audit feed.
                entity=f"job:{entity_id}" if entity_id is not None else f"event:{named}",
                entity_id=entity_id,
            )
        return known

    def _fetchings(self, lifetime: int) -> Iterator[Step]:
        requests = self._run.screens.requests
        for row in self._others.get(lifetime, ()):
            key = self._request_key(int(requests.key[row]), int(requests.kind[row]))
            yield Fetching(int(requests.wanted_ns[row]), Cause(int(requests.cause[row])), key)

    def _request_key(self, number: int, kind: int) -> RequestKey:
        key = self._request_keys.get(number)
        if key is None:
            key = self._request_keys[number] = RequestKey(KeyKind(kind), self._names[number])
            self.keys.setdefault(key, len(self.keys))
        return key


def _by_group(groups: Ints) -> dict[int, Ints]:
    """Return the entries of each group, in their order; those of no group (-1) are left out."""
    order = np.argsort(groups, kind="stable")
    order = order[groups[order] >= 0]
    begin = starts(groups[order])
    return {int(groups[rows[0]]): rows for rows in np.split(order, begin[1:]) if len(rows)}
