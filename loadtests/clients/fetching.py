"""How a device carries out its refreshes: side by side or one by one, joined, repeated or left out.

A state machine without requests: it says which fetches to start, is told when they are answered, and gives a reason
for each refresh that it leaves out. Why a key is stale is not known here, nor what an answer holds. What is made for
every fetch is a named tuple, at a quarter of the price of a frozen dataclass.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from loadtests.clients.endings import NotFetched
from loadtests.clients.gathering import Keys
from loadtests.clients.requests import Cause, RequestKey

_EVERY_CAUSE: Final = tuple(Cause)


class SingleFlight(IntEnum):
    """What becomes of a key that is asked for while it is being fetched."""

    NONE = 1
    """Fetch it another time at once, side by side."""
    JOIN = 2
    """The answer under way serves, although it may be older than what asked for it: the iOS app's `fetchTask`."""
    AGAIN = 3
    """Fetch it once more when the answer comes, because that may be older than what asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discipline:
    """How one kind of client carries out its refreshes."""

    is_sequential: bool
    """Whether the keys of one flush follow one another. Two flushes run side by side: each is a task of its own."""
    single_flight: SingleFlight = SingleFlight.NONE
    single_flight_causes: tuple[Cause, ...] = _EVERY_CAUSE
    """Refreshes of other causes neither join nor are joined: the iOS app's events pass `fetchTask` by."""
    dedupe_ns: int = 0
    """SWR's `dedupingInterval`: how long after an answer a refresh of a deduped cause finds its key fresh enough."""
    deduped_causes: tuple[Cause, ...] = ()
    """SWR dedupes what it revalidates by itself (mount, focus, reconnect) and never a `mutate`, which deletes the mark
    of the fetch before (SWR 2: `revalidate` in use-swr.ts, `startRevalidate` in mutate.ts)."""


class Wanted(NamedTuple):
    """What is to be refreshed at one moment, and why."""

    cause: Cause
    batch: int
    """The flush that it belongs to; 0: none."""
    keys: Keys
    wanted_ns: int


class Fetch(NamedTuple):
    """One refresh that is to be requested now."""

    number: int
    """Unique for the device."""
    cause: Cause
    batch: int
    key: RequestKey
    wanted_ns: int
    rest: Keys = ()
    """What follows when this is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """One refresh that is not fetched."""

    key: RequestKey
    cause: Cause
    batch: int
    why: NotFetched


class Decision(NamedTuple):
    """What to do now."""

    start: tuple[Fetch, ...] = ()
    skipped: tuple[Skipped, ...] = ()


_NOTHING: Final = Decision()


@dataclass(frozen=True, slots=True)
class _Mark:
    """SWR's mark of the latest fetch of a key: since its start, and until a while after its answer."""

    number: int
    until_ns: int | None
    """None while it is under way."""


