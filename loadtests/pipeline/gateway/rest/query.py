"""A request to a table, read from its query string and headers: what is selected, ordered, counted, returned.

Pure: text in, values out. Knows no table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from loadtests.pipeline.gateway.rest.errors import RestRefusal, unreadable
from loadtests.pipeline.gateway.rest.filters import Condition, read_filter, unquoted

_MOST_ROWS: Final = 2**53
_OBJECT: Final = "application/vnd.pgrst.object+json"
_LISTS: Final = frozenset({"", "*/*", "application/*", "application/json", "application/vnd.pgrst.array+json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A selected column and what it is called in the answer."""

    name: str
    """`*` is all of them."""
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One term of an order."""

    column: str
    is_descending: bool
    nulls_first: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a query string and the headers beside it say."""

    columns: tuple[Column, ...]
    conditions: tuple[Condition, ...]
    order: tuple[Order, ...]
    limit: int | None
    offset: int
    is_limited: bool
    """Whether a limit or offset was asked for in the query string."""
    on_conflict: tuple[str, ...]
    inserted: tuple[str, ...] | None
    """The columns that an insertion is told to fill; None leaves that to the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the headers `Prefer` and `Accept` say; what is not understood is passed over, as the standard has it."""

    returns: Literal["representation", "minimal"] = "minimal"
    is_counted: bool = False
    resolution: Literal["merge-duplicates", "ignore-duplicates"] | None = None
    fills_defaults: bool = False
    """A key that a row leaves out gets its column's default and not null."""
    is_single: bool = False
    """Exactly one row is wanted, as an object."""


def read_query(parameters: Iterable[tuple[str, str]], range_header: str | None = None) -> Query:
    """Return what query parameters and a `Range` header of a reading request ask for.

    Raises:
        RestRefusal: one of them cannot be read.

    """
    plain: dict[str, str] = {}
    conditions: list[Condition] = []
    for key, text in parameters:
        if "\0" in text:
            raise unreadable("filter", key, "a character that no column can hold")
        if key in {"select", "order", "limit", "offset", "on_conflict", "columns"}:
            plain[key] = text
        elif key != "apikey":
            conditions.append(read_filter(key, text))
    first, last = _range(range_header)
    offset = first + (_whole(plain, "offset") or 0)
    limit = _whole(plain, "limit")
    if last is not None:
        within = last - first + 1
        limit = within if limit is None else min(limit, within)
    return Query(
        columns=_columns(plain.get("select", "*")),
        conditions=tuple(conditions),
        order=_order(plain.get("order", "")),
        limit=limit,
        offset=offset,
        is_limited="limit" in plain or "offset" in plain,
        on_conflict=_names(plain.get("on_conflict", "")),
        inserted=_names(plain["columns"]) if plain.get("columns") else None,
    )


def read_preferences(prefer: str, accept: str) -> Preferences:
    """Return what these two headers say.

    Raises:
        RestRefusal: PGRST107, none of the accepted media types is ours.

    """
    said = {part.strip() for part in prefer.split(",")}
    kinds = {part.strip() for part in accept.split(",")}
    media = {kind.split(";")[0].strip() for kind in kinds}
    is_single = _OBJECT in media
    if any("nulls=stripped" in kind for kind in kinds) or not (is_single or media & _LISTS):
        raise RestRefusal(406, "PGRST107", f"None of these media types are available: {accept}")
    resolution: Literal["merge-duplicates", "ignore-duplicates"] | None = None
    if "resolution=merge-duplicates" in said:
        resolution = "merge-duplicates"
    elif "resolution=ignore-duplicates" in said:
        resolution = "ignore-duplicates"
    return Preferences(
        returns="representation" if "return=representation" in said else "minimal",
        is_counted=bool(said & {"count=exact", "count=planned", "count=estimated"}),
        resolution=resolution,
        fills_defaults="missing=default" in said,
        is_single=is_single,
    )


def split_outside_quotes(text: str, separator: str = ",") -> list[str]:
    """Return the parts of a list in which a quoted part may hold the separator."""
    parts, current, in_quotes, is_escaped = [], "", False, False
    for character in text:
        if character == separator and not in_quotes:
            parts.append(current)
            current = ""
            continue
        if is_escaped:
            is_escaped = False
        elif character == "\\" and in_quotes:
            is_escaped = True
        elif character == '"':
            in_quotes = not in_quotes
        current += character
    return [*parts, current]


def _columns(text: str) -> tuple[Column, ...]:
    columns = []
    for part in split_outside_quotes(text or "*"):
        if not part.startswith('"') and ("(" in part or "::" in part or "->" in part):
            why = "the embedded pipeline selects plain columns: no embedding, no casts, no paths into JSON"
            raise unreadable("select parameter", text, why)
        pieces = split_outside_quotes(part, ":")
        name = unquoted(pieces[-1].strip())
        if not name or len(pieces) > 2:
            raise unreadable("select parameter", text, "a column's name is missing")
        columns.append(Column(name=name, alias=unquoted(pieces[0].strip())))
    return tuple(columns)


def _order(text: str) -> tuple[Order, ...]:
    terms = []
    for part in split_outside_quotes(text) if text else []:
        name, *rest = split_outside_quotes(part, ".")
        direction = rest.pop(0) if rest and rest[0] in {"asc", "desc"} else "asc"
        nulls = rest.pop(0) if rest and rest[0] in {"nullsfirst", "nullslast"} else None
        if rest or not name:
            raise unreadable("order", text, "expecting column[.asc|.desc][.nullsfirst|.nullslast]")
        nulls_first = None if nulls is None else nulls == "nullsfirst"
        terms.append(Order(column=unquoted(name), is_descending=direction == "desc", nulls_first=nulls_first))
    return tuple(terms)


def _names(text: str) -> tuple[str, ...]:
    return tuple(unquoted(part.strip()) for part in split_outside_quotes(text)) if text else ()


def _whole(plain: Mapping[str, str], key: str) -> int | None:
    text = plain.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > _MOST_ROWS:
        raise unreadable(key, text, "expecting a whole number, 0 or more")
    return int(text)


def _range(header: str | None) -> tuple[int, int | None]:
    """Return the first row and the last one of a `Range` header such as `0-24` or `25-`, counted from 0."""
    if header is None:
        return 0, None
    first, dash, last = header.removeprefix("items=").partition("-")
    if not dash or not first.isdecimal() or not (last.isdecimal() or not last):
        return 0, None  # another unit than rows: the standard lets a server pass it over
    if last and int(last) < int(first):
        raise RestRefusal(416, "PGRST103", "Requested range not satisfiable", "The lower boundary must be lower")
    return int(first), int(last) if last else None
