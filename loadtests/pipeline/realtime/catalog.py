"""What the database's catalog says: published tables, columns, types, primary keys, and whether a filter fits.

Owns a few connections. Every answer about a subscription is Realtime's own text for the subscriber.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import orjson

from loadtests.pipeline.realtime.audiences import TableBinding, TableName
from loadtests.pipeline.realtime.bindings import Binding, BindingRefused
from loadtests.pipeline.realtime.database import SESSION, UNREACHABLE, until_reachable
from loadtests.pipeline.realtime.filters import Condition, TypedCondition
from loadtests.pipeline.realtime.pgoutput import Relation
from loadtests.pipeline.realtime.shared_query import SharedQuery
from loadtests.pipeline.realtime.tables import KeyColumn, Table
from loadtests.pipeline.realtime.values import converter

PUBLICATION: Final = "supabase_realtime"
_CACHED_CASTS: Final = 10_000

_COLUMNS: Final = """
    select p.schemaname, p.tablename, a.attname, t.typname, format_type(a.atttypid, null) as type,
           has_column_privilege($4::name, a.attrelid, a.attnum, 'select') as may_select
    from pg_publication_tables p
    join pg_attribute a on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass
    join pg_type t on t.oid = a.atttypid
    where p.pubname = $1 and $2::text in (p.schemaname::text, '*') and $3::text in (p.tablename::text, '*')
      and a.attnum > 0 and not a.attisdropped
    order by 1, 2
"""
_TYPES: Final = """
    select t.oid, t.typname, e.typname as element
    from pg_type t left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
    where t.oid = any ($1::oid[])
"""
_HAS_ROW_SECURITY: Final = "select relrowsecurity from pg_class where oid = $1"
_PRIMARY_KEY: Final = """
    select a.attname, format_type(a.atttypid, a.atttypmod) as type
    from pg_index i
    cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = $1 and i.indisprimary
    order by k.position
"""


_Question = tuple[str, str, str]
"""Role, schema or `*`, table or `*`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    type_name: str
    type: str
    """As SQL writes it."""


_Tables = dict[TableName, dict[str, _Column]]
"""The published tables, each with the columns that the role may select."""


class Catalog:
    """Ask the catalog; equal questions of the same moment are one query."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._tables: SharedQuery[_Question, _Tables] = SharedQuery(self._fetch_tables)
        self._casts: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    @classmethod
    async def connect(cls, database_url: str) -> "Catalog":
        """Open the connections."""
        settings = {**SESSION, "application_name": "realtime_catalog"}
        return cls(await asyncpg.create_pool(database_url, min_size=1, max_size=2, server_settings=settings))

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def check(self, role: str, bindings: tuple[Binding, ...]) -> tuple[TableBinding, ...]:
        """Return the bindings on the tables that they mean, for a caller of this role.

        Raises:
            BindingRefused: no such published table, no such column, or a value that is not of its type.
            OSError, asyncpg.PostgresError: the database cannot be reached.

        """
        return tuple([one for binding in bindings for one in await self._resolve(role, binding)])

    async def describe(self, relation: Relation) -> Table:
        """Return what a relation's rows need to become records and to be looked up."""
        return await until_reachable(lambda: self._describe(relation), f"the columns of {relation.table}")

    async def _describe(self, relation: Relation) -> Table:
        oids = [column.type_oid for column in relation.columns]
        types = {row["oid"]: row for row in await self._pool.fetch(_TYPES, oids)}
        names = [column.name for column in relation.columns]
        key = await self._pool.fetch(_PRIMARY_KEY, relation.oid)
        has_row_security = bool(await self._pool.fetchval(_HAS_ROW_SECURITY, relation.oid))
        published = all(row["attname"] in names for row in key)
        listed = [{"name": column.name, "type": types[column.type_oid]["typname"]} for column in relation.columns]
        return Table(
            relation=relation,
            name=(relation.schema, relation.table),
            columns_json=orjson.dumps(listed),
            converters=tuple(converter(types[oid]["typname"], types[oid]["element"]) for oid in oids),
            labels=tuple(orjson.dumps(name) for name in names),
            has_row_security=has_row_security,
            primary_key=tuple(
                KeyColumn(name=row["attname"], type=row["type"], position=names.index(row["attname"]))
                for row in key
                if published
            ),
        )

    async def _resolve(self, role: str, binding: Binding) -> Sequence[TableBinding]:
        try:
            return await self._on_tables(role, binding)
        except UNREACHABLE:
            raise
        except asyncpg.PostgresError as error:
            raise BindingRefused(
                "Unable to subscribe to changes with given parameters. An exception happened so please check your "
                f"connect parameters: {binding.to_elixir()}. Exception: {_as_elixir(error)}"
            ) from error

    async def _on_tables(self, role: str, binding: Binding) -> Sequence[TableBinding]:
        tables = await self._tables.get((role, binding.schema, binding.table))
        if not tables:
            raise BindingRefused(
                "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the "
                f"given connect parameters: {binding.to_elixir()}"
            )
        return [
            TableBinding(
                id=binding.id,
                event=binding.event,
                table=table,
                conditions=tuple([await self._type(columns, condition) for condition in binding.conditions]),
            )
            for table, columns in tables.items()
        ]

    async def _fetch_tables(self, question: _Question) -> _Tables:
        role, schema, table = question
        tables: _Tables = {}
        for row in await self._pool.fetch(_COLUMNS, PUBLICATION, schema, table, role):
            columns = tables.setdefault((row["schemaname"], row["tablename"]), {})
            if row["may_select"]:
                columns[row["attname"]] = _Column(type_name=row["typname"], type=row["type"])
        return tables

    async def _type(self, columns: dict[str, _Column], condition: Condition) -> TypedCondition:
        """Return the condition with its values in the column type's own text form."""
        column = columns.get(condition.column)
        if column is None:
            raise asyncpg.RaiseError(f"invalid column for filter {condition.column}")
        return TypedCondition(
            column=condition.column,
            type_name=column.type_name,
            operator=condition.operator,
            values=await self._cast(column.type, condition.values),
            negated=condition.negated,
        )

    async def _cast(self, type_: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values cast to the type and back to text, which always gives the same: so it is kept."""
        cast = self._casts.get((type_, values))
        if cast is None:
            # The type's name comes from the catalog, quoted by it; the values are parameters.
            query = f"select array(select v::{type_}::text from unnest($1::text[]) as v)"  # noqa: S608
            cast = tuple(await self._pool.fetchval(query, list(values)))
            if len(self._casts) >= _CACHED_CASTS:
                self._casts.clear()
            self._casts[type_, values] = cast
        return cast


def _as_elixir(error: asyncpg.PostgresError) -> str:
    """Return the error as Postgrex prints it: `ERROR 22P02 (invalid_text_representation) …`."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).lower()
    if isinstance(error, asyncpg.RaiseError):
        name = "raise_exception"
    return f"ERROR {error.sqlstate} ({name}) {error}"