class FetchDesk:
    """One device's fetches; it holds no container while nothing is under way and nothing has to be remembered.

    Each key that is wanted is started, now or after others, or is named as skipped: by `want`, `answered` or `forget`.
    A key that is skipped counts as done at once: what follows it in its flush does not wait.
    """

    __slots__ = ("_again", "_discipline", "_marks", "_number", "_under_way")

    def __init__(self, discipline: Discipline) -> None:
        self._discipline = discipline
        self._number = 0
        self._under_way: dict[int, Fetch] | None = None
        self._again: dict[RequestKey, Fetch | None] | None = None
        """Single flight: each key that is being fetched, and what is to be fetched when it is answered."""
        self._marks: dict[RequestKey, _Mark] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, so that nothing waits either."""
        return self._under_way is None

    def is_under_way(self, fetch: Fetch) -> bool:
        """Return whether a fetch was started and neither answered nor forgotten."""
        return self._under_way is not None and fetch.number in self._under_way

    def want(self, wanted: Wanted, now_ns: int) -> Decision:
        """Return which fetches to start at once; the others are skipped, or come with later answers."""
        turn = _Turn(now_ns)
        if self._discipline.is_sequential:
            self._go_on(wanted, turn)
        else:
            for key in wanted.keys:
                self._ask(key, (), wanted, turn)
        return turn.decision

    def answered(self, fetch: Fetch, now_ns: int, *, is_ok: bool = True) -> Decision:
        """Hear that a fetch has ended, well or not; return what comes next. What was forgotten means nothing."""
        under_way = self._under_way
        if under_way is None or under_way.pop(fetch.number, None) is None:
            return _NOTHING
        if not under_way:
            self._under_way = None
        self._remember(fetch, now_ns, is_ok=is_ok)
        waited = self._what_waited_for(fetch)
        if waited is None and not fetch.rest:
            return _NOTHING
        turn = _Turn(now_ns)
        if waited is not None:
            self._start(waited, turn)
        if fetch.rest:
            following = Wanted(cause=fetch.cause, batch=fetch.batch, keys=fetch.rest, wanted_ns=fetch.wanted_ns)
            self._go_on(following, turn)
        return turn.decision

    def forget(self) -> tuple[Skipped, ...]:
        """Return what was still to be fetched: the device ends. Answers that still come mean nothing any more."""
        waiting = [fetch for fetch in (self._again or {}).values() if fetch is not None]
        skipped = [_skip(key, fetch, NotFetched.ENDED) for fetch in waiting for key in (fetch.key, *fetch.rest)]
        under_way = self._under_way or {}
        skipped.extend(_skip(key, fetch, NotFetched.ENDED) for fetch in under_way.values() for key in fetch.rest)
        self._under_way = self._again = self._marks = None
        return tuple(skipped)

    # ---- inside

    def _go_on(self, wanted: Wanted, turn: "_Turn") -> None:
        """Begin with the first key that is not skipped; the rest waits for its answer."""
        for position, key in enumerate(wanted.keys):
            if self._ask(key, wanted.keys[position + 1 :], wanted, turn):
                return

    def _ask(self, key: RequestKey, rest: Keys, wanted: Wanted, turn: "_Turn") -> bool:
        """Start a fetch, let it wait for the one under way, or skip it; return whether it was not skipped."""
        discipline = self._discipline
        why = self._reason_to_skip(key, wanted, turn)
        if why is not None:
            turn.skipped.append(_skip(key, wanted, why))
            return False
        self._number += 1
        fetch = Fetch(self._number, wanted.cause, wanted.batch, key, wanted.wanted_ns, rest)
        if (
            discipline.single_flight is SingleFlight.AGAIN
            and wanted.cause in discipline.single_flight_causes
            and self._again is not None
            and key in self._again
        ):
            self._again[key] = fetch
        else:
            self._start(fetch, turn)
        return True

    def _reason_to_skip(self, key: RequestKey, wanted: Wanted, turn: "_Turn") -> NotFetched | None:
        discipline = self._discipline
        if self._marks is not None and wanted.cause in discipline.deduped_causes:
            mark = self._marks.get(key)
            if mark is not None and mark.until_ns is None:
                return NotFetched.IN_FLIGHT
            if mark is not None and mark.until_ns is not None and turn.now_ns < mark.until_ns:
                return NotFetched.DEDUPED
        if self._again is None or key not in self._again or wanted.cause not in discipline.single_flight_causes:
            return None
        serves = (
            discipline.single_flight is SingleFlight.JOIN
            or self._again[key] is not None
            # Not even written yet, so its answer cannot be older than what asks now.
            or any(fetch.key == key for fetch in turn.start)
        )
        return NotFetched.IN_FLIGHT if serves else None

    def _start(self, fetch: Fetch, turn: "_Turn") -> None:
        if self._under_way is None:
            self._under_way = {}
        self._under_way[fetch.number] = fetch
        discipline = self._discipline
        if discipline.single_flight is not SingleFlight.NONE and fetch.cause in discipline.single_flight_causes:
            if self._again is None:
                self._again = {}
            self._again[fetch.key] = None
        if discipline.dedupe_ns:
            if self._marks is None:
                self._marks = {}
            self._marks[fetch.key] = _Mark(fetch.number, None)
        turn.start.append(fetch)

    def _what_waited_for(self, fetch: Fetch) -> Fetch | None:
        """Return what is to be fetched now that this is answered."""
        again = self._again
        if again is None or fetch.cause not in self._discipline.single_flight_causes:
            return None
        waited = again.pop(fetch.key)
        if not again:
            self._again = None
        return waited

    def _remember(self, fetch: Fetch, now_ns: int, *, is_ok: bool) -> None:
        marks = self._marks
        if marks is None:
            return
        latest = marks.get(fetch.key)
        if latest is not None and latest.number == fetch.number:
            # What failed is not fresh; SWR deletes its mark at once.
            marks[fetch.key] = _Mark(fetch.number, now_ns + (self._discipline.dedupe_ns if is_ok else 0))
        lapsed = [key for key, mark in marks.items() if mark.until_ns is not None and mark.until_ns <= now_ns]
        for key in lapsed:
            del marks[key]
        if not marks:
            self._marks = None


class _Turn:
    """A decision in the making."""

    __slots__ = ("now_ns", "skipped", "start")

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self.start: list[Fetch] = []
        self.skipped: list[Skipped] = []

    @property
    def decision(self) -> Decision:
        return Decision(tuple(self.start), tuple(self.skipped))


def _skip(key: RequestKey, asked: Wanted | Fetch, why: NotFetched) -> Skipped:
    return Skipped(key=key, cause=asked.cause, batch=asked.batch, why=why)
