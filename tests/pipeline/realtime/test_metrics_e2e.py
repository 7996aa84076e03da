"""`/metrics` of a running server: what it counts while sockets come, join, are refused and go."""

import urllib.request
from http import HTTPStatus
from urllib.error import HTTPError

import pytest

from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from tests.pipeline.realtime.world import RealtimeUnderTest, organization_binding

pytestmark = pytest.mark.e2e


def test_who_bears_no_token_of_the_service_role_is_turned_away(realtime: RealtimeUnderTest) -> None:
    """403 and nothing else, on both addresses."""
    for path in ("/metrics", "/tenant-metrics"):
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(realtime.url.replace("ws:", "http:") + path)  # noqa: S310 - a loopback address
        assert refused.value.code == HTTPStatus.FORBIDDEN
        assert refused.value.read() == b""


@pytest.mark.parametrize("options", [RealtimeOptions(delay_scale=0)])
def test_joins_changes_and_refusals_are_counted(realtime: RealtimeUnderTest) -> None:
    """Two sockets, one of which joins twice and is refused once; one row, matched by two bindings."""
    member = realtime.user()
    organization = realtime.organization(member)
    binding = organization_binding(organization)
    busy, idle = realtime.socket(), realtime.socket()
    busy.join("realtime:both", realtime.token(member), binding, phoenix.Binding(event="*", schema="*", table="*"))
    busy.join("realtime:none", realtime.token(member), binding)
    busy.send(phoenix.join(topic="realtime:no", ref="9", bindings=[], access_token="not a token"))
    busy.receive()
    realtime.emit(organization)
    for _ in range(2):
        busy.receive()
    idle.ping()
    told = {name: realtime.metric(name) for name in (
        "phoenix_connections_total",
        "realtime_connections_connected",
        'phoenix_channel_joined_total{result="ok"}',
        'phoenix_channel_joined_total{result="error"}',
        'realtime_channel_error{code="MalformedJWT"}',
        "realtime_channel_joins",
        "realtime_channel_db_events",
        "realtime_channel_db_messages_written",
        "realtime_subscriptions_manager_subscribers",
    )}  # fmt: skip

    assert list(told.values()) == [2, 1, 2, 1, 1, 3, 3, 2, 2]
