"""The first part of a request, before it is a WebSocket."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.door import Answer, Request, read_request


def test_request_is_read() -> None:
    """Names in lower case, the query apart."""
    received = b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a.localhost:1\r\nX-Api-Key:  k \r\n\r\nrest"

    assert read_request(received) == Request(
        path="/socket/websocket", query="vsn=2.0.0", headers={"host": "a.localhost:1", "x-api-key": "k"}
    )


@pytest.mark.parametrize(
    "received",
    [
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
    ],
)
def test_other_requests_are_none(received: bytes) -> None:
    """Only a GET of HTTP/1.1 can become a WebSocket."""
    assert read_request(received) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(received: bytes) -> None:
    """Nothing that is received raises."""
    assert isinstance(read_request(received), Request | None)


def test_answer_closes_the_connection() -> None:
    """Status, length, type, body."""
    answer = Answer(status=HTTPStatus.NOT_FOUND, body=b"{}", content_type="application/json")

    assert answer.to_bytes() == (
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{}"
    )
