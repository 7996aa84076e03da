"""Beyond its limit an organization gets one event of each key and minute: the first at once, the last kept.

The first event of a key in a minute passes. What follows it in that minute is merged: only the newest is held,
and it is due when the next minute begins, as that minute's event of the key. So a burst costs one event per key
and minute, and the last change is always announced, at most a minute late. An event that stands for others says for
how many: they are the latest earlier ones of its key that are no rows.

Pure: times are passed in. Knows neither the database nor what an event means.
"""

from dataclasses import dataclass

from loadtests.pipeline.api.events import RealtimeEvent

MINUTE_NS = 60 * 10**9


def dedupe_key(event: RealtimeEvent, minute: int) -> str:
    """Return what events that can stand for one another share: type, entity and minute of wall time."""
    return f"{event.event_type}:{event.entity_id or 'all'}:{minute}"


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event to store now, with its label, or the key under which it stands for others."""

    event: RealtimeEvent
    dedupe_key: str | None
    stands_for: int = 0
    """Earlier events of its key that are not stored because this one is."""


_Key = tuple[str, str, str | None]


@dataclass(slots=True)
class _Held:
    event: RealtimeEvent
    since_minute: int
    stands_for: int = 0


class Coalescing:
    """Remembers which keys passed in the running minute, and the newest event held for each."""

    def __init__(self) -> None:
        self.merged = 0
        """Events that a newer one stands for."""
        self._minute = -1
        self._passed: set[_Key] = set()
        self._held: dict[_Key, _Held] = {}

    def __len__(self) -> int:
        """The number of events held for the next minute."""
        return len(self._held)

    def offer(self, event: RealtimeEvent, wall_ns: int) -> DueEvent | None:
        """Return the event to store now, or None when it is held."""
        self._advance(wall_ns)
        key = _key(event)
        if key in self._held:
            self.merged += 1
            self._held[key].event = event
            self._held[key].stands_for += 1
            return None
        if key in self._passed:
            self._held[key] = _Held(event, self._minute)
            return None
        return self._pass(event)

    def supersede(self, event: RealtimeEvent) -> int:
        """Forget what is held for the key of an event that is stored unasked; return how many it now stands for."""
        held = self._held.pop(_key(event), None)
        if held is None:
            return 0
        self.merged += 1
        return held.stands_for + 1

    def due(self, wall_ns: int) -> list[DueEvent]:
        """Return the held events whose minute has come, in the order of their keys' first being held."""
        self._advance(wall_ns)
        return self._release()

    def rest(self) -> list[DueEvent]:
        """Return all that is held, as events of the minute after the running one: the process ends."""
        self._begin(self._minute + 1)
        return self._release()

    def _release(self) -> list[DueEvent]:
        come = [key for key, held in self._held.items() if held.since_minute < self._minute]
        released = [self._held.pop(key) for key in come]
        return [self._pass(held.event, held.stands_for) for held in released]

    def _advance(self, wall_ns: int) -> None:
        # Never backwards: a clock that is set back would let a key pass twice in one minute.
        if wall_ns // MINUTE_NS > self._minute:
            self._begin(wall_ns // MINUTE_NS)

    def _begin(self, minute: int) -> None:
        self._minute = minute
        self._passed.clear()

    def _pass(self, event: RealtimeEvent, stands_for: int = 0) -> DueEvent:
        self._passed.add(_key(event))
        return DueEvent(event, dedupe_key(event, self._minute), stands_for)


def _key(event: RealtimeEvent) -> _Key:
    return event.organization_id, event.event_type, event.entity_id
