"""The official clients, unmodified, hear the rows that they may see and no others."""

import time

import pytest

from loadtests.pipeline.settings import RealtimeOptions
from tests.official_clients.conftest import StartClient
from tests.official_clients.official import CLIENTS, ClientName, OfficialClient
from tests.pipeline.realtime.world import RealtimeUnderTest

TOPIC = "org-events"
EACH_CLIENT = pytest.mark.parametrize("name", CLIENTS)
EACH_FEED = pytest.mark.parametrize(
    "options",
    [RealtimeOptions(feed="streaming", delay_scale=0.02), RealtimeOptions(feed="supabase", delay_scale=0.02)],
    ids=["streaming", "polled"],
)


@EACH_CLIENT
@EACH_FEED
def test_member_hears_a_row_and_an_outsider_does_not(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName
) -> None:
    """Both ask for the same organization; the outsider then hears a later row of an organization of its own."""
    insider, outsider = realtime.user(), realtime.user()
    organization, elsewhere = realtime.organization(insider), realtime.organization(outsider)
    member, stranger = start(name, insider), start(name, outsider)
    member.subscribe_live(TOPIC, organization)
    stranger.subscribe_live(TOPIC, organization)
    stranger.subscribe_live("own", elsewhere)

    event = realtime.emit(organization, "job-7", status="active")
    later = realtime.emit(elsewhere)
    member.until(lambda: member.events(TOPIC), "the row")
    stranger.until(lambda: stranger.events("own"), "the row of its own organization")

    assert member.events(TOPIC) == [event]
    (change,) = member.all_of("change")
    assert change["row"]["entity_id"] == "job-7"
    assert change["row"]["payload"] == {"status": "active"}
    assert stranger.events("own") == [later]
    assert stranger.events(TOPIC) == []
    assert member.all_of("complaint") == stranger.all_of("complaint") == []


@EACH_CLIENT
def test_client_hears_updates_and_deletions_too(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName
) -> None:
    """Ask for all changes without a filter: an update shows the new row, a deletion nothing but the key."""
    user = realtime.user()
    client = start(name, user)
    client.subscribe(TOPIC, event="*")
    client.until_live(TOPIC)

    event = realtime.emit(realtime.organization(user))
    client.until(lambda: len(client.events(TOPIC)) == 1, "the insertion")  # a row is shown for as long as it is there
    realtime.execute("update realtime_events set entity_id = 'job-9' where id = %s", event)
    client.until(lambda: len(client.events(TOPIC)) == 2, "the update")
    realtime.execute("delete from realtime_events where id = %s", event)
    client.until(lambda: len(client.events(TOPIC)) == 3, "the deletion")

    inserted, updated, deleted = client.all_of("change")
    assert [change["type"] for change in (inserted, updated, deleted)] == ["INSERT", "UPDATE", "DELETE"]
    assert inserted["row"]["entity_id"] == "job-1"
    assert updated["row"] == {**inserted["row"], "entity_id": "job-9"}
    assert updated["old"] == deleted["old"] == {"id": event}
    assert client.all_of("complaint") == []


@EACH_CLIENT
@EACH_FEED
def test_token_replaced_in_time_keeps_the_channel_open(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName
) -> None:
    """A token that is about to end is followed by a new one: after the old one's end a row still arrives."""
    user = realtime.user()
    organization = realtime.organization(user)
    client = start(name, user)
    client.subscribe_live(TOPIC, organization)
    first = realtime.emit(organization)
    client.until(lambda: client.events(TOPIC), "the first row")

    ends_s = time.time() + 3
    client.tell("refresh", token=realtime.token(user, lives_s=2))
    client.tell("refresh", token=realtime.token(user))
    client.until_live(TOPIC, times=2)
    client.until(lambda: time.time() > ends_s, "nothing: the shorter token's end")
    second = realtime.emit(organization)
    client.until(lambda: len(client.events(TOPIC)) == 2, "the second row")

    assert client.events(TOPIC) == [first, second]
    assert client.statuses(TOPIC) == ["SUBSCRIBED"]
    assert client.all_of("complaint") == []


