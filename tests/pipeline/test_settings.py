"""The settings survive the pipe between two processes."""

import msgspec
import orjson
import pytest

from loadtests.pipeline.settings import ApiOptions, RealtimeHello, RealtimeOptions, StackSettings


def test_settings_survive_the_pipe() -> None:
    """What one process writes as JSON is what the other reads."""
    settings = StackSettings(
        directory_parent="/somewhere",
        database_url="postgresql://host/db",
        api_port=54321,
        api=ApiOptions(plan_gates=True, pool_size=3),
        realtime=RealtimeOptions(heartbeat_timeout_s=5),
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
