"""Rows become frames for those who asked and may see, in order, each frame built once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from loadtests.pipeline.realtime.audiences import AudienceKey, Audiences, TableBinding
from loadtests.pipeline.realtime.authorizer import Granted, Questions, Rights
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.dispatch import Dispatcher
from loadtests.pipeline.realtime.filters import TypedCondition
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.pgoutput import Column, Relation, Row
from loadtests.pipeline.realtime.tables import Table
from loadtests.wire.changes import decode_change
from loadtests.wire.phoenix import Vsn
from loadtests.wire.plans import PLANS
from tests.pipeline.realtime.tables import described

RELATION = Relation(
    oid=7,
    schema="public",
    table="realtime_events",
    columns=(
        Column(name="id", type_oid=25, in_replica_identity=True),
        Column(name="organization_id", type_oid=25, in_replica_identity=False),
    ),
)
TABLE = described(RELATION, "text", "text")
Authorize = Callable[[Table, Questions, Iterable[str]], Awaitable[Rights]]


class Listener:
    """A channel that remembers what it was given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def deliver(self, frames: bytes, count: int) -> None:
        """Remember the bytes, which must hold so many frames."""
        assert frames.count(b"postgres_changes") == count
        self.writes.append(frames)

    def heard(self) -> list[str]:
        """Return the ids of the rows, in the order of their arrival."""
        return [
            change.event_id or ""
            for part in b"".join(self.writes).split(b"[null,null,")[1:]
            if (change := decode_change(b"[null,null," + part[: part.rindex(b"]") + 1])) is not None
        ]


def row(number: int, org: str = "a") -> Row:
    """Return an inserted row."""
    return Row(
        relation=RELATION, kind="INSERT", new=(b"%d" % number, org.encode()), old=None, committed_us=0, xid=number
    )


def key(user: str, org: str = "a") -> AudienceKey:
    """Return the key of a user's channel on an organization."""
    condition = TypedCondition(column="organization_id", type="text", type_name="text", operator="eq", value=org)
    binding = TableBinding(id=5, event="INSERT", table=TABLE.name, conditions=(condition,))
    return AudienceKey(
        topic="realtime:t",
        vsn=Vsn.V2,
        bindings=(binding,),
        claims=Claims(role="authenticated", text=user),
    )


async def describe(_relation: Relation) -> Table:
    """Return the one table there is."""
    return TABLE


def rights(granted: Granted, roles: Iterable[str], columns: frozenset[int] = frozenset({0, 1})) -> Rights:
    """Return rights with row-level security; every role may select `columns`."""
    known = frozenset(roles)
    return Rights(has_row_security=True, granted=granted, roles=known, selectable=dict.fromkeys(known, columns))


async def grant_all(_table: Table, questions: Questions, roles: Iterable[str]) -> Rights:
    """Let everybody see everything."""
    return rights({(claims, one) for claims, rows in questions.items() for one in rows}, roles)


class NoComparisons:
    """Nothing to be asked: all conditions here can be decided without a database."""

    def knows(self, condition: TypedCondition, text: str) -> bool:
        """Say that it is known."""
        raise AssertionError((condition, text))

    def answer(self, condition: TypedCondition, text: str) -> bool | None:
        """Return nothing."""
        raise AssertionError((condition, text))

    async def learn(self, questions: Iterable[tuple[TypedCondition, str]]) -> None:
        """Learn nothing."""
        raise AssertionError(questions)


def deliver(
    audiences: Audiences, rows: list[Row], authorize: Authorize = grant_all, *, limits: Limits | None = None
) -> Counters:
    """Run rows through a dispatcher until all are delivered; the time is 0."""

    async def scenario() -> Counters:
        counters = Counters()
        dispatcher = Dispatcher(
            audiences,
            describe=describe,
            authorize=authorize,
            comparisons=NoComparisons(),
            limits=limits or Limits(PLANS["unlimited"]),
            counters=counters,
            now_ns=lambda: 0,
        )
        dispatcher.accept(rows)
        running = asyncio.ensure_future(dispatcher.run())
        while dispatcher.waiting_count or dispatcher.is_delivering:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        running.cancel()
        return counters

    return asyncio.run(scenario())


def test_members_of_an_audience_get_the_same_bytes_in_one_write() -> None:
    """Three rows of a batch are joined, in commit order."""
    audiences, first, second = Audiences(), Listener(), Listener()
    audiences.put(first, key("u"))
    audiences.put(second, key("u"))
    deliver(audiences, [row(1), row(2), row(3)])

    assert first.heard() == ["1", "2", "3"]
    assert len(first.writes) == 1
    assert first.writes == second.writes


