"""What a channel asks for: the elements of `config.postgres_changes`, read, checked and given their ids.

Knows the protocol's rules and texts, nothing of the database: which tables and columns there are is the
catalog's answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from loadtests.pipeline.realtime.filters import Condition, FilterRefused, parse

EVENTS: Final = frozenset({"INSERT", "UPDATE", "DELETE"})
ANY: Final = "*"
_ID_BITS: Final = 27


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

    def to_elixir(self) -> str:
        """Return the parameters as the server's error texts show them."""
        filters = ", ".join(condition.to_elixir() for condition in self.conditions)
        return f"[event: {self.event}, schema: {self.schema}, table: {self.table}, filters: [{filters}], select: nil]"


def asked_for(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the binding objects of a join's `config`; nulls are left out, anything but a list is none."""
    asked = config.get("postgres_changes")
    return [one for one in asked if isinstance(one, dict)] if isinstance(asked, list) else []


def echo(asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the join reply's `postgres_changes`: each object as it came, with its id, in the same order.

    Both official clients compare the elements with their own bindings by position and take an id only if it is
    truthy.
    """
    return [{**one, "id": binding_id(one)} for one in asked]


def binding_id(asked: Mapping[str, Any]) -> int:
    """Return the binding's id: a positive 27-bit integer that depends on the object alone."""
    canonical = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    digest = int.from_bytes(hashlib.blake2b(canonical, digest_size=8).digest())
    return digest % ((1 << _ID_BITS) - 1) + 1


def read(asked: Sequence[Mapping[str, Any]]) -> tuple[Binding, ...]:
    """Return the bindings.

    Raises:
        BindingRefused: neither schema nor table, a null or non-text field, or a filter that does not parse.

    """
    return tuple(_read(one) for one in asked)


def _read(asked: Mapping[str, Any]) -> Binding:
    fields = {key: asked[key] for key in ("event", "schema", "table", "filter") if key in asked}
    if not {"schema", "table"} & fields.keys() or not all(isinstance(one, str) for one in fields.values()):
        raise BindingRefused(
            "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: "
            + orjson.dumps(asked).decode()
        )
    event = fields.get("event", ANY).upper()
    try:
        conditions = parse(fields.get("filter", ""))
    except FilterRefused as refusal:
        raise BindingRefused(str(refusal)) from refusal
    return Binding(
        id=binding_id(asked),
        event=event if event in EVENTS else ANY,
        schema=fields.get("schema", "public"),
        table=fields.get("table", ANY),
        conditions=conditions,
    )
