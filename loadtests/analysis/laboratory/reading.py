"""From a reconstructed run to its traces: what each signal meant to the device that received it.

Members of one organization see the same events, and many have the same screen. So what an event is about is worked out
once for each event, and what it makes stale once for each event and screen.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.arrivals import Arrivals, bit
from loadtests.analysis.laboratory.traces import Fetching, Traces
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import starts
from loadtests.analysis.stamps import Ints
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.clients.roles import guest_screen, home_screen
from loadtests.clients.signals import Signal, Subject
from loadtests.history.kinds import NO_ENTITY
from loadtests.wire.event_types import EventType

_SUBJECTS: Final = {
    **{each: Subject.JOB for each in EventType if each.wire_name.startswith("job.")},
    **{each: Subject.EVIDENCE for each in EventType if each.wire_name.startswith("evidence.")},
    EventType.AUDIT_APPENDED: Subject.AUDIT,
}
_Group = tuple[int, Screen]
"""A client model and what is open on it: the same events mean the same to all of them."""


def read_traces(run: Reconstruction, models: Mapping[int, ClientModel], names: tuple[str, ...]) -> Traces:
    """Return the traces of all subscribers; `names` are the history's."""
    return _Reader(run, models, names).traces()


class _Reader:
    """Reads the columns of all lifetimes, the lifetimes ordered by client model."""

    def __init__(self, run: Reconstruction, models: Mapping[int, ClientModel], names: tuple[str, ...]) -> None:
        self._run = run
        self._models = models
        self._names = names
        self._keys: dict[RequestKey, int] = {}
        device = run.presence.lifetimes.device
        own = np.flatnonzero(run.devices.cohort[device] == SUBSCRIBER)
        self._lifetime = own[np.argsort(run.devices.model[device[own]], kind="stable")]
        self._device = device[self._lifetime]
        self._model = run.devices.model[self._device]

    def traces(self) -> Traces:
        run = self._run
        fetchings = self._fetchings()
        arrivals, meanings = self._arrivals()
        looks = _by_group(run.presence.foreground_lifetime)
        return Traces(
            arrivals=arrivals,
            device=self._device,
            meanings=meanings,
            keys=self._keys,
            key_of_name=self._key_of_name(),
            fetchings=fetchings,
            looks_away_ns={
                lifetime: tuple(run.presence.foreground.end_ns[rows].tolist()) for lifetime, rows in looks.items()
            },
            nameless=int((run.signals.name == NO_ENTITY).sum()),
        )

    def _arrivals(self) -> tuple[Arrivals, tuple[Signal, ...]]:
        run = self._run
        signals, presence = run.signals, run.presence
        look = presence.foreground.at(signals.device, signals.received_ns)
        row = np.flatnonzero(look >= 0)
        place_of = np.full(len(presence.lifetimes.device), -1, dtype=np.int64)
        place_of[self._lifetime] = np.arange(len(self._lifetime))
        place = place_of[presence.foreground_lifetime[look[row]]]
        row, place = row[place >= 0], place[place >= 0]
        order = np.lexsort((signals.received_ns[row], place))
        row, place = row[order], place[order]
        named, meaning = np.unique(signals.name[row], return_inverse=True)
        first = np.zeros(len(named), dtype=np.int64)
        first[meaning] = row
        meanings = tuple(self._understood(each) for each in first.tolist())
        entities = {name: number for number, name in enumerate(dict.fromkeys(each.entity for each in meanings))}
        mask, key_of = self._asked(place, meaning, meanings)
        return Arrivals(
            lifetime=self._lifetime,
            end_ns=presence.lifetimes.end_ns[self._lifetime],
            model=self._model,
            key_of=key_of,
            begin=np.searchsorted(place, np.arange(len(self._lifetime) + 1)).astype(np.int64),
            at_ns=signals.received_ns[row],
            mask=mask,
            meaning=meaning.astype(np.int32),
            look=look[row].astype(np.int32),
            signal=row,
            entity=np.array([entities[each.entity] for each in meanings], dtype=np.int64),
            look_end_ns=presence.foreground.end_ns,
        ), meanings

    def _asked(self, place: Ints, meaning: Ints, meanings: tuple[Signal, ...]) -> tuple[np.ndarray, Ints]:
        """Return the mask of each arrival, and the key of each kind that each lifetime asks for."""
        numbers: dict[_Group, int] = {}
        group = np.array(
            [
                numbers.setdefault((int(self._model[each]), self._screen(each)), len(numbers))
                for each in range(len(self._lifetime))
            ],
            dtype=np.int64,
        )
        pair, which = np.unique(group[place] * max(len(meanings), 1) + meaning, return_inverse=True)
        groups = tuple(numbers)
        key_of_group = np.full((len(groups), len(KeyKind)), -1, dtype=np.int64)
        masks = np.zeros(len(pair), dtype=np.uint8)
        for number, each in enumerate(pair.tolist()):
            whose, what = divmod(each, len(meanings))
            model, screen = groups[whose]
            for key in self._models[model].affected(meanings[what], screen):
                masks[number] |= bit(key.kind)
                key_of_group[whose, key.kind - 1] = self._keys.setdefault(key, len(self._keys))
        return masks[which], key_of_group[group]

    def _screen(self, place: int) -> Screen:
        device, model = int(self._device[place]), self._models[int(self._model[place])]
        role = self._run.population.devices[device]
        organization = int(self._run.presence.organization[self._lifetime[place]])
        if organization == role.organization:
            return home_screen(role, model, self._run.population)
        return guest_screen(organization, model, self._run.population)

    def _understood(self, row: int) -> Signal:
        """Return what a device understood of a signal, the same for all that received the event."""
        signals, events = self._run.signals, self._run.events
        named, of_type = int(signals.name[row]), int(signals.type[row])
        subject = _SUBJECTS.get(EventType(of_type), Subject.OTHER)
        event = int(signals.event[row])
        job = int(events.job[event]) if event >= 0 and subject is Subject.JOB else NO_ENTITY
        entity_id = None if job == NO_ENTITY else self._names[job]
        return Signal(
            subject=subject,
            is_upload=of_type == EventType.EVIDENCE_UPLOADED,
            # What is no job is new with its event: a document, an entry of the audit feed.
            entity=f"job:{entity_id}" if entity_id is not None else f"event:{named}",
            entity_id=entity_id,
        )

    def _fetchings(self) -> dict[int, tuple[Fetching, ...]]:
        requests = self._run.screens.requests
        is_own = self._run.devices.cohort[requests.device] == SUBSCRIBER
        others = np.flatnonzero((requests.cause != Cause.FLUSH) & is_own)
        others = others[np.argsort(requests.wanted_ns[others], kind="stable")]
        lifetime = self._run.presence.lifetimes.at(requests.device[others], requests.wanted_ns[others])
        return {
            number: tuple(self._fetching(row) for row in others[rows].tolist())
            for number, rows in _by_group(lifetime).items()
        }

    def _fetching(self, row: int) -> Fetching:
        requests = self._run.screens.requests
        key = RequestKey(KeyKind(int(requests.kind[row])), self._names[int(requests.key[row])])
        self._keys.setdefault(key, len(self._keys))
        return Fetching(int(requests.wanted_ns[row]), Cause(int(requests.cause[row])), key)

    def _key_of_name(self) -> Ints:
        """Return the number of each key that a subscriber fetched, by its name."""
        requests = self._run.screens.requests
        of_subscribers = self._run.devices.cohort[requests.device] == SUBSCRIBER
        numbers = np.full(len(self._names), -1, dtype=np.int64)
        for name, row in zip(*np.unique(requests.key[of_subscribers], return_index=True), strict=True):
            key = RequestKey(KeyKind(int(requests.kind[of_subscribers][row])), self._names[int(name)])
            numbers[name] = self._keys.setdefault(key, len(self._keys))
        return numbers


def _by_group(groups: Ints) -> dict[int, Ints]:
    """Return the entries of each group, in their order; those of no group (-1) are left out."""
    order = np.argsort(groups, kind="stable")
    order = order[groups[order] >= 0]
    begin = starts(groups[order])
    return {int(groups[rows[0]]): rows for rows in np.split(order, begin[1:]) if len(rows)}