def test_only_what_matches_is_asked_and_each_pair_once() -> None:
    """The filter comes before row-level security: other organizations' users are not asked about."""
    audiences = Audiences()
    asked: dict[str, list[str]] = {}

    async def note(table: Table, questions: Questions, roles: Iterable[str]) -> Rights:
        for claims, rows in questions.items():
            asked.setdefault(claims.text, []).extend(str(one.xid) for one in rows)
        return await grant_all(table, questions, roles)

    for user, org in [("u", "a"), ("u", "a"), ("v", "a"), ("w", "b")]:
        audiences.put(Listener(), key(user, org))
    deliver(audiences, [row(1), row(2)], note)

    assert asked == {"u": ["1", "2"], "v": ["1", "2"]}


def test_what_is_not_granted_is_not_written() -> None:
    """Of two users only the one who may see a row gets it."""
    audiences, member, outsider = Audiences(), Listener(), Listener()
    audiences.put(member, key("member"))
    audiences.put(outsider, key("outsider"))

    async def members_only(_table: Table, questions: Questions, roles: Iterable[str]) -> Rights:
        granted = {(claims, one) for claims, rows in questions.items() for one in rows if claims.text == "member"}
        return rights(granted, roles)

    counters = deliver(audiences, [row(1)], members_only)

    assert (member.heard(), outsider.heard()) == (["1"], [])
    assert (counters.realtime_rls_checks, counters.realtime_rls_granted) == (2, 1)


def test_fresh_claims_in_the_middle_neither_lose_nor_repeat_a_row() -> None:
    """A channel whose claims are replaced while its rows are being asked about gets each of them once."""
    audiences, listener = Audiences(), Listener()
    audiences.put(listener, key("old"))

    async def replace(table: Table, questions: Questions, roles: Iterable[str]) -> Rights:
        audiences.put(listener, key("new"))
        return await grant_all(table, questions, roles)

    deliver(audiences, [row(number) for number in range(500)], replace)

    assert listener.heard() == [str(number) for number in range(500)]


def test_rows_of_unheard_tables_end_at_once() -> None:
    """Nobody listens: nothing is described, asked or written."""
    counters = deliver(Audiences(), [row(1)])

    assert (counters.realtime_replication_rows, counters.realtime_replication_batches) == (1, 0)


def test_rows_beyond_the_messages_limit_are_discarded_and_counted() -> None:
    """Nothing is written, and what was withheld does not count as delivered, so that the mean can fall."""
    audiences, listener, limits = Audiences(), Listener(), Limits(PLANS["free"])
    audiences.put(listener, key("u"))
    limits.delivered(-10 * 10**9, 100 * 15)
    counters = deliver(audiences, [row(1), row(2)], limits=limits)

    assert listener.writes == []
    assert counters.realtime_replication_poller_changes_skip == {"rate_limited": 2}
    assert not limits.withholds_changes(5 * 10**9)


def test_receivers_count_once_for_each_matching_binding() -> None:
    """Two subscribers of three rows are six messages; with four more, two buckets reach a mean of one a second."""
    audiences, limits = Audiences(), Limits(replace(PLANS["unlimited"], messages_per_s=1))
    for _ in range(2):
        audiences.put(Listener(), key("u"))
    deliver(audiences, [row(1), row(2), row(3)], limits=limits)
    limits.delivered(0, 4)

    assert limits.withholds_changes(5 * 10**9)


def test_role_that_may_not_select_the_key_is_told_of_every_row() -> None:
    """A row with nothing but an error, whatever the filter: as the real server, which looks at privileges first."""
    audiences, listener, other = Audiences(), Listener(), Listener()
    audiences.put(listener, key("u", "nobody's"))

    async def revoke(_table: Table, _questions: Questions, roles: Iterable[str]) -> Rights:
        audiences.put(other, AudienceKey(
            topic="realtime:t", vsn=Vsn.V2, bindings=key("v").bindings, claims=Claims(role="newcomer", text="v")
        ))  # fmt: skip
        return rights(set(), roles, frozenset({1}))

    deliver(audiences, [row(1)], revoke)

    assert b'"record":{},"columns":[],"errors":["Error 401: Unauthorized"]' in listener.writes[0]
    assert b'"commit_timestamp":null' in listener.writes[0]
    assert other.writes == []  # it came after the question, so nothing is known about its role
