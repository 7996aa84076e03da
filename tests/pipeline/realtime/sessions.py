"""A socket's state machine under test, and what clients send it."""

import json
from typing import Any

from loadtests.pipeline.realtime.bindings import binding_id
from loadtests.pipeline.realtime.channels import Session
from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.effects import Effect, Refuse, Send, ShowPresence, Subscribe
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.moment import Moment
from loadtests.wire.phoenix import Vsn, decode_client, encode_server
from loadtests.wire.plans import PLANS
from loadtests.wire.tokens import mint

SECRET = "a secret of at least thirty-two bytes"
NOW_S = 1_800_000_000
ORG = "11111111-1111-4111-8111-111111111111"
BINDING = {"event": "INSERT", "schema": "public", "table": "realtime_events", "filter": f"organization_id=eq.{ORG}"}
ECHOED = {**BINDING, "id": binding_id(BINDING)}
SUBSCRIBED = {
    "message": "Subscribed to PostgreSQL",
    "status": "ok",
    "extension": "postgres_changes",
    "channel": "org-events",
}
OK: dict[str, Any] = {"status": "ok", "response": {}}
UNMATCHED = {"status": "error", "response": {"reason": "unmatched topic"}}


def token(subject: str = "user0", *, lives_s: int = 3600, secret: str = SECRET) -> str:
    """Return a user's token."""
    return mint(secret, role="authenticated", expires_at_s=NOW_S + lives_s, subject=subject)


ANON = mint(SECRET, role="anon", expires_at_s=NOW_S + 10**6)


def at(seconds: float) -> Moment:
    """Return the moment so many seconds after the socket opened."""
    return Moment(monotonic_ns=round(seconds * 1e9), unix_s=NOW_S + seconds)


def session() -> Session:
    """Return a socket that has just opened with the anonymous key."""
    limits = Limits(PLANS["unlimited"])
    return Session(
        apikey=ANON,
        verifier=TokenVerifier(SECRET),
        limits=limits,
        silence_timeout_s=60,
        now=at(0),
        new_key=lambda: "made up",
    )


def config(*bindings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a join's config as the official clients send it."""
    return {
        "broadcast": {"ack": False, "self": False},
        "presence": {"key": "", "enabled": False},
        "private": False,
        "postgres_changes": list(bindings),
        **more,
    }


def join(ref: str = "1", *, topic: str = "realtime:org-events", **payload: Any) -> list[Any]:
    """Return a join; without other wishes for the binding with a user's token."""
    return [ref, ref, topic, "phx_join", payload or {"config": config(BINDING), "access_token": token()}]


def play(socket: Session, *frames: list[Any], now: Moment | None = None) -> list[Any]:
    """Send frames and return what comes back, each subscription being served at once."""
    received: list[Any] = []
    for frame in frames:
        effects = socket.receive(decode_client(json.dumps(frame), Vsn.V2), now or at(0))
        received += frames_of(socket, effects)
    return received


def frames_of(socket: Session, effects: list[Effect]) -> list[Any]:
    """Return the frames among the effects and those that follow from serving the subscriptions."""
    frames: list[Any] = []
    for effect in effects:
        if isinstance(effect, Send | Refuse):
            message = effect.message if isinstance(effect, Send) else effect.reply
            frames.append(json.loads(encode_server(message, Vsn.V2)))
        if isinstance(effect, ShowPresence):
            frames += frames_of(socket, socket.presence(effect.channel, {}))
        if isinstance(effect, Subscribe):
            frames += frames_of(socket, socket.subscribed(effect.channel))
    return frames


JOINED = [
    ["1", "1", "realtime:org-events", "phx_reply", {"status": "ok", "response": {"postgres_changes": [ECHOED]}}],
    ["1", None, "realtime:org-events", "system", SUBSCRIBED],
]


def effects_of(socket: Session, *frames: list[Any]) -> list[Effect]:
    """Return all effects of some frames."""
    return [effect for frame in frames for effect in socket.receive(decode_client(json.dumps(frame), Vsn.V2), at(0))]
