"""What the database's catalog says: published tables, columns, types, primary keys, and whether a filter fits.

Owns a few connections. Every answer about a subscription is Realtime's own text for the subscriber.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import orjson

from loadtests.pipeline.realtime.audiences import TableBinding, TableName
from loadtests.pipeline.realtime.bindings import Binding, BindingRefused
from loadtests.pipeline.realtime.comparisons import Comparisons
from loadtests.pipeline.realtime.database import SESSION, UNREACHABLE, condition_name, until_reachable
from loadtests.pipeline.realtime.filters import MAX_IN_VALUES, Condition, TypedCondition
from loadtests.pipeline.realtime.pgoutput import Relation
from loadtests.pipeline.realtime.shared_query import SharedQuery
from loadtests.pipeline.realtime.tables import KeyColumn, Table
from loadtests.pipeline.realtime.values import converter

PUBLICATION: Final = "supabase_realtime"
_CACHED_CASTS: Final = 10_000
_STREAM_ROW_BYTES: Final = 250
_STREAM_COLUMN_BYTES: Final = 52
"""What wal2json's second format spends on a row and on each of its columns, names and types apart."""

_COLUMNS: Final = """
    select p.schemaname, p.tablename, a.attname, t.typname, a.atttypid::regtype::text as type,
           has_column_privilege($4::name, a.attrelid, a.attnum, 'select') as may_select,
           exists (select from pg_operator o where o.oprname = '~~' and o.oprleft = a.atttypid) as has_like,
           exists (
               select from pg_operator o
               where o.oprname = '~' and o.oprleft = a.atttypid and o.oprright = a.atttypid
                 and o.oprresult = 'boolean'::regtype
           ) as has_regex
    from pg_publication_tables p
    join pg_attribute a on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass
    join pg_type t on t.oid = a.atttypid
    where p.pubname = $1 and $2::text in (p.schemaname::text, '*') and $3::text in (p.tablename::text, '*')
      and a.attnum > 0 and not a.attisdropped
    order by p.schemaname, p.tablename, a.attnum
"""
_TAKE: Final = "select set_config('role', $1, true)"
_TYPES: Final = """
    with recursive based as (
        select oid, oid as base, typbasetype as below from pg_type where oid = any ($1::oid[])
        union all
        select b.oid, t.oid, t.typbasetype from based b join pg_type t on t.oid = b.below
    )
    select b.oid, n.typname, t.typname as base, e.typname as element, b.oid::regtype::text as type
    from based b
    join pg_type n on n.oid = b.oid
    join pg_type t on t.oid = b.base
    left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
    where b.below = 0
"""
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
    has_like: bool
    has_regex: bool


_Cast = tuple[str, tuple[str, ...], bool]
"""A value's canonical text; for a list its values too, and whether it has a null."""

_Tables = dict[TableName, dict[str, _Column]]
"""The published tables, each with the columns that the role may select."""


