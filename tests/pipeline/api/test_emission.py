"""The emission helper never fails its caller, counts, labels and bounds what it writes."""

import asyncio
import json

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.api.emission import Emission, EmissionRules
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.events import PAYLOAD_LIMIT_BYTES, PayloadTooLargeError, RealtimeEvent, payload_text
from loadtests.pipeline.settings import ApiOptions


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
                await emission.emit(connection, each)

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


def test_a_locked_table_holds_a_mutation_up_for_a_bounded_time(
    api: Api, runner: asyncio.Runner, organization: str, database: str
) -> None:
    """The event is given up and counted, and the connection serves the next one."""
    emission = Emission(monotonic_ns=lambda: 0, wall_ns=lambda: 0, rules=EmissionRules(timeout_s=0.05))
    with psycopg.connect(database) as blocker:
        blocker.execute("lock table realtime_events in access exclusive mode")
        emit(api, runner, emission, [event(organization)])
        blocker.rollback()
    emit(api, runner, emission, [event(organization)])

    assert (emission.emitted, emission.not_emitted) == (1, 1)


def test_only_declared_types_are_emitted_as_built(
    api: Api, runner: asyncio.Runner, organization: str, sql: psycopg.Connection
) -> None:
    """The others are not failures: nobody tried."""
    rules = EmissionRules.of(ApiOptions(as_built=True))
    emission = Emission(monotonic_ns=lambda: 0, wall_ns=lambda: 0, rules=rules)
    emit(api, runner, emission, [event(organization), event(organization, event_type="job.deleted")])

    assert rules.timeout_s is None
    assert sql.execute("select event_type from realtime_events").fetchall() == [("job.updated",)]
    assert (emission.emitted, emission.not_emitted) == (1, 0)


def test_coalesced_events_reach_the_table_once_a_minute(
    api: Api, runner: asyncio.Runner, organization: str, sql: psycopg.Connection
) -> None:
    """Of 130 the first 100 pass, then one of its key; the newest of the rest follows a minute later, for all."""
    wall_ns = [7 * 60 * 10**9]
    emission = Emission(monotonic_ns=lambda: 0, wall_ns=lambda: wall_ns[0], rules=EmissionRules(coalesce=True))
    emit(api, runner, emission, [event(organization, payload={"number": number}) for number in range(130)])
    keys_before = sql.execute("select dedupe_key, count(*) from realtime_events group by 1 order by 1").fetchall()
    held = emission.held
    wall_ns[0] += 60 * 10**9

    async def emit_due() -> None:
        async with api.pool.acquire() as connection:
            await emission.emit_due(connection)

    runner.run(emit_due())
    late = sql.execute("select dedupe_key, payload from realtime_events where dedupe_key like '%:8'").fetchall()

    assert keys_before == [("job.updated:j1:7", 1), (None, 100)]
    assert (held, emission.held, emission.merged, emission.emitted) == (1, 0, 28, 102)
    assert late == [("job.updated:j1:8", {"number": 129, "coalesced": 28})]


def test_held_events_wait_for_a_locked_table(
    api: Api, runner: asyncio.Runner, organization: str, database: str
) -> None:
    """No mutation waits for them; what would be lost stands for many changes."""
    rules = EmissionRules(coalesce=True, events_per_minute=1, timeout_s=0.05)
    wall_ns = [0]
    emission = Emission(monotonic_ns=lambda: 0, wall_ns=lambda: wall_ns[0], rules=rules)
    emit(api, runner, emission, [event(organization)] * 4)
    wall_ns[0] += 60 * 10**9

    async def emit_due() -> None:
        async with api.pool.acquire() as connection, asyncio.TaskGroup() as group:
            due = group.create_task(emission.emit_due(connection))
            _, waiting = await asyncio.wait([due], timeout=0.2)
            assert waiting
            blocker.rollback()

    with psycopg.connect(database) as blocker:
        blocker.execute("lock table realtime_events in access exclusive mode")
        runner.run(emit_due())

    assert (emission.held, emission.emitted, emission.not_emitted) == (0, 3, 0)


def test_several_events_are_stored_together_or_not_at_all(
    api: Api, runner: asyncio.Runner, organization: str, sql: psycopg.Connection
) -> None:
    """One that the database refuses takes the others with it, and all of them are counted."""
    emission = Emission(monotonic_ns=lambda: 0, wall_ns=lambda: 0)
    nobody = "00000000-0000-0000-0000-000000000000"

    async def emit_both() -> None:
        async with api.pool.acquire() as connection:
            await emission.emit(connection, event(organization), event(nobody))

    runner.run(emit_both())

    assert (emission.emitted, emission.not_emitted) == (0, 2)
    assert sql.execute("select count(*) from realtime_events").fetchone() == (0,)


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
