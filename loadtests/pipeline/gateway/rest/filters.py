"""The filter language of PostgREST's query strings: `column=eq.value`, `or=(a.gt.1,not.b.is.null)`, nested.

Pure: text in, a tree of conditions out. Knows no table: whether a column exists is asked later.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from loadtests.pipeline.gateway.rest.errors import unreadable

COMPARISONS: Final = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
    "isdistinct": "is distinct from", "cs": "@>", "cd": "<@", "ov": "&&",
}  # fmt: skip
PATTERNS: Final = {"like": "like", "ilike": "ilike", "match": "~", "imatch": "~*"}
TRUTHS: Final = {
    "null": "null", "not_null": "not null", "true": "true", "false": "false", "unknown": "unknown",
}  # fmt: skip
_MOST_NESTED: Final = 32
_ENDS: Final = frozenset(",)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One column against one value, or against a list of them."""

    column: str
    operator: str
    """A key of one of the tables above, or `in`."""
    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Several conditions joined by `and` or `or`."""

    operator: str
    conditions: "tuple[Condition, ...]"
    is_negated: bool = False


Condition: TypeAlias = Comparison | Combination


def read_filter(key: str, text: str) -> Condition:
    """Return the condition of one query parameter.

    Raises:
        RestRefusal: PGRST100, it cannot be read.

    """
    negated, operator = key.startswith("not."), key.removeprefix("not.")
    if operator in {"and", "or"}:
        reader = _Reader(text, f"logic tree {key}")
        combination = reader.combination(operator, is_negated=negated, depth=0)
        reader.expect_end()
        return combination
    reader = _Reader(text, "filter")
    return reader.comparison(unquoted(key), to_the_end=True)


def unquoted(name: str) -> str:
    """Return a name without the quotation marks that a client puts around unusual ones."""
    if len(name) >= 2 and name[0] == name[-1] == '"':
        return _Reader(name, "column").quoted()
    return name


class _Reader:
    """A cursor in a text."""

    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._at = 0

    def combination(self, operator: str, *, is_negated: bool, depth: int) -> Combination:
        if depth > _MOST_NESTED:
            raise self._refusal(f"nested deeper than {_MOST_NESTED}")
        self._expect("(")
        conditions = [self._condition(depth)]
        while self._take(","):
            conditions.append(self._condition(depth))
        self._expect(")")
        return Combination(operator=operator, conditions=tuple(conditions), is_negated=is_negated)

    def comparison(self, column: str, *, to_the_end: bool) -> Comparison:
        """Read `[not.]operator.value`."""
        is_negated = self._take("not.")
        operator = self._until(".")
        if operator == "in":
            values = self._list()
            if to_the_end:
                self.expect_end()
        elif to_the_end:
            values = (self._rest(),)
        else:
            # An array's literal has commas of its own.
            values = (self._braced() if self._peek() == "{" else self._value(),)
        if operator not in {"in", "is", *COMPARISONS, *PATTERNS}:
            raise self._refusal(f'unknown operator "{operator}"')
        if operator == "is":
            values = (values[0].lower(),)
            if values[0] not in TRUTHS:
                raise self._refusal(f'"is" takes {", ".join(TRUTHS)}')
        return Comparison(column=column, operator=operator, values=values, is_negated=is_negated)

    def quoted(self) -> str:
        """Read a text in quotation marks, in which a backslash takes the next character as it is."""
        self._expect('"')
        taken = []
        while not self._take('"'):
            if self._take("\\") and self._at >= len(self._text):
                break
            taken.append(self._next())
        return "".join(taken)

    def expect_end(self) -> None:
        if self._at < len(self._text):
            raise self._refusal(f"unexpected {self._text[self._at]!r} at {self._at + 1}")

    def _condition(self, depth: int) -> Condition:
        start = self._at
        is_negated = self._take("not.")
        for operator in ("and", "or"):
            if self._take(f"{operator}("):
                self._at -= 1
                return self.combination(operator, is_negated=is_negated, depth=depth + 1)
        self._at = start
        column = self.quoted() if self._peek() == '"' else self._until(".", leave=True)
        self._expect(".")
        return self.comparison(column, to_the_end=False)

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        if self._take(")"):
            return ()
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> str:
        if self._peek() == '"':
            return self.quoted()
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in _ENDS:
            self._at += 1
        return self._text[start : self._at]

    def _braced(self) -> str:
        start, depth, in_quotes = self._at, 0, False
        while self._at < len(self._text):
            character = self._next()
            if character == "\\" and self._at < len(self._text):
                self._at += 1
            elif character == '"':
                in_quotes = not in_quotes
            elif not in_quotes:
                depth += {"{": 1, "}": -1}.get(character, 0)
            if depth == 0:
                return self._text[start : self._at]
        raise self._refusal("a brace is not closed")

    def _rest(self) -> str:
        rest, self._at = self._text[self._at :], len(self._text)
        return rest

    def _until(self, end: str, *, leave: bool = False) -> str:
        found = self._text.find(end, self._at)
        if found < 0:
            raise self._refusal(f'expecting "{end}" after {self._text[self._at :]!r}')
        taken, self._at = self._text[self._at : found], found + (0 if leave else len(end))
        return taken

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._refusal("unexpected end of input")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            found = repr(self._peek()) if self._peek() else "end of input"
            raise self._refusal(f'unexpected {found} at {self._at + 1}, expecting "{text}"')

    def _refusal(self, why: str) -> Exception:
        return unreadable(self._what, self._text, why)
