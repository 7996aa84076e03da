"""One WebSocket: frames in to its session, the session's effects out to the socket, the timer and the subscriptions.

The edge around `channels.Session`; decides nothing about the protocol. Built on picows, whose listener object is
all that a socket costs besides its session.
"""

import asyncio
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from loadtests.pipeline.realtime.channels import CLOSED_NORMALLY, Session
from loadtests.pipeline.realtime.effects import (
    Ask,
    Broadcast,
    Disconnect,
    Effect,
    Enter,
    Leave,
    Refuse,
    Send,
    ShowPresence,
    Subscribe,
    Track,
    Untrack,
)
from loadtests.pipeline.realtime.handshake import Accepted
from loadtests.pipeline.realtime.listener import ChannelListener
from loadtests.pipeline.realtime.moment import Moment
from loadtests.pipeline.realtime.policies import Answer
from loadtests.pipeline.realtime.rooms import Hearing
from loadtests.pipeline.realtime.service import Service
from loadtests.pipeline.realtime.waiting import Wait
from loadtests.pipeline.realtime.websocket import text_frame
from loadtests.wire.phoenix import (
    MalformedFrame,
    Message,
    Vsn,
    decode_client,
    decode_client_binary,
    encode_server,
)

MAX_INBOUND_BYTES: Final = 5_000_000
"""The real server's limit for one message."""
REFUSED_JOIN_S: Final = 5.0
"""What the real server waits before it refuses a join, while nothing else happens on the socket."""
_TIMER_SLACK_S: Final = 0.005
_LONGEST_TIMER_S: Final = 3600.0


