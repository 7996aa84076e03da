"""What arrives, decoded once: frames to devices of one organization are the same bytes.

A frame's bytes are the key of a bounded cache; the first sight of an event is recorded with its organization.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic_ns
from typing import Final

from loadtests.clients.signals import Signal, Subject
from loadtests.history.kinds import NO_ENTITY, NOBODY, Kind, SignalFlag
from loadtests.history.ledger import Ledger
from loadtests.wire.changes import Change, decode_change
from loadtests.wire.event_types import EVENT_TYPES, EventType

_FRAMES_MAX: Final = 2048
"""Frames that may be on their way to devices at the same time; an event costs one more decoding beyond that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One event as it arrives: what its devices understand, and what the ledger says of each receipt."""

    signal: Signal
    topic: str
    """The channel's."""
    entity: int
    """The event's name in the ledger."""
    size: int
    """Bytes of the frame's text."""
    flags: int
    """`SignalFlag` without what depends on the device."""


class Arrivals:
    """The frames seen lately."""

    def __init__(
        self, ledger: Ledger, organizations: Mapping[str, int], mutation_index: Callable[[str], int | None]
    ) -> None:
        """Take the index of each organization of this run by its id, and what tells a mutation by its request id."""
        self._ledger = ledger
        self._organizations = organizations
        self._mutation_index = mutation_index
        self._named: dict[int, str | None] = {}
        """Events, each with its organization: where every one counts by itself, two have the same number. The ledger's
        names do not tell: where ids are numbers, a job may have the name of an event."""
        self.known: dict[bytes, Arrival] = {}
        """Read directly by the hot path; only `decode` adds to it."""

    def decode(self, frame: bytes) -> Arrival | None:
        """Return what a frame that is not known yet brings; None when it is no change.

        Raises:
            MalformedFrame: the frame is no message at all.

        """
        change = decode_change(frame)
        if change is None:
            return None
        if len(self.known) >= _FRAMES_MAX:
            del self.known[next(iter(self.known))]
        arrival = self.known[frame] = Arrival(
            signal=understand(change),
            topic=change.topic,
            entity=self._name(change),
            size=len(frame),
            flags=SignalFlag.ERRORS if change.errors else 0,
        )
        return arrival

    def _name(self, change: Change) -> int:
        """Return the event's name; rows with the error 400 or 401 do not tell which event they are."""
        if change.event_id is None:
            return NO_ENTITY
        entity = self._ledger.name(change.event_id)
        organization = change.organization_id
        if entity not in self._named or organization not in (None, self._named[entity]):
            self._named[entity] = organization
            mutation = self._mutation_index(change.request_id) if change.request_id else None
            self._ledger.record(
                Kind.EVENT_NAMED,
                monotonic_ns(),
                entity=entity,
                value=change.commit_timestamp_ns or 0,
                due_ns=0 if mutation is None else mutation + 1,
                revision=self._organizations.get(organization or "", NOBODY),
                flag=EVENT_TYPES.get(change.event_type or "", EventType.OTHER),
            )
            if change.request_id is None and change.job_id is not None:
                job = self._ledger.name(change.job_id)
                self._ledger.record(Kind.EVENT_ABOUT, monotonic_ns(), entity=entity, value=job)
        return entity


def understand(change: Change) -> Signal:
    """Return what a client makes of a change: the part before the dot names the subject."""
    event_type = change.event_type or ""
    return Signal(
        subject=_SUBJECTS.get(event_type.partition(".")[0], Subject.OTHER),
        is_upload=event_type == EventType.EVIDENCE_UPLOADED.wire_name,
        entity=f"{change.entity_type}:{change.entity_id}",
        entity_id=change.entity_id,
    )


_SUBJECTS: Final = {"job": Subject.JOB, "evidence": Subject.EVIDENCE, "audit": Subject.AUDIT}
