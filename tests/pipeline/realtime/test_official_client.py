"""The official Python client, unmodified, against the server."""

import asyncio
import warnings
from typing import Any

import pytest
from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

from tests.pipeline.realtime.world import RealtimeUnderTest

pytestmark = pytest.mark.e2e


def test_official_client_subscribes_with_a_filter_and_hears_an_insert(realtime: RealtimeUnderTest) -> None:
    """Subscribe, be told SUBSCRIBED and the system message, receive the row under row-level security."""
    member = realtime.user()
    organization = realtime.organization(member)

    async def scenario() -> tuple[list[Any], dict[str, Any], str]:
        statuses: list[Any] = []
        live: asyncio.Queue[Any] = asyncio.Queue()
        changes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        client = AsyncRealtimeClient(f"{realtime.url}/realtime/v1", realtime.anon_key)
        await client.set_auth(realtime.token(member))
        await client.connect()
        channel = client.channel(f"org-{organization}-events")
        channel.on_postgres_changes(
            "INSERT",
            schema="public",
            table="realtime_events",
            filter=f"organization_id=eq.{organization}",
            callback=changes.put_nowait,
        )
        channel.on_system(live.put_nowait)
        await channel.subscribe(lambda status, _error: statuses.append(status))
        await asyncio.wait_for(live.get(), 10)
        event = await asyncio.to_thread(realtime.emit, organization, "job-7", status="active")
        change = await asyncio.wait_for(changes.get(), 10)
        await channel.unsubscribe()
        await client.close()
        return statuses, change, event

    with warnings.catch_warnings():
        warnings.simplefilter("default", DeprecationWarning)  # the client's own, not ours
        statuses, change, event = asyncio.run(scenario())

    assert statuses[0] == RealtimeSubscribeStates.SUBSCRIBED
    assert change["data"]["record"]["id"] == event
    assert change["data"]["record"]["payload"] == {"status": "active"}
    assert change["data"]["type"] == "INSERT"
