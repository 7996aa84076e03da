"""What a handler sees of a request."""

from starlette.types import Message

from loadtests.pipeline.api.request import Request


async def nothing() -> Message:
    """Return no body."""
    return {"type": "http.request"}


def request(*headers: tuple[bytes, bytes], query: bytes = b"") -> Request:
    """Return a request with these headers, named in lower case as servers do."""
    return Request({"method": "GET", "headers": list(headers), "query_string": query}, nothing)


def test_of_two_headers_of_one_name_the_first_counts() -> None:
    """As with the framework's own request."""
    assert request((b"x-request-id", b"one"), (b"x-request-id", b"two")).header(b"x-request-id") == "one"


def test_a_header_that_is_not_there_is_none() -> None:
    """Not an empty one."""
    assert request((b"x-empty", b"")).header(b"x-empty") == ""
    assert request().header(b"x-empty") is None


def test_a_header_is_latin_1() -> None:
    """Any byte has its character, so that an id can be sent back as it came."""
    assert request((b"x-request-id", b"\xe9")).header(b"x-request-id") == "é"


def test_a_parameter_is_decoded() -> None:
    """And None where there is no query, or no such parameter."""
    assert request(query=b"organization_id=a%20b&page=2").query_param("organization_id") == "a b"
    assert request(query=b"page=2").query_param("organization_id") is None
    assert request().query_param("organization_id") is None


def test_without_a_route_there_are_no_path_parameters() -> None:
    """What is answered with 404 is a request too."""
    assert request().path_params == {}
