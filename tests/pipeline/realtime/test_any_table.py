"""Tables the server has never heard of: filters, privileges and keys are what the catalog says."""

import json
from typing import Any

import pytest

from loadtests.wire import phoenix
from loadtests.wire.phoenix import Message, Other, Reply, System
from tests.pipeline.realtime.world import RealtimeUnderTest, Socket

pytestmark = pytest.mark.e2e
TOPIC = "realtime:things"
SCHEMA = """
    create domain amount as numeric;
    create table things (
        id int primary key, name text, price amount, at timestamptz, is_new bool, tags text[], secret text
    );
    grant select (id, name, price, at, is_new, tags) on things to authenticated;
    alter publication supabase_realtime add table things
"""
ROWS = """
    insert into things values
        (1, 'apple', 1.50, '2026-01-01 00:00+00', true, '{a}', 'x'),
        (2, 'Banana', 1.5, '2026-01-01 00:00:00.5+00', false, '{b,"c d"}', 'x'),
        (3, null, 10, 'infinity', null, null, 'x'),
        (4, 'b%%', null, null, null, '{}', 'x')
"""


@pytest.fixture
def things(realtime: RealtimeUnderTest) -> RealtimeUnderTest:
    """Return a server whose database has the table."""
    realtime.execute(SCHEMA)
    return realtime


def subscribe(things: RealtimeUnderTest, *bindings: dict[str, object]) -> tuple[Socket, System]:
    """Join with bindings on the table; return the socket and what the subscription led to."""
    socket = things.socket()
    asked = [{"event": "*", "schema": "public", "table": "things", **binding} for binding in bindings]
    payload = {"config": {"postgres_changes": asked}, "access_token": things.token(things.user())}
    socket.send(Message(topic=TOPIC, event="phx_join", payload=payload, ref="1", join_ref="1"))
    reply, system = socket.receive(), socket.receive()
    assert isinstance(reply, Reply)
    assert isinstance(system, System)
    return socket, system


def next_data(socket: Socket) -> dict[str, Any]:
    """Return the `data` of the next change."""
    data: dict[str, Any] = json.loads(socket.connection.recv(10))[4]["data"]
    return data


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("price=eq.1.5", [1, 2]),
        ("price=not.eq.1.50", [3]),
        ("price=in.(10,1.500)", [1, 2, 3]),
        ("price=gt.9", [3]),
        ("price=isdistinct.10", [1, 2, 4]),
        ("name=like.b\\%", [4]),
        ("name=ilike.B%", [2, 4]),
        ("name=not.ilike.b%", [1]),
        ("name=match.^[a-z]+$", [1]),
        ("name=imatch.^[a-z]+$", [1, 2]),
        ("name=is.null", [3]),
        ("name=not.is.null", [1, 2, 4]),
        ("name=isdistinct.apple", [2, 3, 4]),
        ('name=in.("apple","b%")', [1, 4]),
        ("at=gte.2026-01-01T00:00:00.25Z", [2, 3]),
        ("at=eq.2026-01-01 01:00+01", [1]),
        ("is_new=is.true", [1]),
        ("is_new=not.is.true", [2, 3, 4]),
        ("is_new=is.unknown", [3, 4]),
        ("id=gte.2,id=lt.4", [2, 3]),
        (r'tags=eq."{b,\"c d\"}"', [2]),
    ],
)
def test_filters_mean_what_postgres_says(things: RealtimeUnderTest, filter_: str, expected: list[int]) -> None:
    """Every operator, on types with an order, a collation or several spellings of their own."""
    socket, system = subscribe(things, {"filter": filter_}, {"filter": "id=eq.99"})
    assert system.ok, system.message
    things.execute(ROWS)
    things.execute("insert into things (id) values (99)")
    found: list[int] = []
    while 99 not in found:
        found.append(next_data(socket)["record"]["id"])

    assert found == [*expected, 99]


