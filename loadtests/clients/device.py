"""A simulated device as a state machine: what a person does with it, what it hears, and what it fetches because of it.

Puts a connection, a gatherer and a desk of fetches together by the habits of a client model. No clock and no socket:
the time is passed in, effects are handed out, and two due times say when to call back.
"""

from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import Final

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection
from loadtests.clients.effects import BecameLive, Effects, Flushed, Mark, Record, Request, Skip
from loadtests.clients.endings import DownCause, Leaving, NotFetched
from loadtests.clients.fetching import Decision, Fetch, FetchDesk, Skipped, Wanted
from loadtests.clients.gathering import ASKS_NOTHING, Flush, Gatherer
from loadtests.clients.habits import Background, Order, Unauthorized
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal
from loadtests.scenario.vocabulary import Step
from loadtests.wire.phoenix import ServerMessage

PAUSED: Final = -2
"""Instead of a batch: the signal asks for a refresh, and nobody looks."""
_NEVER: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An organization as a device sees it; its members share one."""

    organization: int
    channel: Channel
    screen: Screen


class Stage(IntEnum):
    """Where a device is in its life."""

    OUT = 0
    """Logged out, or killed."""
    FOREGROUND = 1
    BACKGROUND = 2


class Device:
    """One device that is pushed to."""

    __slots__ = (
        "_awaits_fetch",
        "_catch_ups",
        "_desk",
        "_gatherer",
        "_is_beginning",
        "_model",
        "_other",
        "_place",
        "_poll_ns",
        "_seen_ns",
        "connection",
        "may_flush_sooner",
        "stage",
    )

    def __init__(
        self,
        model: ClientModel,
        places: tuple[Place, ...],
        *,
        connection: Connection,
        gatherer: Gatherer,
        desk: FetchDesk,
    ) -> None:
        """Take the organization where it logs in and, if its person has two, the other one."""
        self._model = model
        self._place = places[0]
        self._other = places[1] if len(places) > 1 else None
        self.connection = connection
        self._gatherer = gatherer
        self.may_flush_sooner: Final = gatherer.may_end_sooner
        """Whether a further signal may bring a flush that is to come closer."""
        self._desk = desk
        self.stage = Stage.OUT
        self._seen_ns = _NEVER
        self._poll_ns = _NEVER
        self._is_beginning = False
        self._awaits_fetch = False
        self._catch_ups = 0

    @property
    def topic(self) -> str:
        """The topic of the channel that it is on, or would be."""
        return self._place.channel.topic

    @property
    def token(self) -> str:
        """Its access token."""
        return self.connection.token

    # ---- what a person does

    def step(self, step: Step, now_ns: int) -> Effects:
        """Do what the person does; a step that makes no sense where the device is does nothing."""
        effects: Effects = []
        match self.stage, step:
            case Stage.OUT, Step.LOGIN:
                effects = self._log_in(now_ns)
            case Stage.FOREGROUND | Stage.BACKGROUND, Step.LOGOUT:
                effects = self._end(Leaving.LOGGED_OUT)
            case Stage.FOREGROUND | Stage.BACKGROUND, Step.KILL:
                effects = self._end(Leaving.KILLED)
            case Stage.FOREGROUND | Stage.BACKGROUND, Step.SWITCH if self._other is not None:
                effects = self._switch(self._other, now_ns)
            case Stage.FOREGROUND, Step.BACKGROUND:
                effects = self._go_to_background()
            case Stage.BACKGROUND, Step.FOREGROUND:
                effects = self._come_to_foreground(now_ns)
            case _:
                pass
        return effects

    def _log_in(self, now_ns: int) -> Effects:
        self.stage = Stage.FOREGROUND
        return [Record(Mark.LOGIN, cause=self._place.organization), *self._begin_to_watch(now_ns)]

    def _end(self, leaving: Leaving) -> Effects:
        effects = self._drop_pending(NotFetched.ENDED)
        effects += [Skip(skipped) for skipped in self._desk.forget()]
        if leaving is Leaving.KILLED:
            effects += self.connection.break_off(DownCause.KILLED)
        else:
            effects += self.connection.leave(DownCause.LOGGED_OUT)
        self.connection.forget_token()
        self.stage = Stage.OUT
        self._rest()
        return [*effects, Record(Mark.LOGOUT, cause=leaving)]

    def _switch(self, there: Place, now_ns: int) -> Effects:
        """Log out of one organization and in to another; the session and its socket stay."""
        effects = self._drop_pending(NotFetched.ENDED)
        effects += [Skip(skipped) for skipped in self._desk.forget()]
        self._place, self._other = there, self._place
        self._rest()
        effects += self.connection.move(there.channel, now_ns)
        effects += [
            Record(Mark.LOGOUT, cause=Leaving.SWITCHED),
            Record(Mark.LOGIN, cause=there.organization),
        ]
        self.stage = Stage.FOREGROUND
        return effects + self._begin_to_watch(now_ns)

    def _go_to_background(self) -> Effects:
        self.stage = Stage.BACKGROUND
        effects = self._drop_pending(NotFetched.BACKGROUND)
        keeps_socket = self._model.habits.background is Background.KEEP_SOCKET
        effects.append(Record(Mark.BACKGROUND, cause=int(keeps_socket)))
        if not keeps_socket:
            effects += self.connection.leave(DownCause.BACKGROUND)
            self._awaits_fetch = False  # the return subscribes
        self._poll_ns = _NEVER
        return effects

    def _come_to_foreground(self, now_ns: int) -> Effects:
        self.stage = Stage.FOREGROUND
        habits = self._model.habits
        effects: Effects = [Record(Mark.FOREGROUND)]
        if habits.focus_fetches:
            effects += self._want(Cause.FOCUS, now_ns)
        if not habits.comes_back:
            return effects
        quiet_ns = now_ns - self._seen_ns
        if self._seen_ns == _NEVER or quiet_ns >= habits.catch_up_after_ns:
            return effects + self._begin_to_watch(now_ns)
        self._poll_later(now_ns)
        effects += self._skip_everything(Cause.CATCH_UP, NotFetched.NOTHING_MISSED)
        return effects + self._react(self.connection.watch(now_ns), now_ns)

    def _begin_to_watch(self, now_ns: int) -> Effects:
        """Subscribe and fetch, in the order that is this client's habit."""
        order = self._model.habits.order
        self._is_beginning = not self.connection.is_live
        self._awaits_fetch = order is Order.FETCH_FIRST and not self.connection.has_socket
        self._poll_later(now_ns)
        effects: Effects = []
        if self._awaits_fetch:
            self.connection.see_to_token(now_ns)
        else:
            effects += self._react(self.connection.watch(now_ns), now_ns)
        if order is not Order.SUBSCRIBE_FIRST or self.connection.is_live:
            effects += self._catch_up(now_ns)
        if self._awaits_fetch and not self._catch_ups:  # another fetch under way serves, or there is nothing to fetch
            self._awaits_fetch = False
            effects += self._react(self.connection.watch(now_ns), now_ns)
        return effects

    # ---- what it hears

    def signal(self, signal: Signal, now_ns: int) -> int:
        """Take in one event; return the number of its batch, ASKS_NOTHING, SUPPRESSED or PAUSED."""
        self._seen_ns = now_ns
        keys = self._model.affected(signal, self._place.screen)
        if self.stage is not Stage.FOREGROUND:
            return PAUSED if keys else ASKS_NOTHING
        return self._gatherer.signal(signal, keys, now_ns)

    def opened(self, now_ns: int) -> Effects:
        """Hear that the WebSocket stands."""
        return self._react(self.connection.opened(now_ns), now_ns)

    def failed(self, now_ns: int) -> Effects:
        """Hear that there will be no WebSocket this time."""
        return self._react(self.connection.failed(now_ns), now_ns)

    def lost(self, now_ns: int, code: int) -> Effects:
        """Hear that the WebSocket is gone, closed with `code` (0: without a word)."""
        return self._react(self.connection.lost(now_ns, code), now_ns)

    def hear(self, message: ServerMessage, now_ns: int) -> Effects:
        """Hear a message of the server that is no change."""
        return self._react(self.connection.hear(message, now_ns), now_ns)

    def told(self, now_ns: int, *, left_ns: int) -> Effects:
        """Hear that a fresh token is there, and for how long the one before it is good."""
        return self._react(self.connection.told(now_ns, left_ns=left_ns), now_ns)

    def awaits(self, fetch: Fetch) -> bool:
        """Return whether a request is of the life that goes on."""
        return self._desk.is_under_way(fetch)

    def answered(self, fetch: Fetch, status: int, now_ns: int) -> Effects:
        """Hear that a request is over; status 0: there was no answer. What an earlier life asked for means nothing."""
        if not self.awaits(fetch):
            return []
        effects = self._follow(self._desk.answered(fetch, now_ns, is_ok=status == HTTPStatus.OK))
        if fetch.cause is Cause.CATCH_UP and self._catch_ups:
            self._catch_ups -= 1
        if self._awaits_fetch and not self._catch_ups:
            self._awaits_fetch = False
            effects += self._react(self.connection.watch(now_ns), now_ns)
        if status == HTTPStatus.UNAUTHORIZED:
            effects += self._unauthorized(fetch, now_ns)
        return effects

    def _unauthorized(self, fetch: Fetch, now_ns: int) -> Effects:
        if self._model.habits.on_unauthorized is Unauthorized.LOG_OUT:
            return self._end(Leaving.UNAUTHORIZED)
        if fetch.cause is Cause.RETRY:
            return []
        renewal = self.connection.renew(now_ns)
        again = Wanted(cause=Cause.RETRY, batch=fetch.batch, keys=(fetch.key,), wanted_ns=now_ns)
        return renewal + self._follow(self._desk.want(again, now_ns))

    # ---- time

    def flush_due_ns(self) -> int | None:
        """When `flush` has something to do if no further signal comes."""
        return self._gatherer.due_ns()

    def flush(self, now_ns: int) -> Effects:
        """End the window if it is over."""
        flush = self._gatherer.take(now_ns)
        if flush is None:
            return []
        wanted = Wanted(cause=Cause.FLUSH, batch=flush.batch, keys=flush.refreshes, wanted_ns=now_ns)
        return [Flushed(flush.batch, flush.signals), *self._follow(self._desk.want(wanted, now_ns))]

    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        connection_ns = self.connection.due_ns()
        if self._poll_ns == _NEVER:
            return connection_ns
        return self._poll_ns if connection_ns is None else min(connection_ns, self._poll_ns)

    def tick(self, now_ns: int) -> Effects:
        """Do what has become due beside the flush."""
        effects = self._react(self.connection.tick(now_ns), now_ns)
        if _NEVER < self._poll_ns <= now_ns:
            effects += self._want(Cause.SAFETY_POLL, now_ns)
        return effects

    # ---- inside

    def _react(self, effects: Effects, now_ns: int) -> Effects:
        """Put what the device does in the place of what its connection became."""
        told: Effects = []
        for effect in effects:
            if isinstance(effect, BecameLive):
                told += self._hear_live(effect, now_ns)
            else:
                told.append(effect)
        return told

    def _hear_live(self, became: BecameLive, now_ns: int) -> Effects:
        habits = self._model.habits
        is_first = self._is_beginning and not became.again
        self._is_beginning = False
        fetches = habits.order is Order.SUBSCRIBE_FIRST if is_first else habits.catches_up_when_live_again
        if not fetches:
            return []
        if self.stage is not Stage.FOREGROUND:
            return self._skip_everything(Cause.CATCH_UP, NotFetched.BACKGROUND)
        return self._catch_up(now_ns)

    def _catch_up(self, now_ns: int) -> Effects:
        return self._want(Cause.CATCH_UP, now_ns)

    def _want(self, cause: Cause, now_ns: int) -> Effects:
        """Fetch everything on the screen."""
        self._poll_later(now_ns)
        wanted = Wanted(cause=cause, batch=0, keys=self._place.screen.everything, wanted_ns=now_ns)
        return self._follow(self._desk.want(wanted, now_ns))

    def _poll_later(self, now_ns: int) -> None:
        """Count the time until the safety poll from here, whether or not the device is ever live."""
        poll_ns = self._model.habits.safety_poll_ns
        self._poll_ns = _NEVER if poll_ns is None else now_ns + poll_ns

    def _follow(self, decision: Decision) -> Effects:
        self._catch_ups += sum(fetch.cause is Cause.CATCH_UP for fetch in decision.start)
        skips = [Skip(skipped) for skipped in decision.skipped]
        return [*(Request(fetch) for fetch in decision.start), *skips]

    def _skip_everything(self, cause: Cause, why: NotFetched) -> Effects:
        return [Skip(Skipped(key=key, cause=cause, batch=0, why=why)) for key in self._place.screen.everything]

    def _drop_pending(self, why: NotFetched) -> Effects:
        """Record what had been gathered and is not going to be fetched."""
        flush: Flush | None = self._gatherer.forget()
        if flush is None:
            return []
        return [Skip(Skipped(key=key, cause=Cause.FLUSH, batch=flush.batch, why=why)) for key in flush.refreshes]

    def _rest(self) -> None:
        self._seen_ns = self._poll_ns = _NEVER
        self._is_beginning = self._awaits_fetch = False
        self._catch_ups = 0