class Catalog:
    """Ask the catalog; equal questions of the same moment are one query."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._tables: SharedQuery[_Question, _Tables] = SharedQuery(self._fetch_tables)
        self._casts: dict[tuple[str, str], _Cast] = {}
        self._taken: set[str] = set()
        """Roles that we could take, as whoever checks row-level security must."""
        self.comparisons = Comparisons(pool)
        """What only the database can compare."""

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
        published = all(row["attname"] in names for row in key)
        described = [types[oid] for oid in oids]
        return Table(
            relation=relation,
            name=(relation.schema, relation.table),
            descriptions=tuple(
                b'{"name": %b, "type": %b}' % (orjson.dumps(name), orjson.dumps(type_["typname"]))
                for name, type_ in zip(names, described, strict=True)
            ),
            converters=tuple(converter(type_["base"], type_["element"]) for type_ in described),
            labels=tuple(orjson.dumps(name) for name in names),
            json_order=tuple(sorted(range(len(names)), key=lambda at: (len(names[at].encode()), names[at].encode()))),
            primary_key=tuple(
                KeyColumn(name=row["attname"], type=row["type"], position=names.index(row["attname"]))
                for row in key
                if published
            ),
            stream_overhead_bytes=_STREAM_ROW_BYTES
            + sum(
                _STREAM_COLUMN_BYTES + len(name.encode()) + len(type_["type"].encode())
                for name, type_ in zip(names, described, strict=True)
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
        return [await self._bind(binding, table, columns) for table, columns in tables.items()]

    async def _bind(self, binding: Binding, table: TableName, columns: dict[str, _Column]) -> TableBinding:
        conditions = tuple([await self._type(columns, condition) for condition in binding.conditions])
        for name in binding.select or ():
            if name not in columns:
                raise asyncpg.RaiseError(f"invalid column for select {name}")
        return TableBinding(
            id=binding.id,
            event=binding.event,
            table=table,
            conditions=conditions,
            select=None if binding.select is None else tuple(sorted(binding.select)),
        )

    async def _fetch_tables(self, question: _Question) -> _Tables:
        role, schema, table = question
        tables: _Tables = {}
        for row in await self._pool.fetch(_COLUMNS, PUBLICATION, schema, table, role):
            columns = tables.setdefault((row["schemaname"], row["tablename"]), {})
            if row["may_select"]:
                columns[row["attname"]] = _Column(
                    type_name=row["typname"],
                    type=row["type"],
                    has_like=row["has_like"],
                    has_regex=row["has_regex"],
                )
        await self._take(role)
        return tables

    async def _take(self, role: str) -> None:
        """Take a role for the length of a statement, the first time; raises what PostgreSQL says if we may not."""
        if role not in self._taken:
            await self._pool.execute(_TAKE, role)
            self._taken.add(role)

    async def _type(self, columns: dict[str, _Column], condition: Condition) -> TypedCondition:
        """Return the condition with its values in the column type's own text form."""
        column = columns.get(condition.column)
        if column is None:
            raise asyncpg.RaiseError(f"invalid column for filter {condition.column}")
        value, values, has_null = _uncast(condition.value)
        match condition.operator:
            case "in":
                value, values, has_null = await self._cast_list(column.type, condition.value)
            case "is":
                _check_keyword(column, condition.value)
            case "like" | "ilike" if not column.has_like:
                raise _needs_text(condition.operator, column.type)
            case "match" | "imatch":
                await self._check_regex(column, condition)
            case "like" | "ilike":
                pass
            case _:
                value, _, _ = await self._cast(column.type, condition.value)
        return TypedCondition(
            column=condition.column,
            type=column.type,
            type_name=column.type_name,
            operator=condition.operator,
            value=value,
            values=values,
            has_null=has_null,
            negated=condition.negated,
        )

    async def _cast(self, type_: str, value: str) -> _Cast:
        """Return the value cast to the type and back to text, which always gives the same: so it is kept."""
        cast = self._casts.get((type_, value))
        if cast is None:
            # The type's name comes from the catalog, quoted by it; the value is a parameter.
            cast = _uncast(await self._pool.fetchval(f"select $1::text::{type_}::text", value))
            self._keep((type_, value), cast)
        return cast

    async def _cast_list(self, type_: str, value: str) -> _Cast:
        """Return a list as it was written, its values in their canonical text, and whether a null is among them."""
        list_type = f"{type_}[]"
        cast = self._casts.get((list_type, value))
        if cast is None:
            values = await self._pool.fetchval(
                f"select array(select v::text from unnest($1::text::{list_type}) as v)",  # noqa: S608 - the type's name is the catalog's
                value,
            )
            if len(values) > MAX_IN_VALUES:
                raise asyncpg.RaiseError(f"too many values for `in` filter. Maximum {MAX_IN_VALUES}")
            cast = (value, tuple(one for one in values if one is not None), None in values)
            self._keep((list_type, value), cast)
        return cast

    def _keep(self, key: tuple[str, str], cast: _Cast) -> None:
        if len(self._casts) >= _CACHED_CASTS:
            self._casts.clear()
        self._casts[key] = cast

    async def _check_regex(self, column: _Column, condition: Condition) -> None:
        if not column.has_regex:
            raise _needs_text(condition.operator, column.type)
        try:
            await self._pool.execute("select '' ~ $1::text", condition.value)
        except UNREACHABLE:
            raise
        except asyncpg.PostgresError as error:
            raise asyncpg.RaiseError(f"invalid regular expression for {condition.operator} filter: {error}") from error


def _uncast(value: str) -> _Cast:
    return (value, (), False)


def _check_keyword(column: _Column, value: str) -> None:
    if value not in ("null", "true", "false", "unknown"):
        raise asyncpg.RaiseError("invalid value for is filter: must be null, true, false, or unknown")
    if value != "null" and column.type != "boolean":
        raise asyncpg.RaiseError(f"is {value} filter requires a boolean column, got {column.type}")


def _needs_text(operator: str, type_: str) -> asyncpg.RaiseError:
    return asyncpg.RaiseError(f"operator {operator} requires a text-compatible column type, got {type_}")


def _as_elixir(error: asyncpg.PostgresError) -> str:
    """Return the error as Postgrex prints it: `ERROR 22P02 (invalid_text_representation) …`."""
    name = condition_name(error)
    if isinstance(error, asyncpg.RaiseError):
        name = "raise_exception"
    detail = f"\n\n{error.detail}" if error.detail else ""
    return f"ERROR {error.sqlstate} ({name}) {error.args[0]}{detail}"
