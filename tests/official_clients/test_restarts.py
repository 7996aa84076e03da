"""The official clients, unmodified, find a server again that went away, and do not hear what they missed."""

import signal

import pytest

from loadtests.pipeline.settings import RealtimeOptions
from tests.official_clients.conftest import StartClient
from tests.official_clients.official import CLIENTS, ClientName, RestartableRealtime
from tests.pipeline.realtime.world import RealtimeUnderTest

TOPIC = "org-events"


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize(
    ("how", "options"),
    [
        (signal.SIGTERM, RealtimeOptions(feed="streaming", delay_scale=0.02)),
        (signal.SIGKILL, RealtimeOptions(feed="supabase", delay_scale=0.02)),
    ],
    ids=["stopped", "killed-and-polled"],
)
def test_client_subscribes_again_after_a_restart(
    realtime: RealtimeUnderTest, server: RestartableRealtime, start: StartClient, name: ClientName, how: signal.Signals
) -> None:
    """CHANNEL_ERROR, then SUBSCRIBED without a word from the application; a row of the time between is lost."""
    user = realtime.user()
    organization = realtime.organization(user)
    client = start(name, user)
    client.subscribe_live(TOPIC, organization)
    before = realtime.emit(organization, "before")
    client.until(lambda: client.events(TOPIC), "the row before")

    server.end(how)
    client.until(lambda: "CHANNEL_ERROR" in client.statuses(TOPIC), "CHANNEL_ERROR")
    realtime.emit(organization, "missed")
    server.start()
    client.until_live(TOPIC, times=2)
    after = realtime.emit(organization, "after")
    client.until(lambda: len(client.events(TOPIC)) == 2, "the row after")

    assert client.events(TOPIC) == [before, after]
    assert client.statuses(TOPIC) == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"]