class Connection(WSListener):
    """The listener of one socket."""

    __slots__ = (
        "_fragments",
        "_is_binary",
        "_listeners",
        "_outbox",
        "_service",
        "_session",
        "_timer",
        "_transport",
        "_vsn",
        "_wait",
        "_wake_at_s",
    )

    def __init__(self, accepted: Accepted, service: Service) -> None:
        super().__init__()
        self._service = service
        self._vsn: Vsn = accepted.vsn
        self._session = Session(
            apikey=accepted.apikey,
            verifier=service.verifier,
            limits=service.limits,
            silence_timeout_s=service.options.heartbeat_timeout_s,
            now=service.now(),
            new_key=_new_key,
            private_only=service.options.private_only,
        )
        self._transport: WSTransport | None = None
        self._listeners: dict[int, ChannelListener] = {}
        self._fragments: bytearray | None = None
        self._is_binary = False
        self._outbox: list[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at_s = float("inf")
        self._wait: Wait | None = None

    # ---- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin."""
        transport.request.headers.clear()  # the library would keep them, a kilobyte for each socket
        transport.response.headers.clear()
        self._transport = transport
        self._service.open_connections.add(self)
        self._service.counters.realtime_connections_opened += 1
        self._arm(self._service.now())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame; pings have been answered already."""
        if self._transport is None:
            return
        now = self._service.now()
        self._session.heard(now)
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind is WSMsgType.TEXT and frame.fin:
            self._take(frame.get_payload_as_bytes(), now, binary=False)
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._assemble(frame, now)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - the signature is picows'
        """End: free everything that the socket held."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._wait is not None:
            self._wait.cancel()
        self._service.open_connections.discard(self)
        self._apply(self._session.end())

    # ---- what the server calls

    def deliver(self, frames: bytes, count: int) -> None:
        """Write `count` change messages; a reader with too much unread is cut off, as if it had crashed."""
        if self._write_between(frames):
            counters = self._service.counters
            counters.realtime_channel_db_messages_written += count
            counters.realtime_channel_output_bytes += len(frames)

    def tell(self, frame: bytes) -> None:
        """Write one frame that another socket caused."""
        self._write_between(frame)

    def count_broadcast(self, number: int) -> None:
        """Count a broadcast that a channel heard; what follows from too many comes after what caused them."""
        if self._service.limits.heard(self._service.now().monotonic_ns):
            asyncio.get_running_loop().call_soon(self._overwhelm, number)

    def sweep(self) -> bool:
        """End the connection without a word if it has no channel; return whether it had none."""
        idle = self._session.channel_count == 0
        if idle:
            self.abort()
        return idle

    def close(self, code: int) -> None:
        """Close the socket with this code."""
        if self._transport is not None:
            self._transport.send_close(WSCloseCode(code))
            self._transport.disconnect()

    def abort(self) -> None:
        """End the connection without a word."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    @property
    def user(self) -> str:
        """The subject of the token with which the first channel was joined; empty if none was."""
        return self._session.user

    async def close_and_wait(self, code: int) -> None:
        """Close the socket and return once it is gone."""
        transport = self._transport
        if transport is not None:
            self.close(code)
            await transport.wait_disconnected()

    # ---- inside

    def _assemble(self, frame: WSFrame, now: Moment) -> None:
        """Collect a message of several frames; a message is as binary as its first frame."""
        if frame.msg_type is not WSMsgType.CONTINUATION:
            self._fragments = bytearray()
            self._is_binary = frame.msg_type is WSMsgType.BINARY
        if self._fragments is None or len(self._fragments) + frame.payload_size > MAX_INBOUND_BYTES:
            self._fragments = None
            self.close(WSCloseCode.MESSAGE_TOO_BIG.value)
            return
        self._fragments += frame.get_payload_as_memoryview()
        if frame.fin:
            whole, self._fragments = bytes(self._fragments), None
            self._take(whole, now, binary=self._is_binary)

    def _take(self, text: bytes, now: Moment, *, binary: bool) -> None:
        wait = self._wait
        if wait is not None:
            if not wait.take(text, binary=binary):
                self._cut_off()
            return
        counters = self._service.counters
        try:
            # In 1.0.0 a binary frame is text like any other.
            is_push = binary and self._vsn is Vsn.V2
            message = decode_client_binary(text) if is_push else decode_client(text, self._vsn)
        except MalformedFrame:
            counters.realtime_malformed_messages += 1  # dropped and the socket kept, as the real server does
            return
        self._receive(message, now)
        self._arm(now)

    def _receive(self, message: Message, now: Moment) -> None:
        joins_before = self._session.join_count
        self._apply(self._session.receive(message, now))
        self._count_joins(joins_before)

    def _count_joins(self, before: int) -> None:
        self._service.counters.phoenix_channel_joined_total["ok"] += self._session.join_count - before

    def _apply(self, effects: Iterable[Effect]) -> None:
        """Do what the session says; what it sends leaves in one write, in its order."""
        outermost = self._outbox is None
        if self._outbox is None:
            self._outbox = []
        outbox = self._outbox
        try:
            for effect in effects:
                self._do(effect, outbox)
        finally:
            if outermost:
                self._outbox = None
        if outermost:
            self._write(outbox)

    def _write(self, frames: list[bytes]) -> bool:
        """Write frames for a reader who may be slow; return whether they were written."""
        transport = self._transport
        if not frames or transport is None:
            return False
        waiting = transport.underlying_transport.get_write_buffer_size()
        if self._wait is not None:
            waiting += self._wait.outgoing_bytes
        if waiting > self._service.options.max_send_buffer_bytes:
            self._cut_off()
            return False
        if self._wait is None:
            transport.underlying_transport.write(b"".join(frames))
        else:
            self._wait.write(frames)
        return True

    def _write_between(self, frames: bytes) -> bool:
        """Write frames that others caused, in their place among this socket's own; return whether that was done."""
        if self._outbox is None or self._transport is None:
            return self._write([frames])
        self._outbox.append(frames)
        return True

    def _cut_off(self) -> None:
        self._service.counters.realtime_slow_readers_closed += 1
        self.abort()
        self._transport = None  # what had been read already is neither answered nor counted again

    def _refuse(self, refusal: Refuse, outbox: list[bytes]) -> None:
        """Answer a join after the deliberate delay; the socket reads and writes nothing until then."""
        self._service.counters.phoenix_channel_joined_total["error"] += 1
        self._service.counters.realtime_channel_error[refusal.code] += 1
        delay_s = REFUSED_JOIN_S * self._service.options.delay_scale
        answer = text_frame(encode_server(refusal.reply, self._vsn))
        if delay_s == 0 or self._transport is None:
            outbox.append(answer)
            if refusal.disconnects:
                self._close_after(outbox)
            return
        timer = asyncio.get_running_loop().call_later(delay_s, self._go_on, refusal.disconnects)
        self._begin_to_wait(Wait(timer.cancel), outbox)
        outbox.append(answer)

    def _ask(self, ask: Ask, outbox: list[bytes]) -> None:
        """Ask what policies allow; the socket reads and writes nothing until then."""
        if self._transport is None:
            return
        task = asyncio.get_running_loop().create_task(self._service.policies.ask(ask.question))
        task.add_done_callback(partial(self._told, ask))
        self._begin_to_wait(Wait(task.cancel), outbox)

    def _told(self, ask: Ask, task: "asyncio.Task[Answer]") -> None:
        wait, self._wait = self._wait, None
        if task.cancelled() or wait is None or self._transport is None:
            return
        now = self._service.now()
        joins_before = self._session.join_count
        self._apply(self._session.answered(ask, task.result(), now))
        self._count_joins(joins_before)
        self._catch_up(wait, now)
        self._arm(now)

    def _begin_to_wait(self, wait: Wait, outbox: list[bytes]) -> None:
        """Send what was said before, then nothing."""
        assert self._transport is not None
        self._write(outbox)
        outbox.clear()
        self._transport.underlying_transport.pause_reading()
        self._wait = wait

    def _go_on(self, disconnects: bool) -> None:  # noqa: FBT001 - a timer's argument
        """Send what has waited, then take what came meanwhile, up to the next refusal."""
        wait, self._wait = self._wait, None
        if wait is None or self._transport is None:
            return
        if disconnects:
            self._close_after(wait.outgoing)
            return
        self._catch_up(wait, self._service.now())

    def _catch_up(self, wait: Wait, now: Moment) -> None:
        """Send and take what has waited; if there is another wait by now, it waits on."""
        self._write(wait.outgoing)
        for text, binary in wait.incoming:
            self._take(text, now, binary=binary)
        if self._wait is None:
            self._resume_reading()

    def _resume_reading(self) -> None:
        if self._transport is not None:
            self._transport.underlying_transport.resume_reading()

    def _close_after(self, frames: list[bytes]) -> None:
        self._write(frames)
        frames.clear()
        self.close(CLOSED_NORMALLY)

    def _do(self, effect: Effect, outbox: list[bytes]) -> None:
        match effect:
            case Send(message):
                outbox.append(text_frame(encode_server(message, self._vsn)))
            case Refuse():
                self._refuse(effect, outbox)
            case Ask():
                self._ask(effect, outbox)
            case Subscribe(channel=number):
                answered = partial(self._answered, number)
                self._service.subscriptions.put(self._listeners[number], effect, self._vsn, answered)
                if not self._service.subscriptions.are_quick:
                    self._apply(self._session.unhurried(number))
            case Enter(channel=number, topic=topic):
                listener = self._listeners.setdefault(number, ChannelListener(self, number, self._vsn))
                hearing = Hearing(broadcasts=effect.hears_broadcasts, presence=effect.hears_presence)
                self._service.rooms.enter(topic, listener, hearing, is_private=effect.is_private)
            case Leave(number):
                gone = self._listeners.pop(number)
                self._service.rooms.leave(gone)
                self._service.subscriptions.drop(gone)
            case Disconnect(code):
                self.close(code)
            case _:
                self._act(effect)

    def _act(self, effect: Broadcast | Track | Untrack | ShowPresence) -> None:
        """Do what concerns the others on the topic."""
        rooms, member = self._service.rooms, self._listeners[effect.channel]
        match effect:
            case Broadcast(payload=payload, to_itself=to_itself):
                rooms.broadcast(member, payload, to_itself=to_itself)
            case Track(key=key, meta=meta):
                rooms.track(member, key, meta)
            case Untrack():
                rooms.untrack(member)
            case ShowPresence(number):
                self._apply(self._session.presence(number, rooms.presence(member)))

    def _overwhelm(self, number: int) -> None:
        self._apply(self._session.overwhelmed(number))

    def _answered(self, number: int, refusal: str | None) -> None:
        """Pass the outcome of a subscription on; it may come during `put` or much later."""
        session = self._session
        self._apply(session.subscribed(number) if refusal is None else session.refused(number, refusal))

    def _arm(self, now: Moment) -> None:
        """See to it that the session is woken in time; a timer that rings too early does no harm."""
        wake_in_s = max(0.0, self._session.wake_in_s(now))
        wake_at_s = now.monotonic_ns / 1e9 + wake_in_s
        if self._timer is not None:
            if self._wake_at_s <= wake_at_s + _TIMER_SLACK_S:
                return
            self._timer.cancel()
        self._wake_at_s = wake_at_s
        # A token may be valid for years, longer than the event loop's timers reach.
        self._timer = asyncio.get_running_loop().call_later(min(wake_in_s, _LONGEST_TIMER_S), self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._service.now()
        self._apply(self._session.wake(now))
        if self._transport is not None:
            self._arm(now)


def _new_key() -> str:
    return str(uuid.uuid4())
