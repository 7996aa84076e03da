"""What a client sees beyond the limits of a plan: refused handshakes, refused joins, a closed socket."""

import json
import time
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from loadtests.pipeline.realtime.channels import Session
from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.effects import Effect, Refuse
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.moment import Moment
from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from loadtests.wire.phoenix import Reply, Vsn, decode_client, encode_client
from loadtests.wire.plans import PLANS
from loadtests.wire.tokens import mint
from tests.pipeline.realtime.world import RealtimeUnderTest, Socket

SECRET = "a secret of at least thirty-two bytes"
NOW_S = 1_800_000_000
USER_TOKEN = mint(SECRET, role="authenticated", expires_at_s=NOW_S + 3600, subject="user0")


def at(seconds: float) -> Moment:
    """Return the moment so many seconds after the start."""
    return Moment(monotonic_ns=round(seconds * 1e9), unix_s=NOW_S + seconds)


def session(limits: Limits) -> Session:
    """Return a socket of a project with these limits."""
    return Session(
        apikey=USER_TOKEN,
        verifier=TokenVerifier(SECRET),
        limits=limits,
        silence_timeout_s=60,
        now=at(0),
        new_key=lambda: "key",
    )


def join(socket: Session, topic: str, now_s: float = 0) -> list[Effect]:
    """Join a topic and return what follows."""
    message = phoenix.join(topic=f"realtime:{topic}", ref="1", bindings=[], access_token=USER_TOKEN)
    return socket.receive(decode_client(encode_client(message, Vsn.V2), Vsn.V2), at(now_s))


def refusals(effects: list[Effect]) -> list[tuple[str, bool]]:
    """Return the reasons of the refusals among the effects, and whether the socket is closed after each."""
    return [(one.reply.payload["response"]["reason"], one.disconnects) for one in effects if isinstance(one, Refuse)]


def limited(**limits: int) -> Limits:
    """Return a plan with these limits and no others."""
    return Limits(replace(PLANS["unlimited"], **limits))


def test_join_of_a_socket_too_many_is_refused_and_its_others_are_not() -> None:
    """The handshake had let it in before the project was full."""
    limits = limited(connections=1)
    first, second = session(limits), session(limits)
    seen = [refusals(join(socket, topic)) for socket, topic in ((first, "a"), (second, "a"), (first, "b"))]

    assert seen == [[], [("ConnectionRateLimitReached: Too many connected users", False)], []]


def test_socket_that_ends_makes_room() -> None:
    """One that never joined has taken none."""
    limits = limited(connections=1)
    first, idle, second = session(limits), session(limits), session(limits)
    join(first, "a")
    idle.end()
    before = refusals(join(second, "a"))
    first.end()
    after = refusals(join(second, "a"))

    assert (len(before), after) == (1, [])


def test_joins_too_fast_are_refused_and_end_the_socket() -> None:
    """Refused ones count no more, so that the mean falls again."""
    socket = session(limited(joins_per_s=1))
    for number in range(10):
        join(socket, f"early-{number}")
    seen = [refusals(join(socket, f"late-{now_s}", now_s)) for now_s in (4.9, 5, 10)]

    assert seen == [[], [("ClientJoinRateLimitReached: Too many joins per second", True)], []]


def test_channel_too_many_is_refused_and_the_socket_stays() -> None:
    """Joining a topic again takes no further channel; leaving one makes room."""
    socket = session(limited(channels_per_connection=2))
    refused = ("ChannelRateLimitReached: Too many channels", False)
    seen = [refusals(join(socket, topic)) for topic in ("a", "b", "c", "a")]
    leave = phoenix.leave(topic="realtime:b", join_ref="1", ref="2")
    socket.receive(leave, at(0))

    assert seen == [[], [], [refused], []]
    assert refusals(join(socket, "c")) == []


def join_again(realtime: RealtimeUnderTest, socket: Socket) -> Reply:
    """Join the one topic once more and return the answer."""
    socket.send(phoenix.join(topic="realtime:again", ref="1", bindings=[], access_token=realtime.anon_key))
    while not isinstance(answer := socket.receive(), Reply):
        pass
    return answer


def read_to_the_end(socket: Socket) -> None:
    """Read until the socket is closed, which raises ConnectionClosed."""
    while True:
        socket.receive()


@pytest.mark.e2e
@pytest.mark.parametrize("options", [RealtimeOptions(plan="free", delay_scale=0.01)], ids=["free"])
def test_project_of_two_hundred_sockets_takes_no_further_one(realtime: RealtimeUnderTest) -> None:
    """The 201st handshake is answered with HTTP 429, and its successor is let in once somebody has gone."""
    url = f"{realtime.url}/realtime/v1/websocket?apikey={realtime.anon_key}&vsn=2.0.0"
    sockets = [realtime.socket() for _ in range(200)]
    for socket in sockets:
        socket.send(phoenix.join(topic="realtime:any", ref="1", bindings=[], access_token=realtime.anon_key))
        assert isinstance(socket.receive(), Reply)
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    sockets[0].connection.close()
    again = connect(url)

    assert refused.value.response.status_code == 429
    assert json.loads(refused.value.response.body or b"") == {"error": "Too many connected users"}
    again.close()


@pytest.mark.e2e
@pytest.mark.parametrize("options", [RealtimeOptions(plan="free", delay_scale=0.01)], ids=["free"])
def test_hundred_and_first_channel_of_a_socket_is_refused(realtime: RealtimeUnderTest) -> None:
    """The reply says why; the socket goes on."""
    socket = realtime.socket()
    replies = []
    for number in range(101):
        topic = f"realtime:{number}"
        socket.send(phoenix.join(topic=topic, ref="1", bindings=[], access_token=realtime.anon_key))
        replies.append(socket.receive())
    socket.ping()

    assert [reply.ok for reply in replies if isinstance(reply, Reply)] == [True] * 100 + [False]
    assert isinstance(replies[-1], Reply)
    assert replies[-1].reason == "ChannelRateLimitReached: Too many channels"


@pytest.mark.e2e
@pytest.mark.parametrize("options", [RealtimeOptions(plan="free", delay_scale=0.01)], ids=["free"])
def test_a_thousand_joins_in_a_bucket_close_the_next_socket_that_joins(realtime: RealtimeUnderTest) -> None:
    """100 a second on average over two buckets: then a join is refused, its socket closed, and handshakes get 429."""
    socket = realtime.socket()
    for _ in range(1100):
        last = join_again(realtime, socket)
    deadline_ns = time.monotonic_ns() + 20 * 10**9
    while last.ok:
        assert time.monotonic_ns() < deadline_ns, "the bucket has ended and no join was refused"
        time.sleep(0.05)
        last = join_again(realtime, socket)
    with pytest.raises(ConnectionClosed):
        read_to_the_end(socket)
    with pytest.raises(InvalidStatus) as refused:
        realtime.socket()

    assert last.reason == "ClientJoinRateLimitReached: Too many joins per second"
    assert json.loads(refused.value.response.body or b"") == {"error": "Too many joins per second"}
