"""A join's payload, read as leniently as the real server reads it."""

from typing import Any

import pytest

from loadtests.pipeline.realtime.claims import Claims, VerifiedToken
from loadtests.pipeline.realtime.joining import Join, JoinRefused, is_private, read_join, token_of
from loadtests.pipeline.realtime.policies import PUBLIC, Answer, Policies, Replay
from loadtests.wire.phoenix import Message

VERIFIED = VerifiedToken(claims=Claims(role="authenticated", text="{}"), expires_at_s=10**10)


def joining(payload: object) -> Message:
    """Return a join of a room."""
    return Message(topic="realtime:room", event="phx_join", payload=payload, ref="1", join_ref="1")


def read(**config: Any) -> Join:
    """Return a join with a good token."""
    return read_join(joining({"config": config}), "token", VERIFIED)


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        ({"access_token": "a", "user_token": "u"}, "u"),
        ({"access_token": "a"}, "a"),
        ({"access_token": None, "user_token": "u"}, "u"),
        ({"access_token": 5}, "key"),
        ({"access_token": "sb_publishable_1"}, "key"),
        ({"access_token": "sb_1", "user_token": "u"}, "key"),
        ({}, "key"),
    ],
)
def test_the_older_name_of_the_token_wins(payload: dict[str, Any], token: str) -> None:
    """Without any the socket's own counts, as for keys that are no tokens."""
    assert token_of(joining(payload), "key") == token


@pytest.mark.parametrize(
    ("payload", "private"),
    [
        ({"config": {"private": True}}, True),
        ({"config": {"private": "true"}}, True),
        ({"config": {"private": "yes"}}, False),
        ({"config": {"private": 1}}, False),
        ({"config": None}, False),
        ({}, False),
        (5, False),
    ],
)
def test_private_is_true_or_its_text(payload: object, *, private: bool) -> None:
    """Anything else is its default."""
    assert is_private(joining(payload)) is private


@pytest.mark.parametrize(
    ("replay", "wanted"),
    [
        ({"since": 5, "limit": 3}, Replay(since_ms=5, limit=3)),
        ({"since": 5}, Replay(since_ms=5, limit=25)),
        ({"since": 5, "limit": 1000}, Replay(since_ms=5, limit=25)),
        ({"since": 5, "limit": -1}, Replay(since_ms=5, limit=1)),
        ({}, Replay(since_ms=0, limit=25)),
        ({"since": "5"}, None),
        ("all", None),
    ],
)
def test_at_most_twenty_five_messages_are_replayed(replay: object, wanted: Replay | None) -> None:
    """And at least one."""
    assert read(private=True, broadcast={"replay": replay}).replay == wanted


@pytest.mark.parametrize(
    ("config", "policies", "answer", "reason"),
    [
        ({}, Policies(), Answer(unreachable=True), "UnableToConnectToProject: Realtime was unable to connect to the"),
        ({}, Policies(), Answer(failed=True), "Unauthorized: You do not have permissions to read from this Channel"),
        (
            {"broadcast": {"replay": {}}},
            Policies(hears_presence=True, hears_broadcasts=False),
            Answer(),
            "Unauthorized: You do not have permissions to read from this Channel topic: room",
        ),
        ({"broadcast": {"replay": {"since": []}}}, PUBLIC, Answer(), None),
        ({"broadcast": {"replay": {"since": "x"}}}, PUBLIC, Answer(), "UnableToReplayMessages: Replay params are not"),
        ({"broadcast": {"replay": "x"}}, PUBLIC, Answer(), None),
    ],
)
def test_private_joins_are_refused_in_the_servers_words(
    config: dict[str, Any], policies: Policies, answer: Answer, reason: str | None
) -> None:
    """What is not understood as a replay is none."""
    join = read(private=True, **config)
    if reason is None:
        join.admit_private(policies, answer)
    else:
        with pytest.raises(JoinRefused, match=reason):
            join.admit_private(policies, answer)
