"""Comparisons that only PostgreSQL can make: patterns, orders, and types with several spellings of one value.

Asked for a whole batch at once and remembered, because filters repeat themselves. Knows types, operators and texts,
nothing of rows, tables or subscribers.
"""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Final

import asyncpg

from loadtests.pipeline.realtime.database import UNREACHABLE, until_reachable
from loadtests.pipeline.realtime.filters import TypedCondition

SQL_OPERATORS: Final = {
    "eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "in": "= any", "isdistinct": "<>",
    "like": "like", "ilike": "ilike", "match": "~", "imatch": "~*",
}  # fmt: skip
_REMEMBERED: Final = 100_000

Question = tuple[TypedCondition, str]
"""A condition and the column's text, which is not null."""
_Sort = tuple[str, str]
"""Type and operator: what one query can answer."""

log = logging.getLogger(__name__)


class Comparisons:
    """Answers of PostgreSQL, fetched before they are needed."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._known: dict[tuple[str, str, str], dict[str, bool | None]] = {}
        self._count = 0

    def knows(self, condition: TypedCondition, text: str) -> bool:
        """Whether there is an answer, or will never be one."""
        return text in self._known.get((condition.type, condition.operator, condition.value), ())

    def answer(self, condition: TypedCondition, text: str) -> bool | None:
        """Return a learned answer, without the condition's negation; None where there is none to be had."""
        return self._known.get((condition.type, condition.operator, condition.value), {}).get(text)

    async def learn(self, questions: Iterable[Question]) -> None:
        """Ask what is not known yet. While the database cannot be reached, this waits and asks again."""
        if self._count > _REMEMBERED:
            self._known.clear()
            self._count = 0
        missing: dict[_Sort, dict[tuple[str, str], None]] = {}
        for condition, text in questions:
            if text not in self._known.setdefault((condition.type, condition.operator, condition.value), {}):
                missing.setdefault((condition.type, condition.operator), {})[text, condition.value] = None
        for sort, pairs in missing.items():
            await until_reachable(partial(self._ask, sort, list(pairs)), "a comparison")

    async def _ask(self, sort: _Sort, pairs: list[tuple[str, str]]) -> None:
        type_, operator = sort
        wanted = f"{type_}[]" if operator == "in" else type_
        # The type's name comes from the catalog, quoted by it; the values are parameters.
        query = (
            f"select array(select a::{type_} {SQL_OPERATORS[operator]} (b::{wanted})"  # noqa: S608
            " from unnest($1::text[], $2::text[]) as u (a, b))"
        )
        try:
            answers = await self._pool.fetchval(query, [text for text, _ in pairs], [value for _, value in pairs])
        except UNREACHABLE:
            raise
        except asyncpg.PostgresError as error:
            if len(pairs) > 1:  # one value may be at fault, and the others are not to suffer for it
                for pair in pairs:
                    await self._ask(sort, [pair])
                return
            # A type without this operator: the real server's poll fails here; nobody can be shown the row.
            log.warning("values of type %s cannot be compared with %s: %s", type_, operator, error)
            answers = [None] * len(pairs)
        for (text, value), answer in zip(pairs, answers, strict=True):
            self._known[type_, operator, value][text] = answer
        self._count += len(pairs)
