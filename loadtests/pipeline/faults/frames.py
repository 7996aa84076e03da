"""What faults do to the change messages on their way to the sockets: left out, doubled, late, wrong.

Pure decisions about one message for one subscriber at a time; how a message becomes bytes, who else is there and
how to wait are passed in. Knows nothing of sockets.
"""

from collections.abc import Callable, Hashable, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

from loadtests.pipeline.faults.choice import Choice
from loadtests.pipeline.faults.desk import End, Later, Running, Timer
from loadtests.pipeline.faults.kinds import (
    Deaf,
    Degraded,
    Delay,
    Discard,
    Drop,
    Duplicate,
    FrameFault,
    Leak,
    Phantom,
    Reorder,
)


class Frame(Protocol):
    """A change message on its way to one subscriber, whose socket is `receiver`."""

    @property
    def receiver(self) -> Hashable:
        """Whom it goes to."""

    @property
    def event(self) -> str:
        """The row's id."""

    @property
    def job(self) -> str:
        """The job that the row is about; empty if none."""

    @property
    def channel(self) -> str:
        """The subscriber's user id."""

    def degraded(self, error: int) -> "Frame":
        """Return the message as it is when the row cannot be shown."""

    def phantom(self, random: Random) -> "Frame":
        """Return a message about a row that does not exist."""

    def leaked(self, random: Random) -> "Frame | None":
        """Return the message for somebody of another organization; None if there is nobody."""


class Act(Protocol):
    """What one running fault makes of a message: the messages to send now, in its place."""

    def __call__(self, frame: Any) -> Sequence[Any]:
        """Return them."""


class Surroundings(NamedTuple):
    """What a fault may need besides the message."""

    later: Later
    send: Callable[[Any], None]
    """Send a message by itself, past all faults."""


def begin_frame_fault(fault: FrameFault, running: Running, surroundings: Surroundings) -> tuple[Act, End]:
    """Return what a fault does to each message, and what undoes it."""
    match fault:
        case Discard():
            return _Withhold(running, lambda _frame: True), _nothing
        case Deaf(seed=seed, share=share):
            return _Withhold(running, _deaf_ears(seed, share)), _nothing
        case Reorder():
            reorder = _Reorder(fault, running, surroundings)
            return reorder, reorder.release
        case Delay():
            delay = _Delay(fault, running, surroundings)
            return delay, delay.release
        case _:
            return _Chosen(fault, running), _nothing


def _nothing() -> None:
    return


def _deaf_ears(seed: int, share: float) -> Callable[[Any], bool]:
    """Return who is deaf: decided once for each subscriber."""
    choice, decided = Choice(seed=seed, share=share), dict[Hashable, bool]()

    def is_deaf(frame: Frame) -> bool:
        if frame.receiver not in decided:
            decided[frame.receiver] = choice.takes()
        return decided[frame.receiver]

    return is_deaf


def _note(running: Running, frame: Frame) -> None:
    running.note(event=frame.event, channel=frame.channel)


class _Withhold:
    """Send nothing to some."""

    def __init__(self, running: Running, hits: Callable[[Any], bool]) -> None:
        self._running = running
        self._hits = hits

    def __call__(self, frame: Any) -> Sequence[Any]:
        if not self._hits(frame):
            return (frame,)
        _note(self._running, frame)
        return ()


def _choice(fault: Drop | Duplicate | Delay | Reorder | Leak | Phantom | Degraded) -> Choice:
    return Choice(seed=fault.seed, share=fault.share, count=fault.count)


class _Chosen:
    """Do something at once to chosen messages."""

    def __init__(self, fault: Drop | Duplicate | Leak | Phantom | Degraded, running: Running) -> None:
        self._fault = fault
        self._running = running
        self._choice = _choice(fault)
        self._random = Random(fault.seed)  # noqa: S311 - repeatable on purpose

    def __call__(self, frame: Any) -> Sequence[Any]:
        if not self._choice.takes():
            return (frame,)
        made = self._make(frame)
        if made is None:
            self._choice.give_back()
            return (frame,)
        hit, sent = made
        _note(self._running, hit)
        if self._choice.is_over:
            self._running.end()
        return sent

    def _make(self, frame: Frame) -> tuple[Frame, Sequence[Frame]] | None:
        """Return the message to account for, and those to send; None if it cannot be done."""
        match self._fault:
            case Drop():
                return frame, ()
            case Duplicate():
                return frame, (frame, frame)
            case Degraded(error=error):
                return frame, (frame.degraded(error),)
            case Phantom():
                phantom = frame.phantom(self._random)
                return phantom, (frame, phantom)
            case Leak():
                leaked = frame.leaked(self._random)
                return None if leaked is None else (leaked, (frame, leaked))


class _Delay:
    """Send chosen messages later."""

    def __init__(self, fault: Delay, running: Running, surroundings: Surroundings) -> None:
        self._delay_s = fault.ms / 1000
        self._running = running
        self._choice = _choice(fault)
        self._surroundings = surroundings

    def __call__(self, frame: Any) -> Sequence[Any]:
        if not self._choice.takes():
            return (frame,)
        _note(self._running, frame)
        # Ending the fault chooses no more; what is on its way stays as late as it was said to be.
        self._surroundings.later(self._delay_s, lambda: self._surroundings.send(frame))
        if self._choice.is_over:
            self._running.end()
        return ()

    def release(self) -> None:
        """Choose no more."""


class _Held(NamedTuple):
    frame: Any
    timer: Timer


class _Reorder:
    """Hold chosen messages until the next one of the same job to the same subscriber has been sent."""

    def __init__(self, fault: Reorder, running: Running, surroundings: Surroundings) -> None:
        self._patience_s = fault.patience_ms / 1000
        self._running = running
        self._choice = _choice(fault)
        self._surroundings = surroundings
        self._held: dict[tuple[Hashable, str], _Held] = {}

    def __call__(self, frame: Any) -> Sequence[Any]:
        key = (frame.receiver, frame.job)
        held = self._held.get(key)
        if held is not None and held.frame.event == frame.event:
            return (frame,)  # its own double does not overtake it
        if held is not None:
            del self._held[key]
            held.timer.cancel()
            _note(self._running, held.frame)
            if self._choice.is_over and not self._held:
                self._running.end()
            return (frame, held.frame)
        if not frame.job or not self._choice.takes():
            return (frame,)
        timer = self._surroundings.later(self._patience_s, lambda: self._give_up(key))
        self._held[key] = _Held(frame, timer)
        return ()

    def release(self) -> None:
        """Send what is held."""
        for key in tuple(self._held):
            self._give_up(key)

    def _give_up(self, key: tuple[Hashable, str]) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            held.timer.cancel()
            self._choice.give_back()
            self._surroundings.send(held.frame)