@EACH_CLIENT
def test_token_of_another_user_brings_that_users_rows(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName
) -> None:
    """An outsider hears nothing but its own organization; with a member's token it hears the next row."""
    insider, outsider = realtime.user(), realtime.user()
    organization, elsewhere = realtime.organization(insider), realtime.organization(outsider)
    client = start(name, outsider)
    client.subscribe_live(TOPIC, organization)
    client.subscribe_live("own", elsewhere)
    realtime.emit(organization, "hidden")
    realtime.emit(elsewhere)
    client.until(lambda: client.events("own"), "the row of its own organization, committed after the hidden one")

    client.tell("refresh", token=realtime.token(insider))
    client.until_live(TOPIC, times=2)
    seen = realtime.emit(organization, "seen")
    client.until(lambda: client.events(TOPIC), "a row")

    assert client.events(TOPIC) == [seen]


def test_javascript_client_fetches_a_new_token_with_its_heartbeat(
    realtime: RealtimeUnderTest, start: StartClient
) -> None:
    """Its `accessToken` callback is asked at each heartbeat: nobody calls `setAuth`, and the channel lives on."""
    user = realtime.user()
    organization = realtime.organization(user)
    ends_s = time.time() + 5
    client = start("supabase-js", user, lives_s=4, heartbeat_s=1)
    client.subscribe_live(TOPIC, organization)

    client.tell("renew", token=realtime.token(user))
    client.until_live(TOPIC, times=2)
    client.until(lambda: time.time() > ends_s, "nothing: the first token's end")
    event = realtime.emit(organization)
    client.until(lambda: client.events(TOPIC), "the row")

    assert client.events(TOPIC) == [event]
    assert client.statuses(TOPIC) == ["SUBSCRIBED"]


@EACH_CLIENT
def test_expired_token_closes_the_channel_and_says_why(
    realtime: RealtimeUnderTest, start: StartClient, name: ClientName
) -> None:
    """The system error, then CLOSED: the Python client counts the first as an error, the other only passes it on."""
    user = realtime.user()
    client = start(name, user, lives_s=3)
    client.subscribe_live(TOPIC, realtime.organization(user))

    client.until(lambda: "CLOSED" in client.statuses(TOPIC), "CLOSED")

    assert "Token has expired" in _last_words(client, name)
    expected = ["SUBSCRIBED", "CLOSED"] if name == "supabase-js" else ["SUBSCRIBED", "CHANNEL_ERROR", "CLOSED"]
    assert client.statuses(TOPIC) == expected


def test_system_error_leads_the_python_client_into_closing_its_own_channel(
    realtime: RealtimeUnderTest, start: StartClient
) -> None:
    """It joins again while the channel is open, and takes the close of the old channel for that of the new one."""
    client = start("realtime", realtime.user())
    client.subscribe(TOPIC, event="INSERT", filter_text="no_such_column=eq.1")

    client.until(lambda: "CLOSED" in client.statuses(TOPIC), "CLOSED")

    assert client.statuses(TOPIC) == ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED", "CLOSED"]
    assert "invalid column for filter no_such_column" in _last_words(client, "realtime")


def test_javascript_client_keeps_its_channel_after_a_system_error(
    realtime: RealtimeUnderTest, start: StartClient
) -> None:
    """It passes the error on and stays subscribed: what it broadcasts is answered as before."""
    client = start("supabase-js", realtime.user())
    client.subscribe(TOPIC, event="INSERT", filter_text="no_such_column=eq.1")

    client.until(lambda: client.all_of("system", status="error"), "the error")
    client.tell("broadcast", topic=TOPIC, event="greeting", payload={})
    client.until(lambda: client.answers("broadcast"), "an answer")

    assert "invalid column for filter no_such_column" in _last_words(client, "supabase-js")
    assert client.statuses(TOPIC) == ["SUBSCRIBED"]
    assert client.answers("broadcast") == ["ok"]


def _last_words(client: OfficialClient, name: ClientName) -> str:
    """Return the system error as the application hears it."""
    if name == "supabase-js":
        (told,) = client.all_of("system", status="error")
        return str(told["message"])
    (told,) = client.all_of("status", status="CHANNEL_ERROR")
    return str(told["why"])
