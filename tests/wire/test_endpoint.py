"""The address of a target, as it travels through a pipe."""

import orjson
import pytest

from loadtests.wire.endpoint import Endpoint

HERE = Endpoint(
    api_url="http://127.0.0.1:1",
    realtime_url="ws://127.0.0.1:2/realtime/v1/websocket",
    anon_key="anon",
    service_key="service",
    jwt_secret="secret",
    database_url="postgresql://localhost/db",
)


def test_an_endpoint_survives_the_pipe() -> None:
    """As JSON."""
    assert Endpoint.from_json(orjson.loads(orjson.dumps(HERE.to_json()))) == HERE


def test_an_incomplete_endpoint_is_refused() -> None:
    """The missing key is named."""
    with pytest.raises(KeyError, match="jwt_secret"):
        Endpoint.from_json({key: value for key, value in HERE.to_json().items() if key != "jwt_secret"})


def test_an_endpoint_that_is_printed_shows_no_secret() -> None:
    """Whoever logs one, or fails with one in hand, tells addresses alone."""
    printed = repr(HERE.with_tokens({"somebody": "a token"}))

    assert HERE.realtime_url in printed
    assert not [secret for secret in ("anon", "service", "'secret'", "localhost", "a token") if secret in printed]
