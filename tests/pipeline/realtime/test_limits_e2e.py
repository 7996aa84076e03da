"""What a running server ends of its own accord: channels that say or hear too much, sockets without any."""

import json
import socket
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from loadtests.wire.phoenix import Reply, Vsn
from tests.pipeline.realtime.world import RealtimeUnderTest, Socket, open_and_never_read

pytestmark = pytest.mark.e2e
TOPIC = "realtime:room"


def join(realtime: RealtimeUnderTest, vsn: Vsn = Vsn.V2, **config: Any) -> Socket:
    """Return a socket on the topic."""
    socket = realtime.socket(vsn)
    payload = {"config": config, "access_token": realtime.token(realtime.user())}
    socket.send(phoenix.Message(topic=TOPIC, event="phx_join", payload=payload, ref="1", join_ref="1"))
    assert isinstance(socket.receive(), Reply)
    return socket


def say(socket: Socket, event: str, payload: dict[str, Any]) -> None:
    """Send a message on the topic."""
    socket.send(phoenix.Message(topic=TOPIC, event=event, payload=payload, ref="2", join_ref="1"))


def end_of(channel: Socket) -> list[Any]:
    """Return event and payload of the frames from the first that is neither an answer nor a broadcast."""
    frames: list[Any] = []
    while not frames or frames[-1][0] != "phx_close":
        message = json.loads(channel.connection.recv(10))
        event, payload = message[3:] if channel.vsn is Vsn.V2 else (message["event"], message["payload"])
        if frames or event == "system":
            frames.append((event, payload))
    return frames


def closing(message: str) -> list[Any]:
    """Return the last words of a channel."""
    words = {"message": message, "status": "error", "extension": "system", "channel": "room"}
    return [("system", words), ("phx_close", {})]


@pytest.mark.parametrize("vsn", list(Vsn))
def test_six_calls_of_presence_end_the_channel_and_not_the_socket(realtime: RealtimeUnderTest, vsn: Vsn) -> None:
    """The limit of one client, on every plan."""
    socket = join(realtime, vsn)
    for _ in range(6):
        say(socket, "presence", {"type": "presence", "event": "untrack"})

    assert end_of(socket) == closing("Client presence rate limit exceeded")
    socket.ping()


@pytest.mark.parametrize("options", [RealtimeOptions(plan="free")])
def test_who_hears_too_many_broadcasts_is_closed(realtime: RealtimeUnderTest) -> None:
    """A mean of a hundred a second over the first two buckets, counted for the sender and for who hears."""
    speaking, hearing = join(realtime), join(realtime)
    said = {"type": "broadcast", "event": "x", "payload": {}}
    event, heard = "", -1
    while event != "system":  # the mean is looked at when a bucket of five seconds ends
        say(speaking, "broadcast", said)
        event, payload = json.loads(hearing.connection.recv(10))[3:]
        heard += 1
    closed = json.loads(hearing.connection.recv(10))

    assert payload["message"] == "Too many messages per second"
    assert closed == ["1", "1", TOPIC, "phx_close", {}]
    assert heard >= 500
    speaking.ping()


@pytest.mark.parametrize("options", [RealtimeOptions(no_channel_timeout_s=0.2)])
def test_sockets_without_a_channel_are_swept(realtime: RealtimeUnderTest) -> None:
    """Without a close frame, though they send heartbeats; one with a channel stays."""
    left, never, staying = join(realtime), realtime.socket(), join(realtime)
    left.send(phoenix.leave(topic=TOPIC, join_ref="1", ref="2"))
    for swept in (left, never):
        with pytest.raises(ConnectionClosed) as closed:
            _beat_until_closed(swept)
        assert closed.value.rcvd is None
    staying.ping()

    assert realtime.metric("realtime_sockets_swept") == 2


@pytest.mark.parametrize("options", [RealtimeOptions(max_send_buffer_bytes=1 << 16)])
def test_who_only_asks_and_never_reads_is_cut_off(realtime: RealtimeUnderTest) -> None:
    """Answers cost memory as changes do: more than a bounded amount is not kept for anybody."""
    text = b'[null,"h","phoenix","heartbeat",{}]'
    beat = b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text
    client = open_and_never_read(realtime)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        _send_without_end(client, beat * 1000)
    client.close()
    realtime.socket().ping()

    assert realtime.metric("realtime_slow_readers_closed") == 1


def _send_without_end(client: socket.socket, data: bytes) -> None:
    while True:
        client.sendall(data)


def _beat_until_closed(beating: Socket) -> None:
    while True:
        beating.send(phoenix.heartbeat(ref="h"))
        beating.receive()
