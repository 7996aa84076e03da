"""The settings survive the pipe between two processes."""

import msgspec
import orjson
import pytest

from loadtests.pipeline.settings import ApiOptions, PushOptions, RealtimeHello, RealtimeOptions, StackSettings


def test_settings_survive_the_pipe() -> None:
    """What one process writes as JSON is what the other reads."""
    settings = StackSettings(
        directory_parent="/somewhere",
        database_url="postgresql://host/db",
        api_port=54321,
        api=ApiOptions(plan_gates=True, pool_size=3),
        realtime=RealtimeOptions(heartbeat_timeout_s=5),
        push=PushOptions(endpoint_url="http://127.0.0.1:2197", max_attempts=3),
    )

    assert StackSettings.from_json(orjson.loads(orjson.dumps(settings.to_json()))) == settings


def test_a_hello_without_options_takes_the_defaults() -> None:
    """Keys left out keep their defaults, nested ones too."""
    hello = RealtimeHello.from_json({"database_url": "postgresql://host/db", "jwt_secret": "s"})

    assert hello.port == 0
    assert hello.options == RealtimeOptions()


def test_a_wrong_type_is_refused() -> None:
    """A text where a number belongs is an error that names the place."""
    with pytest.raises(msgspec.ValidationError, match=r"pool_size"):
        StackSettings.from_json({"api": {"pool_size": "eight"}})


@pytest.mark.parametrize(
    "contradiction",
    [
        {"as_built": True, "emit_audit_events": True},
        {"as_built": True, "event_limit": "coalesce"},
        {"retention_hours": 0},
        {"events_per_minute": 0},
        {"upstream_latency_ms": -1},
    ],
)
def test_what_makes_no_sense_is_refused(contradiction: dict[str, object]) -> None:
    """Today's code neither emits audit events nor coalesces; a negative latency is none."""
    with pytest.raises(AssertionError):
        ApiOptions(**contradiction)


def test_pushes_go_through_clear_text_only() -> None:
    """The sender has no certificates; the text says what to write."""
    with pytest.raises(AssertionError, match="begin with http://"):
        PushOptions(endpoint_url="https://api.push.example.com")
