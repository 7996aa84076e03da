"""No text of a request becomes SQL: whatever is sent is a value, a known column, or refused."""

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtests.pipeline.gateway.rest.catalog import CatalogColumn, Table
from loadtests.pipeline.gateway.rest.errors import RestRefusal
from loadtests.pipeline.gateway.rest.query import Preferences, read_query
from loadtests.pipeline.gateway.rest.statements import (
    Statement,
    delete_statement,
    insert_statement,
    select_statement,
    update_statement,
)
from tests.pipeline.gateway.conftest import SERVICE_KEY, Ask

UNUSUAL = 'odd "name'
TABLE = Table(
    name="things",
    relation="public.things",
    columns={
        "id": CatalogColumn(quoted="id", type="bigint", default_value="nextval('things_id_seq')", is_key=True),
        "name": CatalogColumn(quoted="name", type="text", default_value=None, is_key=False),
        UNUSUAL: CatalogColumn(quoted='"odd ""name"', type="text", default_value=None, is_key=False),
    },
)
HOSTILE = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    st.sampled_from(
        [
            "'; drop table secrets; --", '"; drop table secrets; --', "\\'; select 1; --", "$1", "$$x$$", "%s", "{}",
            "x' or '1'='1", 'name" from secrets --', "1) or (1=1", "$q$; drop table secrets; $q$", "e'\\''", "\\",
        ]
    ),
)  # fmt: skip


def shape(statement: Statement) -> str:
    """Return the SQL alone."""
    return statement.sql


def test_a_value_is_a_parameter() -> None:
    """Of the column's type."""
    query = read_query([("id", "eq.5"), ("name", "in.(a,b)"), ("or", "(id.gt.7,name.like.x*)")])
    statement = select_statement(TABLE, query, max_rows=10, is_counted=False)

    assert " where (id = cast($1::text as bigint)) and " in statement.sql
    assert statement.arguments == ("5", "a", "b", "7", "x%")


def test_a_name_is_quoted_as_the_catalog_quotes_it() -> None:
    """And an alias as a name."""
    query = read_query([("select", f'"a\\"b":"{UNUSUAL.replace(chr(34), chr(92) + chr(34))}"'), ("order", "name.desc")])
    statement = select_statement(TABLE, query, max_rows=10, is_counted=False)

    assert 'select "odd ""name" as "a""b" from public.things order by name desc limit 10' in statement.sql


@given(HOSTILE, HOSTILE)
def test_the_values_never_change_the_statement(one: str, other: str) -> None:
    """Two requests that differ in values alone are one statement, in every place that takes a value."""
    wanted = Preferences(returns="representation", is_counted=True)

    def statements(value: str) -> list[str]:
        value = value.replace("\0", "")
        query = read_query([("name", f"eq.{value}"), ("id", f"not.in.({orjson.dumps(value).decode()},1)")])
        row = {"name": value, UNUSUAL: [value, {value: value}]}
        return [
            shape(select_statement(TABLE, query, max_rows=10, is_counted=True)),
            shape(insert_statement(TABLE, query, [row, row], wanted)),
            shape(update_statement(TABLE, query, row, wanted)),
            shape(delete_statement(TABLE, query, wanted)),
        ]

    assert statements(one) == statements(other)


@given(HOSTILE)
def test_a_name_that_the_catalog_does_not_have_is_refused(name: str) -> None:
    """In filters, orders, bodies and conflict targets."""
    if name in TABLE.columns:
        return
    merge = Preferences(resolution="merge-duplicates")
    quoted = orjson.dumps(name).decode()
    with pytest.raises(RestRefusal):
        insert_statement(TABLE, read_query([]), [{name: 1}], merge)
    with pytest.raises(RestRefusal):
        update_statement(TABLE, read_query([]), {name: 1}, merge)
    for parameters in ([(quoted, "eq.1")], [("select", quoted)], [("order", quoted)], [("or", f"({quoted}.eq.1)")]):
        with pytest.raises(RestRefusal):
            select_statement(TABLE, read_query(parameters), max_rows=10, is_counted=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | HOSTILE)
def test_whatever_is_written_is_read_back_and_nothing_else_happens(
    ask: Ask, sql: psycopg.Connection, text: str
) -> None:
    """Through HTTP and the real database: as a value, in a filter, and as a name in every place that takes one."""
    text = text.replace("\0", "")
    sql.execute("create table if not exists public.secrets (id int); grant select on public.secrets to service_role")
    made = ask(
        "POST",
        "/rest/v1/organizations",
        SERVICE_KEY,
        json={"name": text},
        headers={"prefer": "return=representation"},
    )
    found = ask("GET", "/rest/v1/organizations", SERVICE_KEY, params={"name": f"eq.{text}", "select": "name"})
    alias = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    for parameters in (
        {"select": f"{alias}:name"}, {"order": text}, {text or "x": "eq.1"}, {"or": f"({alias}.eq.{text})"},
        {"name": f"{text}.1"}, {"on_conflict": text}, {"columns": text}, {"limit": text}, {"name": f"in.{text}"},
    ):  # fmt: skip
        for method in ("GET", "POST", "PATCH", "DELETE"):
            body = {} if method in {"GET", "DELETE"} else {"json": {text: text}}
            answer = ask(method, "/rest/v1/secrets", SERVICE_KEY, params=parameters, **body)
            assert answer.status_code < 500, (method, parameters, answer.text)

    assert made.status_code == 201, made.text
    assert made.json()[0]["name"] == text
    assert {row["name"] for row in found.json()} == {text}
    assert sql.execute("select count(*) from public.secrets").fetchone() == (0,)
