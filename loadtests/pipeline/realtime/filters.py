"""The `filter` of a binding: its grammar, and whether a row satisfies it.

Grammar and error texts are those of Supabase Realtime (`CdcRls.Subscriptions`): `column=operator.value`,
comma-separated conditions must all hold, `not.` negates, commas in parentheses or quotes do not separate.
Values are compared in PostgreSQL's own text form, into which the catalog has cast them, where equal text is equal
value; all other comparisons are PostgreSQL's to make (`comparisons`).
"""

import operator as operators
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from loadtests.pipeline.realtime.elixir import inspect

OPERATORS: Final = frozenset({
    "eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "match", "imatch", "is", "isdistinct",
})  # fmt: skip
MAX_IN_VALUES: Final = 100

_EQUALITY: Final = frozenset({"eq", "neq", "in", "isdistinct"})
_ONE_SPELLING: Final = frozenset({
    "uuid", "text", "varchar", "bool", "int2", "int4", "int8", "oid", "date", "timestamp", "timestamptz",
})  # fmt: skip
"""Types whose values are equal exactly if their text forms are."""
_INTEGERS: Final = frozenset({"int2", "int4", "int8", "oid"})
_ORDER: Final = {"lt": operators.lt, "lte": operators.le, "gt": operators.gt, "gte": operators.ge}
_KEYWORDS: Final = {"true": "t", "false": "f"}


class Absent(Enum):
    """A column that the write-ahead log does not carry: an unchanged large value, or not part of the key."""

    VALUE = "absent"


ABSENT: Final = Absent.VALUE
Text = str | None | Absent
"""A column's value: PostgreSQL's text form, SQL null, or not known."""


class FilterRefused(ValueError):  # noqa: N818 - an outcome that the subscriber is told
    """The filter cannot be served; the text is what the subscriber is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One `column=operator.value` as the subscriber wrote it."""

    column: str
    operator: str
    value: str
    """Without its quotes; of `in` the list as an array literal of PostgreSQL."""
    negated: bool = False

    @property
    def parameters(self) -> tuple[str | bool, ...]:
        """Return the condition as the server's error texts show it."""
        return (self.column, self.operator, self.value, self.negated)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCondition:
    """A condition whose value is in the column type's canonical text form."""

    column: str
    type: str
    """As SQL writes it."""
    type_name: str
    """As the catalog names it."""
    operator: str
    value: str
    """The value; of `in` an array literal."""
    values: tuple[str, ...] = ()
    """The values of `in`, without nulls."""
    has_null: bool = False
    """Whether `in` lists a null, of which nobody can say that a value is not it."""
    negated: bool = False

    @property
    def indexed_value(self) -> str | None:
        """The one text that the column must have, if the condition is such; otherwise None."""
        plain = self.operator == "eq" and not self.negated and self.type_name in _ONE_SPELLING
        return self.value if plain else None

    @property
    def is_for_the_database(self) -> bool:
        """Whether only PostgreSQL can compare these values."""
        if self.operator == "is":
            return False
        if self.operator in _EQUALITY:
            return self.type_name not in _ONE_SPELLING
        return not (self.operator in _ORDER and self.type_name in _INTEGERS)

    def holds(self, value: Text, ask: Callable[["TypedCondition", str], bool | None]) -> bool:
        """Whether a row with this value in the column satisfies the condition; what is not known never does.

        `ask` is PostgreSQL's answer, without the negation, where only PostgreSQL can compare.
        """
        if value is ABSENT:
            return False
        if self.operator == "is":
            return self._is(value) != self.negated
        if value is None:
            return self._holds_for_null()
        result = ask(self, value) if self.is_for_the_database else self._compare(value)
        return result is not None and result != self.negated

    def _holds_for_null(self) -> bool:
        if self.operator == "in":
            # Nothing is known of null except that an empty list does not have it.
            return self.negated and not self.values and not self.has_null
        return self.operator == "isdistinct" and not self.negated

    def _is(self, value: str | None) -> bool:
        if self.value in ("null", "unknown"):
            return value is None
        return value == _KEYWORDS[self.value]

    def _compare(self, value: str) -> bool | None:
        match self.operator:
            case "eq":
                return value == self.value
            case "in":
                return True if value in self.values else None if self.has_null else False
            case "neq" | "isdistinct":
                return value != self.value
            case _:
                return bool(_ORDER[self.operator](int(value), int(self.value)))


def parse(text: str) -> tuple[Condition, ...]:
    """Return the conditions of a filter; a blank one has none.

    Raises:
        FilterRefused: syntax, or an operator that is not known.

    """
    if not text.strip():
        return ()
    return tuple(_condition(segment.strip()) for segment in _split(text.strip()))


def _condition(segment: str) -> Condition:
    if not segment:
        raise _refused("filter must not contain empty segments (check for extra commas)")
    column, equals, rest = segment.partition("=")
    if not equals:
        raise _refused(inspect([segment]))
    negated = rest.startswith("not.")
    operator, dot, value = rest.removeprefix("not.").partition(".")
    if not dot or operator not in OPERATORS:
        raise _refused(inspect([operator, value] if dot else [operator]))
    return Condition(column=column, operator=operator, value=_value(operator, value), negated=negated)


def _value(operator: str, value: str) -> str:
    if operator != "in":
        return _unquoted(value)
    if len(value) < 2 or not (value.startswith("(") and value.endswith(")")):
        raise _refused("`in` filter value must be wrapped by parentheses")
    return "{" + value[1:-1] + "}"


def _unquoted(value: str) -> str:
    """Return what stands in quotes, if the value is one quoted text; a backslash protects what follows it."""
    if not value.startswith('"'):
        return value
    inside, at = "", 1
    while at < len(value):
        if value[at] == '"':
            return inside if at == len(value) - 1 else value
        if value[at] == "\\" and at + 1 < len(value):
            at += 1
        inside += value[at]
        at += 1
    return value


def _split(text: str) -> list[str]:
    """Split at commas that stand outside parentheses and quotes; quotes open only where a value can begin."""
    segments, start, depth, at = [], 0, 0, 0
    quoted, before = False, ""
    while at < len(text):
        character = text[at]
        if quoted:
            if character == "\\" and at + 1 < len(text):
                at += 1
            quoted = character != '"'
        elif character == '"' and before in (".", "(", ","):
            quoted = True
        elif character == ",":
            if depth == 0:
                segments.append(text[start:at])
                start = at + 1
                character = ""
        elif character in "()":
            depth = depth + 1 if character == "(" else max(0, depth - 1)
        before = character
        at += 1
    return [*segments, text[start:]]


def _refused(what: str) -> FilterRefused:
    return FilterRefused(f"Error parsing `filter` params: {what}")
