"""What a channel asks for: the elements of `config.postgres_changes`, read, checked and given their ids.

Knows the protocol's rules and texts, nothing of the database: which tables and columns there are is the
catalog's answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from loadtests.pipeline.realtime.elixir import inspect, pretty
from loadtests.pipeline.realtime.filters import Condition, FilterRefused, parse

EVENTS: Final = frozenset({"INSERT", "UPDATE", "DELETE"})
ANY: Final = "*"
_ID_BITS: Final = 27
_REMEMBERED: Final = 4096
_REMEMBERED_LENGTH: Final = 512
"""Of a binding as text; all members of an organization ask for the same, and a storm of joins is theirs."""
_TOKENS: Final = frozenset({"user_token", "auth_token"})


class BindingRefused(ValueError):  # noqa: N818 - an outcome that the subscriber is told
    """A binding that cannot be served; the text is the `message` of the system frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One binding as asked for; `schema` and `table` may be `*`, `event` is upper case or `*`."""

    id: int
    event: str
    schema: str
    table: str
    conditions: tuple[Condition, ...]
    select: tuple[str, ...] | None = None
    """The columns wanted besides the primary key; None wants all."""

    def to_elixir(self) -> str:
        """Return the parameters as the server's error texts show them."""
        filters = pretty([condition.parameters for condition in self.conditions])
        select = pretty(None if self.select is None else list(self.select))
        shown = f"event: {self.event}, schema: {self.schema}, table: {self.table}, filters: {filters}, select: {select}"
        return f"[{shown}]"


def asked_for(config: Mapping[str, Any]) -> list[Any]:
    """Return the elements of a join's `config.postgres_changes`; nulls are left out, anything but a list is none."""
    asked = config.get("postgres_changes")
    return [one for one in asked if one is not None] if isinstance(asked, list) else []


def asked_by_topic(name: str) -> list[dict[str, str]]:
    """Return what a join without `config` asks for: its topic is `schema:table:filter`, the last two optional."""
    return [dict(zip(("schema", "table", "filter"), name.split(":", 2), strict=False))]


def echo(asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the join reply's `postgres_changes`: each object as it came, with its id, in the same order.

    Both official clients compare the elements with their own bindings by position and take an id only if it is
    truthy.
    """
    return [{**one, "id": binding_id(one)} for one in asked]


def binding_id(asked: Mapping[str, Any]) -> int:
    """Return the binding's id: a positive 27-bit integer that depends on the object alone."""
    digest = int.from_bytes(hashlib.blake2b(_canonical(asked), digest_size=8).digest())
    return digest % ((1 << _ID_BITS) - 1) + 1


def _canonical(asked: Mapping[str, Any]) -> bytes:
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)


def read(asked: Sequence[Mapping[str, Any]]) -> tuple[Binding, ...]:
    """Return the bindings.

    Raises:
        BindingRefused: neither schema nor table, a null or non-text field, or a filter that does not parse.

    """
    return tuple(_read_once(one) for one in asked)


def _read_once(asked: Mapping[str, Any]) -> Binding:
    canonical = _canonical(asked)
    return _read_remembered(canonical) if len(canonical) <= _REMEMBERED_LENGTH else _read(asked)


@lru_cache(maxsize=_REMEMBERED)
def _read_remembered(canonical: bytes) -> Binding:
    return _read(orjson.loads(canonical))


def _read(asked: Mapping[str, Any]) -> Binding:
    select = _select(asked)
    fields = {key: asked[key] for key in ("schema", "table", "filter") if key in asked}
    complete = {"schema", "table"} <= fields.keys()
    if not fields or (not complete and "filter" in fields) or not all(isinstance(one, str) for one in fields.values()):
        shown = "<redacted>" if _TOKENS & asked.keys() else inspect(dict(asked))
        raise BindingRefused(
            "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: " + shown
        )
    try:
        conditions = parse(fields.get("filter", ""))
    except FilterRefused as refusal:
        raise BindingRefused(str(refusal)) from refusal
    schema, table = fields.get("schema", "public"), fields.get("table", ANY)
    if select is not None and ANY in (schema, table):
        raise BindingRefused(
            "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name."
        )
    return Binding(
        id=binding_id(asked),
        event=_event(asked.get("event")),
        schema=schema,
        table=table,
        conditions=conditions,
        select=select,
    )


def _event(asked: object) -> str:
    event = asked.upper() if isinstance(asked, str) else ANY
    return event if event in EVENTS else ANY


def _select(asked: Mapping[str, Any]) -> tuple[str, ...] | None:
    select = asked.get("select")
    if isinstance(select, str):
        raise BindingRefused(
            'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]'
        )
    names = [one for one in select if isinstance(one, str)] if isinstance(select, list) else []
    return tuple(names) or None
