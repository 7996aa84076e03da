"""The `filter` of a binding: its grammar, and whether a row satisfies it.

Grammar and error texts are those of Supabase Realtime (`CdcRls.Subscriptions`): `column=operator.value`,
comma-separated conditions must all hold, `not.` negates, commas in parentheses or quotes do not separate.
Values are compared in PostgreSQL's own text form, into which the catalog has cast them, so equal text is equal
value for every type that has one spelling per value; numbers are compared as numbers.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final

OPERATORS: Final = frozenset({
    "eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "match", "imatch", "is", "isdistinct",
})  # fmt: skip
SERVED_OPERATORS: Final = frozenset({"eq", "neq", "in"})
MAX_IN_VALUES: Final = 100

_NUMBERS: Final = frozenset({"numeric", "float4", "float8"})


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
    """One `column=operator.value`, its values as the subscriber wrote them."""

    column: str
    operator: str
    values: tuple[str, ...]
    """One value, or those of `in`."""
    negated: bool = False

    def to_elixir(self) -> str:
        """Return the condition as the server's error texts show it."""
        value = self.values[0] if self.operator != "in" else f"{{{','.join(self.values)}}}"
        return f'{{"{self.column}", "{self.operator}", "{value}", {str(self.negated).lower()}}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCondition:
    """A condition whose values are in the column type's canonical text form."""

    column: str
    type_name: str
    operator: str
    values: tuple[str, ...]
    negated: bool

    @property
    def indexed_value(self) -> str | None:
        """The one text that the column must have, if the condition is such; otherwise None."""
        plain = self.operator == "eq" and not self.negated and self.type_name not in _NUMBERS
        return self.values[0] if plain else None

    def holds(self, value: Text) -> bool:
        """Whether a row with this value in the column satisfies the condition; unknown and null never do."""
        if value is None or value is ABSENT:
            return False
        found = any(_equal(self.type_name, value, wanted) for wanted in self.values)
        return found != ((self.operator == "neq") != self.negated)


def parse(text: str) -> tuple[Condition, ...]:
    """Return the conditions of a filter; a blank one has none.

    Raises:
        FilterRefused: syntax, or an operator that is not known or not served.

    """
    if not text.strip():
        return ()
    segments = _split(text)
    if any(not segment for segment in segments):
        raise _refused("filter must not contain empty segments (check for extra commas)")
    return tuple(_condition(segment) for segment in segments)


def _condition(segment: str) -> Condition:
    column, equals, rest = segment.partition("=")
    if not equals:
        raise _refused(_inspected([segment]))
    negated = rest.startswith("not.")
    operator, dot, value = rest.removeprefix("not.").partition(".")
    if not dot or operator not in OPERATORS:
        raise _refused(_inspected([operator, value] if dot else [operator]))
    if operator not in SERVED_OPERATORS:
        raise _refused(f"the operator `{operator}` is not served here, only {', '.join(sorted(SERVED_OPERATORS))}")
    values = _in_values(value) if operator == "in" else (value,)
    return Condition(column=column, operator=operator, values=values, negated=negated)


def _in_values(value: str) -> tuple[str, ...]:
    if not (value.startswith("(") and value.endswith(")")):
        raise _refused("`in` filter value must be wrapped by parentheses")
    values = tuple(one.strip().removeprefix('"').removesuffix('"') for one in _split(value[1:-1]))
    if len(values) > MAX_IN_VALUES:
        raise _refused(f"`in` filter has {len(values)} values, at most {MAX_IN_VALUES} are allowed")
    return values


def _split(text: str) -> list[str]:
    """Split at commas that stand outside parentheses and quotes."""
    segments, start, depth, quoted = [], 0, 0, False
    for at, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == "," and depth == 0 and not quoted:
            segments.append(text[start:at])
            start = at + 1
    return [*segments, text[start:]]


def _equal(type_name: str, left: str, right: str) -> bool:
    if left == right:
        return True
    if type_name not in _NUMBERS:
        return False
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:  # PostgreSQL's numbers are Python's, but a wrong type name must not end the feed
        return False


def _inspected(parts: list[str]) -> str:
    return "[" + ", ".join(f'"{part}"' for part in parts) + "]"


def _refused(what: str) -> FilterRefused:
    return FilterRefused(f"Error parsing `filter` params: {what}")
