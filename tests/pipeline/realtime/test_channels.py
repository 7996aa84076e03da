"""The protocol of a socket as a table: what a client sends, what it gets. Cases recorded from the real server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.effects import (
    Disconnect,
    Leave,
    Subscribe,
)
from loadtests.wire.phoenix import Message
from tests.pipeline.realtime.sessions import (
    ANON,
    BINDING,
    JOINED,
    OK,
    SUBSCRIBED,
    UNMATCHED,
    at,
    config,
    frames_of,
    join,
    play,
    session,
    token,
)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(
            [[None, "1", "phoenix", "heartbeat", {}], [None, "hb-2", "phoenix", "heartbeat", {}]],
            [[None, "1", "phoenix", "phx_reply", OK], [None, "hb-2", "phoenix", "phx_reply", OK]],
            id="heartbeats, before any join",
        ),
        pytest.param([join()], JOINED, id="join"),
        pytest.param(
            [join(), ["1", "2", "realtime:org-events", "phx_leave", {}]],
            [
                *JOINED,
                ["1", "2", "realtime:org-events", "phx_reply", OK],
                ["1", "1", "realtime:org-events", "phx_close", {}],
            ],
            id="leave: reply, then close with the join's reference",
        ),
        pytest.param(
            [join(), join("2")],
            [
                *JOINED,
                ["2", "2", *JOINED[0][2:]],
                ["1", "1", "realtime:org-events", "phx_close", {}],
                ["2", None, *JOINED[1][2:]],
            ],
            id="joining again closes the earlier channel after the reply",
        ),
        pytest.param(
            [["1", "1", "foo:bar", "phx_join", {}]],
            [[None, "1", "foo:bar", "phx_reply", UNMATCHED]],
            id="a topic outside realtime:",
        ),
        pytest.param(
            [[None, "1", "realtime:not-joined", "broadcast", {"event": "x"}]],
            [[None, "1", "realtime:not-joined", "phx_reply", UNMATCHED]],
            id="a push to a topic that is not joined",
        ),
        pytest.param(
            [[None, "1", "realtime:not-joined", "phx_leave", {}]],
            [[None, "1", "realtime:not-joined", "phx_reply", OK]],
            id="leaving what was never joined is well",
        ),
        pytest.param([join(), ["1", "2", "realtime:org-events", "nonsense", {}]], JOINED, id="an unknown event"),
        pytest.param([join(), ["9", "2", "realtime:org-events", "phx_leave", {}]], JOINED, id="a stale reference"),
        pytest.param(
            [join(), ["1", "2", "realtime:org-events", "access_token", {"access_token": None}]],
            JOINED,
            id="a null token is ignored",
        ),
        pytest.param(
            [join(config=config(), access_token=token())],
            [["1", "1", "realtime:org-events", "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}]],
            id="no bindings: no system message",
        ),
        pytest.param(
            [join(config={"postgres_changes": {"not": "a list"}}, access_token=token())],
            [["1", "1", "realtime:org-events", "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}]],
            id="bindings that are no list",
        ),
        pytest.param(
            [join(config=config(presence={"enabled": True}), access_token=token())],
            [
                ["1", "1", "realtime:org-events", "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}],
                ["1", None, "realtime:org-events", "presence_state", {}],
            ],
            id="presence",
        ),
        pytest.param(
            [
                join(config=config(broadcast={"ack": True}), access_token=token()),
                ["1", "2", "realtime:org-events", "broadcast", {"event": "x"}],
            ],
            [
                ["1", "1", "realtime:org-events", "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}],
                ["1", "2", "realtime:org-events", "phx_reply", OK],
            ],
            id="a broadcast that wants to be acknowledged",
        ),
        pytest.param(
            [join(topic="realtime:")],
            [
                [
                    "1",
                    "1",
                    "realtime:",
                    "phx_reply",
                    {"status": "error", "response": {"reason": "TopicNameRequired: You must provide a topic name"}},
                ]
            ],
            id="an empty topic",
        ),
    ],
)
def test_client_frames_are_answered_as_recorded(sent: list[list[Any]], expected: list[Any]) -> None:
    """Each exchange is the real server's, frame by frame."""
    assert play(session(), *sent) == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("not-a-jwt", "MalformedJWT: The token provided is not a valid JWT"),
        (token(secret="b" * 40), "JwtSignatureError: Failed to validate JWT signature"),
        (token(lives_s=-100), "InvalidJWTToken: Token has expired 100 seconds ago"),
    ],
)
def test_join_with_a_bad_token_is_refused_and_may_be_repeated(bad: str, reason: str) -> None:
    """The socket lives on, and the same topic can be joined with a good token."""
    socket = session()

    refused = play(socket, join(config=config(BINDING), access_token=bad))

    assert refused == [
        ["1", "1", "realtime:org-events", "phx_reply", {"status": "error", "response": {"reason": reason}}]
    ]
    assert play(socket, join()) == JOINED


def test_bad_filter_joins_and_is_told_in_a_system_message() -> None:
    """The join is answered ok; the error follows; nothing is subscribed."""
    bad = {**BINDING, "filter": "organization_id=foo.1"}
    frames = play(session(), join(config=config(bad), access_token=token()))

    assert frames[0][4]["status"] == "ok"
    assert frames[1:] == [
        [
            "1",
            None,
            "realtime:org-events",
            "system",
            {
                "message": 'Error parsing `filter` params: ["foo", "1"]',
                "status": "error",
                "extension": "postgres_changes",
                "channel": "org-events",
            },
        ]
    ]


