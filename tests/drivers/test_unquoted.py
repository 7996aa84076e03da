"""What is left of an official client's words, once its key is out of them."""

import logging

import pytest

from loadtests.drivers.unquoted import UnquotedFormatter, unquoted

SECRET = "eyJhbGciOiJIUzI1NiJ9.e30.c2VjcmV0"
PLAIN = "sb_publishable_secret"


@pytest.mark.parametrize("key", [SECRET, PLAIN])
@pytest.mark.parametrize(
    "said",
    [
        "cannot follow redirect to non-secure URI ws://a.example.org/x?apikey={}&vsn=1.0.0",
        "invalid URI: ?vsn=1.0.0&apikey={}#x",
        "https://a.example.org/?token={}: no",
        "{{'apikey': '{}'}} is refused",
        "access_token={} is too old",
    ],
)
def test_no_key_is_left(said: str, key: str) -> None:
    """Neither a token nor another kind of key, wherever it stands."""
    assert key not in unquoted(said.format(key))
    assert "secret" not in unquoted(said.format(key))


def test_a_bare_token_is_left_out() -> None:
    """It is known by its beginning."""
    assert unquoted(f"no such user: {SECRET}!") == "no such user: …!"


def test_what_addresses_lead_to_stays() -> None:
    """And so does a question."""
    assert unquoted("ws://a.example.org/x?apikey=1&v=2 does not answer") == "ws://a.example.org/x?… does not answer"
    assert unquoted("is it running, and is the port right?") == "is it running, and is the port right?"


def test_tracebacks_are_lines_of_the_log_too() -> None:
    """An exception's text stands in them."""
    error = ValueError(f"wss://a.example.org/?apikey={PLAIN}")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "it %s", ("broke",), (ValueError, error, None))

    line = UnquotedFormatter("%(levelname)s %(message)s").format(record)

    assert line.startswith("ERROR it broke")
    assert "ValueError" in line
    assert PLAIN not in line
