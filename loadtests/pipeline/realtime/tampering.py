"""The seam at which faults get at the change messages; asked only while there is a fault.

Makes of a batch's lines and members the single messages that faults decide about, and bytes of what they leave.
"""

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from loadtests.pipeline.faults.desk import End, Later, Running, in_loop
from loadtests.pipeline.faults.frames import Act, Surroundings, begin_frame_fault
from loadtests.pipeline.faults.kinds import Deaf, Degraded, Delay, Discard, Drop, Duplicate, FrameFault, Reorder
from loadtests.pipeline.realtime.audiences import Audience, Audiences, Listener
from loadtests.pipeline.realtime.frames import Frames, Line
from loadtests.pipeline.realtime.pgoutput import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFrame:
    """One change message for one channel."""

    line: Line
    audience: Audience
    receiver: Listener
    audiences: Audiences
    frames: Frames
    """Those of the batch: what is equal is built once."""

    @property
    def event(self) -> str:
        """The row's id; empty if the table has none."""
        return _text(self.line.row, "id")

    @property
    def job(self) -> str:
        """The job that the row is about, as its payload or its entity says; empty if neither does."""
        return _payload(self.line.row).get("job_id") or _text(self.line.row, "entity_id")

    @property
    def channel(self) -> str:
        """The subject of the channel's token."""
        return self.audience.key.claims.subject

    def to_bytes(self) -> bytes:
        """Return the finished WebSocket frame."""
        key = self.audience.key
        return self.frames.frame(self.line, vsn=key.vsn, topic=key.topic, is_legacy=key.is_legacy)

    def degraded(self, error: int) -> "ChangeFrame":
        """Return the message with an error in place of the row (401) or of its large values (413)."""
        line = self.line._replace(shown=None) if error == 401 else self.line._replace(is_too_large=True)
        return dataclasses.replace(self, line=line)

    def phantom(self, random: Random) -> "ChangeFrame":
        """Return the message with ids, the event's and the request's, that nobody ever stored."""
        event, request = (str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(2))
        payload = {**_payload(self.line.row), "request_id": request}
        values = {"id": event.encode(), "payload": orjson.dumps(payload)}
        return dataclasses.replace(self, line=self.line._replace(row=_with(self.line.row, values)))

    def leaked(self, random: Random) -> "ChangeFrame | None":
        """Return the message for a channel that listens to the same table for another organization."""
        organization = _text(self.line.row, "organization_id")
        table = self.line.table.name
        strangers = [
            audience
            for audience in self.audiences.listening(table)
            if all(
                binding.indexed not in (None, ("organization_id", organization))
                for binding in audience.key.bindings
                if binding.table == table
            )
        ]
        if not strangers:
            return None
        audience = random.choice(strangers)
        ids = next(binding.id for binding in audience.key.bindings if binding.table == table)
        return dataclasses.replace(
            self,
            line=self.line._replace(ids=(ids,)),
            audience=audience,
            receiver=random.choice(audience.members()),
        )


_ORDER: tuple[type[FrameFault], ...] = (Discard, Deaf, Drop, Degraded, Duplicate)
"""What is withheld is nothing else's victim; what is sent is altered first and then doubled. Others come after these,
and last of all what holds messages back."""
_HOLDING = (Delay, Reorder)


def _rank(fault: FrameFault) -> int:
    if isinstance(fault, _HOLDING):
        return len(_ORDER) + 1
    return next((rank for rank, kind in enumerate(_ORDER) if isinstance(fault, kind)), len(_ORDER))


class Tampering:
    """The frame faults in force."""

    def __init__(self, audiences: Audiences, later: Later = in_loop) -> None:
        self._audiences = audiences
        self._acts: dict[tuple[int, int], Act] = {}
        """By rank and number, in this order."""
        self._discarding = 0
        self._surroundings = Surroundings(later=later, send=_send)

    def __bool__(self) -> bool:
        return bool(self._acts)

    def begin(self, fault: FrameFault, running: Running) -> End:
        """Put a fault in force; return what undoes it."""
        act, release = begin_frame_fault(fault, running, self._surroundings)
        place = (_rank(fault), running.number)
        self._acts = dict(sorted({**self._acts, place: act}.items()))
        is_discard = isinstance(fault, Discard)
        self._discarding += is_discard

        def end() -> None:
            self._discarding -= is_discard
            del self._acts[place]
            release()

        return end

    @property
    def discards_all(self) -> bool:
        """Whether every change is discarded."""
        return self._discarding > 0

    def deliver(self, frames: Frames, audience: Audience, lines: Iterable[Line], member: Listener) -> None:
        """Write what the faults leave of an audience's messages to one of its members, in their order."""
        for line in lines:
            whole = ChangeFrame(line=line, audience=audience, receiver=member, audiences=self._audiences, frames=frames)
            for frame in self._tampered(whole):
                _send(frame)

    def _tampered(self, frame: ChangeFrame) -> Sequence[ChangeFrame]:
        """Return what to send: what one fault leaves is the next one's, and what one adds is nobody's victim."""
        left, added = [frame], list[ChangeFrame]()
        for act in tuple(self._acts.values()):
            offered, left = left, []
            for one in offered:
                for sent in act(one):
                    is_same = sent.event == one.event and sent.receiver is one.receiver
                    (left if is_same else added).append(sent)
        return (*left, *added)


def _send(frame: ChangeFrame) -> None:
    frame.receiver.deliver(frame.to_bytes(), 1)


def _text(row: Row, column: str) -> str:
    values = row.new or row.old or ()
    for described, value in zip(row.relation.columns, values, strict=True):
        if described.name == column and isinstance(value, bytes):
            return value.decode()
    return ""


def _payload(row: Row) -> Mapping[str, Any]:
    text = _text(row, "payload")
    payload = orjson.loads(text) if text else None
    return payload if isinstance(payload, dict) else {}


def _with(row: Row, values: Mapping[str, bytes]) -> Row:
    new = tuple(
        values.get(column.name, value) for column, value in zip(row.relation.columns, row.new or (), strict=True)
    )
    return dataclasses.replace(row, new=new)
