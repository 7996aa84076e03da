"""What a channel may say to the others: how often, how much, and how it ends if that was too much."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.pipeline.realtime.channels import Session
from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.effects import Broadcast, Effect, Leave, ShowPresence, Track
from loadtests.pipeline.realtime.limits import Limits
from loadtests.wire.phoenix import Message, UserBroadcast
from loadtests.wire.plans import PLANS
from tests.pipeline.realtime.sessions import ANON, SECRET, at, config, frames_of, join, play, token

TOPIC = "realtime:org-events"
OK = {"status": "ok", "response": {}}


def session(limits: Limits) -> Session:
    """Return a socket of a project with these limits."""
    return Session(
        apikey=ANON,
        verifier=TokenVerifier(SECRET),
        limits=limits,
        silence_timeout_s=600,
        now=at(0),
        new_key=lambda: "made up",
    )


def limited(**limits: int) -> Limits:
    """Return a plan with these limits and no others."""
    return Limits(replace(PLANS["unlimited"], **limits))


def joined(limits: Limits, **wishes: Any) -> Session:
    """Return a socket with a channel."""
    socket = session(limits)
    play(socket, join(config=config(**wishes), access_token=token()))
    return socket


def say(socket: Session, event: str, payload: object, at_s: float = 0) -> list[Effect]:
    """Return what a message of the channel leads to."""
    return socket.receive(Message(topic=TOPIC, event=event, payload=payload, ref="2", join_ref="1"), at(at_s))


def tracking(number: int) -> dict[str, Any]:
    """Return what a channel says of itself, each time something else."""
    return {"type": "presence", "event": "track", "payload": {"n": number}}


def last_words(message: str) -> list[Any]:
    """Return the frames with which the server closes the channel."""
    payload = {"message": message, "status": "error", "extension": "system", "channel": "org-events"}
    return [["1", None, TOPIC, "system", payload], ["1", "1", TOPIC, "phx_close", {}]]


def test_the_sixth_call_within_thirty_seconds_ends_the_channel() -> None:
    """Whatever is called for: the server counts before it looks."""
    socket = joined(limited(), presence={"enabled": True})
    calls = [tracking(1), {"event": "untrack"}, {"event": "dance"}, tracking(2), tracking(2)]
    answers = [frames_of(socket, say(socket, "presence", call, 29))[-1][3:] for call in calls]
    frames = frames_of(socket, say(socket, "presence", {"event": "untrack"}, 29))

    assert [answer[1]["status"] for answer in answers] == ["ok", "ok", "error", "ok", "ok"]
    assert frames == last_words("Client presence rate limit exceeded")
    assert socket.channel_count == 0


def test_thirty_seconds_after_the_first_call_the_count_begins_anew() -> None:
    """The window is the client's own, from its first call."""
    socket = joined(limited(), presence={"enabled": True})
    for number in range(5):
        say(socket, "presence", tracking(number), 10)
    at_the_end, after = say(socket, "presence", tracking(6), 40), None
    socket = joined(limited(), presence={"enabled": True})
    for number in range(5):
        say(socket, "presence", tracking(number), 10)
    after = say(socket, "presence", tracking(6), 40.001)

    assert [type(one) for one in at_the_end[-1:]] == [Leave]
    assert isinstance(after[0], Track)


def test_a_message_without_an_event_is_no_call() -> None:
    """It is answered however often it comes."""
    socket = joined(limited())
    answers = [frames_of(socket, say(socket, "presence", {"type": "presence"})) for _ in range(7)]

    assert answers == [[["1", "2", TOPIC, "phx_reply", OK]]] * 7


def test_too_much_said_of_oneself_ends_the_channel() -> None:
    """What counts is the size as Erlang's external format has it, with 500 bytes of allowance."""
    bearable = {"event": "track", "payload": {"a": "x" * 987}}
    unbearable = {"event": "track", "payload": {"a": "x" * 1500}}
    socket = joined(limited(payload_kb=1))
    first = say(socket, "presence", bearable)
    second = frames_of(socket, say(socket, "presence", unbearable))

    assert isinstance(first[0], Track)
    assert second == last_words("Track message size exceeded")


