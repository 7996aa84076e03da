"""Described tables for tests that have no database."""

import orjson

from loadtests.pipeline.realtime.pgoutput import Relation
from loadtests.pipeline.realtime.tables import KeyColumn, Table
from loadtests.pipeline.realtime.values import converter


def described(relation: Relation, *type_names: str, key: tuple[int, ...] = (0,)) -> Table:
    """Return the description of a relation whose columns have these types; `key` are the positions of its key."""
    names = [column.name for column in relation.columns]
    return Table(
        relation=relation,
        name=(relation.schema, relation.table),
        descriptions=tuple(
            b'{"name": %b, "type": %b}' % (orjson.dumps(name), orjson.dumps(type_name))
            for name, type_name in zip(names, type_names, strict=True)
        ),
        converters=tuple(converter(type_name) for type_name in type_names),
        labels=tuple(orjson.dumps(name) for name in names),
        json_order=tuple(sorted(range(len(names)), key=lambda at: (len(names[at]), names[at]))),
        primary_key=tuple(KeyColumn(name=names[at], type=type_names[at], position=at) for at in key),
        stream_overhead_bytes=500,
    )
