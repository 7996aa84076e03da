"""By which name a target is called, and where it is."""

from dataclasses import replace

import pytest

from loadtests.wire.endpoint import Endpoint
from loadtests.wire.way import Way

ENDPOINT = Endpoint(
    api_url="",
    realtime_url="ws://10.0.0.7:4000/socket/websocket",
    anon_key="",
    service_key="",
    jwt_secret="",
    database_url="",
)


def test_a_target_is_called_by_its_address() -> None:
    """Unless it says otherwise."""
    assert Way.to(ENDPOINT) == Way(
        url="ws://10.0.0.7:4000/socket/websocket", called=("10.0.0.7", 4000), address=("10.0.0.7", 4000)
    )


@pytest.mark.parametrize(
    ("host", "url", "called"),
    [
        ("tenant.example.org", "ws://tenant.example.org/socket/websocket", ("tenant.example.org", 80)),
        ("tenant.example.org:4000", "ws://tenant.example.org:4000/socket/websocket", ("tenant.example.org", 4000)),
    ],
)
def test_a_tenant_has_a_name_of_its_own(host: str, url: str, called: tuple[str, int]) -> None:
    """The server is where it was; the name is written as it stands in the target file, with or without a port."""
    assert Way.to(replace(ENDPOINT, realtime_host=host)) == Way(url=url, called=called, address=("10.0.0.7", 4000))


def test_ports_that_are_not_written_are_those_of_the_scheme() -> None:
    """443 for wss."""
    way = Way.to(replace(ENDPOINT, realtime_url="wss://abc.supabase.co/realtime/v1/websocket"))

    assert way.called == way.address == ("abc.supabase.co", 443)