def test_refused_subscription_is_told_and_the_channel_stays() -> None:
    """What the catalog refuses comes as a system error on the joined channel."""
    socket = session()
    play(socket, join())

    assert [frame[3:] for frame in frames_of(socket, socket.refused(1, "no such table"))] == [
        ["system", {**SUBSCRIBED, "message": "no such table", "status": "error"}]
    ]
    assert socket.channel_count == 1


def test_join_without_token_has_the_claims_of_the_apikey() -> None:
    """`access_token` missing, or a publishable key: the socket's own token counts."""
    subscriptions = [
        effect
        for payload in ({"config": config(BINDING)}, {"config": config(BINDING), "access_token": "sb_publishable_x"})
        for effect in session().receive(Message(topic="realtime:a", event="phx_join", payload=payload), at(0))
        if isinstance(effect, Subscribe)
    ]

    assert [one.claims.role for one in subscriptions] == ["anon", "anon"]


def test_two_tokens_of_one_user_have_equal_claims() -> None:
    """Tokens that differ in their times only are one caller to row-level security."""
    subscriptions = [
        effect
        for lives_s in (100, 200)
        for effect in session().receive(
            Message(
                topic="realtime:a",
                event="phx_join",
                payload={"config": config(BINDING), "access_token": token(lives_s=lives_s)},
            ),
            at(0),
        )
        if isinstance(effect, Subscribe)
    ]

    assert subscriptions[0] == subscriptions[1]


def test_fresh_token_renews_the_subscription_and_the_expiry() -> None:
    """No reply, another "Subscribed to PostgreSQL", and the first token's end no longer matters."""
    socket = session()
    play(socket, join(config=config(BINDING), access_token=token(lives_s=6)))
    fresh = ["1", "2", "realtime:org-events", "access_token", {"access_token": token("user1")}]

    assert play(socket, fresh) == [JOINED[1]]
    assert play(socket, fresh) == []  # the same token again
    assert socket.wake(at(10)) == []


def test_expired_token_ends_the_channel_and_not_the_socket() -> None:
    """At `exp`: a system error, then the close; other channels and heartbeats go on."""
    socket = session()
    play(socket, join(config=config(BINDING), access_token=token(lives_s=6)))
    play(socket, join("2", topic="realtime:second"))
    early, due = socket.wake(at(5.9)), socket.wake(at(6.5))

    assert early == []
    assert frames_of(socket, due) == [
        [
            "1",
            None,
            "realtime:org-events",
            "system",
            {
                "message": "Token has expired 0 seconds ago",
                "status": "error",
                "extension": "system",
                "channel": "org-events",
            },
        ],
        ["1", "1", "realtime:org-events", "phx_close", {}],
    ]
    assert due[-1] == Leave(1)
    assert socket.channel_count == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [(token(lives_s=-5), "Token has expired 5 seconds ago"), (token(secret="b" * 40), ":signature_error")],
)
def test_refresh_with_a_bad_token_ends_the_channel_at_once(bad: str, message: str) -> None:
    """A system error in the server's own words, then the close."""
    socket = session()
    play(socket, join())
    frames = play(socket, ["1", "2", "realtime:org-events", "access_token", {"access_token": bad}])

    assert [frame[3] for frame in frames] == ["system", "phx_close"]
    assert frames[0][4]["message"] == message


def test_silent_socket_is_closed_after_its_time() -> None:
    """60 s without any frame: closed with 1000; a frame, whatever it is, begins the time anew."""
    socket = session()
    socket.heard(at(50))

    assert socket.wake(at(109)) == []
    assert socket.wake_in_s(at(109)) == pytest.approx(1)
    assert socket.wake(at(110)) == [Disconnect(1000)]


def test_timer_is_set_to_the_next_expiry() -> None:
    """A token that ends before the silence would is what the socket is woken for."""
    socket = session()
    play(socket, join(config=config(BINDING), access_token=token(lives_s=6)))

    assert socket.wake_in_s(at(2)) == pytest.approx(4)


def test_gone_socket_leaves_no_subscription() -> None:
    """Every channel is unsubscribed once."""
    socket = session()
    play(socket, join(), join("2", topic="realtime:second"))

    assert socket.end() == [Leave(1), Leave(2)]
    assert socket.end() == []


TOPICS = st.sampled_from(["realtime:a", "realtime:", "phoenix", "x", ""])
EVENTS = st.sampled_from(["phx_join", "phx_leave", "access_token", "broadcast", "presence", "heartbeat", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6) | st.just(ANON),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([
                "config", "access_token", "postgres_changes", "event", "schema", "table", "filter", "broadcast",
                "presence", "ack", "enabled",
            ]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(st.tuples(TOPICS, EVENTS, VALUES, st.sampled_from([None, "1", 2])), max_size=8))
def test_no_message_breaks_a_session(messages: list[tuple[str, str, Any, Any]]) -> None:
    """Whatever a client sends, in whatever types, is answered with frames that can be written."""
    socket = session()
    for number, (topic, event, payload, ref) in enumerate(messages):
        message = Message(topic=topic, event=event, payload=payload, ref=ref, join_ref=ref)
        for frame in frames_of(socket, socket.receive(message, at(number))):
            assert len(frame) == 5
    socket.wake(at(10))

    assert len(socket.end()) <= 1