def test_presence_beyond_the_plan_ends_the_channel() -> None:
    """The mean over a minute must exceed the limit, not only reach it: 100 in two buckets of 5 s are ten a second."""
    limits = limited(presence_messages_per_s=10)
    socket = joined(limits, presence={"enabled": True})
    limits.presence_told(at(0).monotonic_ns, 99)  # with the state at the join: 100
    reached = say(socket, "presence", tracking(1), 5)
    limits.presence_told(at(5).monotonic_ns, 200)
    exceeded = frames_of(socket, say(socket, "presence", tracking(2), 10))

    assert isinstance(reached[0], Track)
    assert exceeded == last_words("Too many presence messages per second")


def test_a_join_beyond_the_presence_limit_is_answered_and_ended() -> None:
    """The join is well; the state that should follow is what is too much."""
    limits = limited(presence_messages_per_s=1)
    limits.presence_told(at(0).monotonic_ns, 1000)
    socket = session(limits)
    frames = frames_of(socket, socket.receive(_join_with_presence(), at(5)))

    assert frames[0][3:] == ["phx_reply", {"status": "ok", "response": {"postgres_changes": []}}]
    assert frames[1:] == last_words("Too many presence messages per second")


def _join_with_presence() -> Message:
    payload = {"config": config(presence={"enabled": True}), "access_token": token()}
    return Message(topic=TOPIC, event="phx_join", payload=payload, ref="1", join_ref="1")


def test_the_first_track_enables_presence_and_shows_the_others() -> None:
    """Later ones do not show them again."""
    socket = joined(limited())
    shown = [[type(one) for one in say(socket, "presence", tracking(number))] for number in (1, 2)]

    assert [ShowPresence in one for one in shown] == [True, False]


@pytest.mark.parametrize(
    ("payload", "passes"),
    [
        ({"a": "x" * 1483}, True),
        ({"a": "x" * 1484}, False),
        (UserBroadcast(event="e", is_json=False, payload=b"x" * 1473), True),
        (UserBroadcast(event="e", is_json=False, payload=b"x" * 1500), False),
    ],
)
def test_a_broadcast_beyond_the_size_is_not_passed_on(payload: object, *, passes: bool) -> None:
    """1 KB and 500 bytes; the channel stays, and only who wants acknowledgements is told."""
    silent, asking = (joined(limited(payload_kb=1), broadcast={"ack": ack}) for ack in (False, True))
    unanswered, answered = say(silent, "broadcast", payload), say(asking, "broadcast", payload)
    refused = {"status": "error", "response": "payload_size_exceeded"}

    assert [type(one) for one in unanswered] == ([Broadcast] if passes else [])
    assert frames_of(asking, answered) == [["1", "2", TOPIC, "phx_reply", OK if passes else refused]]
    assert silent.channel_count == 1


def test_broadcasts_count_for_who_sends_and_for_each_who_hears() -> None:
    """As on the real server, whose receivers count; the mean trips at the limit itself."""
    limits = limited(messages_per_s=10)
    socket = joined(limits)
    for _ in range(50):
        say(socket, "broadcast", {})
    verdicts = [limits.heard(at(0).monotonic_ns) for _ in range(50)]
    later = limits.heard(at(5).monotonic_ns)

    assert (set(verdicts), later, limits.broadcasts) == ({False}, True, 101)


def test_who_hears_too_much_is_closed() -> None:
    """The limit's last words, and the close."""
    socket = joined(limited())

    assert frames_of(socket, socket.overwhelmed(1)) == last_words("Too many messages per second")
    assert socket.overwhelmed(1) == []


def test_unknown_messages_count_as_broadcasts_do() -> None:
    """They are not answered, and not free."""
    limits = limited()
    effects = say(joined(limits), "whatever", {})

    assert (effects, limits.broadcasts) == ([], 1)


def test_who_wants_to_know_is_told_that_messages_from_the_database_come() -> None:
    """Right after the answer, where nothing is subscribed."""
    socket = session(limited())
    wishes = config(broadcast={"replication_ready": True})
    frames = play(socket, join(config=wishes, access_token=token()))
    payload = {
        "message": "Replication connection established",
        "status": "ok",
        "extension": "system",
        "channel": "org-events",
    }

    assert frames[1:] == [["1", None, TOPIC, "system", payload]]
