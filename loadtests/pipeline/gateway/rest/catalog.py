"""Tables as PostgreSQL's catalog describes them: the only source of names that ever stand in a statement.

Asked for each request, so that nothing is stale; knows no request.
"""

from dataclasses import dataclass

from loadtests.pipeline.api.database import Connection

_COLUMNS = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as relation, a.attname::text as name,
       quote_ident(a.attname) as quoted, format_type(a.atttypid, null) as type,
       pg_get_expr(d.adbin, d.adrelid) as default_value,
       coalesce(a.attnum = any (k.conkey), false) as is_key
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum and a.attgenerated = ''
left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
where n.nspname = 'public' and c.relname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by a.attnum
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogColumn:
    """A column; all texts are PostgreSQL's own and may stand in a statement."""

    quoted: str
    type: str
    default_value: str | None
    is_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table or view."""

    name: str
    relation: str
    """Its quoted name, with its schema."""
    columns: dict[str, CatalogColumn]
    """By name, in the table's order."""

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns, quoted."""
        return tuple(column.quoted for column in self.columns.values() if column.is_key)


async def find_table(connection: Connection, name: str) -> Table | None:
    """Return the table of that name in the schema `public`; None if there is none."""
    rows = await connection.fetch(_COLUMNS, name)
    if not rows:
        return None
    columns = {
        row["name"]: CatalogColumn(
            quoted=row["quoted"], type=row["type"], default_value=row["default_value"], is_key=row["is_key"]
        )
        for row in rows
    }
    return Table(name=name, relation=rows[0]["relation"], columns=columns)