def test_a_pattern_that_cannot_be_matched_spoils_no_other(things: RealtimeUnderTest) -> None:
    """It is valid as a value, and fails when it is compared: its own binding hears nothing."""
    socket, system = subscribe(things, {"filter": "name=like.a\\"}, {"filter": "name=like.a%"})
    things.execute(ROWS)
    ids = json.loads(socket.connection.recv(10))[4]["ids"]

    assert system.ok, system.message
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ({"filter": "secret=eq.x"}, "ERROR P0001 (raise_exception) invalid column for filter secret"),
        ({"select": ["id", "secret"]}, "ERROR P0001 (raise_exception) invalid column for select secret"),
        ({"filter": "id=like.1%"}, "operator like requires a text-compatible column type, got integer"),
        ({"filter": "name=match.("}, "invalid regular expression for match filter: invalid regular expression: parentheses () not balanced"),  # noqa: E501
        ({"filter": "name=is.maybe"}, "invalid value for is filter: must be null, true, false, or unknown"),
        ({"filter": "name=is.true"}, "is true filter requires a boolean column, got text"),
        ({"filter": f"id=in.({','.join(map(str, range(101)))})"}, "too many values for `in` filter. Maximum 100"),
        ({"filter": "at=gt.soon"}, 'ERROR 22007 (invalid_datetime_format) invalid input syntax for type timestamp with time zone: "soon"'),  # noqa: E501
        ({"filter": "price=eq.1,name=eq.a,,"}, "Error parsing `filter` params: filter must not contain empty segments (check for extra commas)"),  # noqa: E501
        ({"table": "*", "select": ["id"]}, "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name."),  # noqa: E501
        ({"select": "id"}, 'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]'),  # noqa: E501
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_told(things: RealtimeUnderTest, binding: dict[str, object], message: str) -> None:
    """In the words of the real server's own checks."""
    _, system = subscribe(things, binding)

    assert not system.ok
    assert system.message.endswith(message)


def test_only_columns_that_the_role_may_select_are_shown(things: RealtimeUnderTest) -> None:
    """Neither their names nor their values; a domain's values are those of its base."""
    socket, _ = subscribe(things, {})
    things.execute("insert into things (id, price, secret) values (1, 2.50, 'x')")
    data = next_data(socket)

    assert data["record"] == {
        "id": 1, "name": None, "price": 2.5, "at": None, "is_new": None, "tags": None,
    }  # fmt: skip
    assert {"name": "price", "type": "amount"} in data["columns"]
    assert "secret" not in json.dumps(data)


def test_selected_columns_come_with_the_key(things: RealtimeUnderTest) -> None:
    """In the record, in the old record, and in the list of columns."""
    things.execute("alter table things replica identity full")
    socket, _ = subscribe(things, {"select": ["name"]})
    things.execute("insert into things (id, name, price) values (1, 'a', 1)")
    things.execute("update things set name = 'b'")
    inserted, updated = next_data(socket), next_data(socket)

    assert inserted["record"] == {"id": 1, "name": "a"}
    assert [column["name"] for column in inserted["columns"]] == ["id", "name"]
    assert (updated["record"], updated["old_record"]) == ({"id": 1, "name": "b"}, {"id": 1, "name": "a"})


def test_table_without_row_security_shows_rows_that_are_gone(things: RealtimeUnderTest) -> None:
    """Nothing is looked up, so a row that was deleted in its own transaction still comes; so does all of its end."""
    things.execute("alter table things replica identity full")
    socket, _ = subscribe(things, {})
    things.execute("insert into things (id, name) values (1, 'a'); delete from things")
    inserted, deleted = next_data(socket), next_data(socket)

    assert (inserted["type"], inserted["record"]["name"]) == ("INSERT", "a")
    assert (deleted["type"], deleted["old_record"]["name"]) == ("DELETE", "a")


def test_table_without_a_key_has_only_errors_to_tell(things: RealtimeUnderTest) -> None:
    """Error 400 for every row, whatever the filter."""
    things.execute("alter table things drop constraint things_pkey")
    socket, _ = subscribe(things, {"filter": "id=eq.5"})
    things.execute("insert into things (id) values (1)")
    data = next_data(socket)

    assert (data["record"], data["errors"]) == ({}, ["Error 400: Bad Request, no primary key"])


def test_join_without_config_hears_changes_by_their_kind(things: RealtimeUnderTest) -> None:
    """The older protocol: the event is the kind, the payload the data."""
    socket = things.socket()
    payload = {"access_token": things.token(things.user())}
    topic = "realtime:public:things:id=eq.1"
    socket.send(Message(topic=topic, event="phx_join", payload=payload, ref="1", join_ref="1"))
    assert isinstance(socket.receive(), Reply)
    assert isinstance(socket.receive(), System)
    things.execute("insert into things (id) values (1)")
    change = socket.receive()

    assert isinstance(change, Other)
    assert (change.message.topic, change.message.event) == (topic, "INSERT")
    assert change.message.payload["record"]["id"] == 1


def test_refused_join_holds_up_the_whole_socket(realtime: RealtimeUnderTest) -> None:
    """A heartbeat that is sent while a join is being refused is answered after the refusal."""
    socket = realtime.socket()
    socket.send(phoenix.join(topic=TOPIC, ref="1", bindings=[], access_token="garbage"))
    socket.send(phoenix.heartbeat(ref="2"))
    answers = [socket.receive(), socket.receive()]

    assert [one.ref for one in answers if isinstance(one, Reply)] == ["1", "2"]
