"""The emission helper never fails its caller, counts, labels and bounds what it writes."""

import asyncio
import json

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.api.emission import (
    PAYLOAD_LIMIT_BYTES,
    Emission,
    PayloadTooLargeError,
    RealtimeEvent,
    payload_text,
)
from loadtests.pipeline.api.endpoint import Api


@pytest.fixture
def emission() -> Emission:
    """Return a helper whose clocks stand still, in minute 7 of wall time."""
    return Emission(monotonic_ns=lambda: 0, wall_ns=lambda: 7 * 60 * 10**9)


def event(organization: str, **fields: object) -> RealtimeEvent:
    """Return an event of this organization."""
    values = {"event_type": "job.updated", "entity_type": "job", "entity_id": "j1", "payload": {"job_id": "j1"}}
    return RealtimeEvent(organization_id=organization, **{**values, **fields})


def emit(api: Api, runner: asyncio.Runner, emission: Emission, events: list[RealtimeEvent]) -> None:
    """Emit these events on one connection."""

    async def all_of_them() -> None:
        async with api.pool.acquire() as connection:
            for each in events:
                await emission.emit_realtime_event(connection, each)

    runner.run(all_of_them())


def test_a_payload_at_the_limit_is_kept_whole() -> None:
    """2048 bytes are allowed, and a space after each colon counts."""
    text = payload_text({"a": "x" * (PAYLOAD_LIMIT_BYTES - len('{"a": ""}'))}, {})

    assert len(text.encode()) == PAYLOAD_LIMIT_BYTES


def test_extras_are_left_out_of_a_payload_that_they_would_burst() -> None:
    """What identifies the event stays."""
    text = payload_text({"job_id": "j1"}, {"note": "x" * 2048})

    assert json.loads(text) == {"job_id": "j1"}


def test_the_limit_counts_bytes_not_characters() -> None:
    """1,100 two-byte characters are too many although they are fewer than 2,048."""
    with pytest.raises(PayloadTooLargeError, match="the limit is 2048"):
        payload_text({"note": "é" * 1100}, {})


def test_events_beyond_a_hundred_a_minute_carry_a_dedupe_key(
    api: Api, runner: asyncio.Runner, emission: Emission, organization: str, sql: psycopg.Connection
) -> None:
    """All 130 rows are there; 30 of them share one label, which holds nothing back."""
    emit(api, runner, emission, [event(organization)] * 130)

    keys = [key for (key,) in sql.execute("select dedupe_key from realtime_events")]
    assert sorted(keys, key=str) == [None] * 100 + ["job.updated:j1:7"] * 30
    assert emission.emitted == 130


def test_a_row_that_the_database_refuses_is_counted_and_forgotten(
    api: Api, runner: asyncio.Runner, emission: Emission, sql: psycopg.Connection, organization: str
) -> None:
    """An unknown organization breaks the foreign key; the next event is emitted as if nothing had been."""
    nobody = "00000000-0000-0000-0000-000000000000"
    emit(api, runner, emission, [event(nobody), event(organization)])

    count = sql.execute("select count(*) from realtime_events").fetchone()
    assert (emission.emitted, emission.not_emitted, count) == (1, 1, (1,))


def test_a_payload_beyond_the_limit_never_reaches_the_database(
    api: Api, runner: asyncio.Runner, emission: Emission, organization: str
) -> None:
    """It is counted as not emitted."""
    emit(api, runner, emission, [event(organization, payload={"note": "x" * 3000})])

    assert (emission.emitted, emission.not_emitted) == (0, 1)


@pytest.mark.e2e
def test_our_measure_of_a_payload_is_the_databases(sql: psycopg.Connection) -> None:
    """For any payload of strings, lists and whole numbers, the byte counts agree."""

    @given(
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            st.one_of(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
                st.integers(),
                st.booleans(),
                st.none(),
                st.lists(st.integers(), max_size=3),
            ),
            max_size=4,
        )
    )
    def measures_agree(payload: dict[str, object]) -> None:
        text = payload_text(payload, {})
        row = sql.execute("select octet_length(%s::jsonb::text)", (text,)).fetchone()
        assert row == (len(text.encode()),)

    measures_agree()
