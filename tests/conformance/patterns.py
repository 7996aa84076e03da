"""Whether a frame is what the recording says: exactly these keys, exactly these nulls, placeholders meaning one thing.

Pure, but for what placeholders come to mean.
"""

import re
from collections.abc import Sequence
from itertools import permutations
from typing import Any

from tests.conformance.placeholders import Names

_NAMED = {
    "id": re.compile(r"\d+"),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "timestamp_ms": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "timestamp_us": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?\+00:00"),
}
_INSIDE = {"{{int}}": r"\d+", "{{any}}": r"(?s:.*)"}


def difference(pattern: Any, value: Any, names: Names, path: str = "$") -> str | None:
    """Return where and how a value differs from a pattern, or None."""
    match pattern:
        case {"$unordered": list(wanted)}:
            return _unordered(wanted, value, names, path)
        case dict():
            return _object(pattern, value, names, path)
        case list():
            return _array(pattern, value, names, path)
        case str():
            return None if _text(pattern, value, names) else f"{path}: {_shown(value)} is not {_shown(pattern)}"
        case _:
            same = type(pattern) is type(value) and pattern == value
            return None if same else f"{path}: {_shown(value)} is not {_shown(pattern)}"


def matches_in_any_order(patterns: Sequence[Any], values: Sequence[Any], names: Names) -> bool:
    """Whether the values match the patterns in some order; then, and only then, placeholders get their meaning."""
    before = names.copy_of_bound()
    for order in permutations(values):
        if all(difference(pattern, value, names) is None for pattern, value in zip(patterns, order, strict=True)):
            return True
        names.forget(before)
    return False


def _object(pattern: dict[str, Any], value: Any, names: Names, path: str) -> str | None:
    if not isinstance(value, dict):
        return f"{path}: {_shown(value)} is no object"
    if pattern.keys() != value.keys():
        missing, extra = sorted(pattern.keys() - value.keys()), sorted(value.keys() - pattern.keys())
        return f"{path}: missing keys {missing}, extra keys {extra}"
    for key, one in pattern.items():
        found = difference(one, value[key], names, f"{path}.{key}")
        if found is not None:
            return found
    return None


def _array(pattern: list[Any], value: Any, names: Names, path: str) -> str | None:
    if not isinstance(value, list) or len(value) != len(pattern):
        return f"{path}: {_shown(value)} is no array of {len(pattern)}"
    for at, (one, element) in enumerate(zip(pattern, value, strict=True)):
        found = difference(one, element, names, f"{path}[{at}]")
        if found is not None:
            return found
    return None


def _unordered(wanted: list[Any], value: Any, names: Names, path: str) -> str | None:
    if not isinstance(value, list) or len(value) != len(wanted):
        return f"{path}: {_shown(value)} is no array of {len(wanted)}"
    if matches_in_any_order(wanted, value, names):
        return None
    return f"{path}: {_shown(value)} is not {_shown(wanted)} in any order"


def _text(pattern: str, value: Any, names: Names) -> bool:
    if pattern == "$any":
        return True
    named = re.fullmatch(r"\$(id|uuid|timestamp_ms|timestamp_us)\d+", pattern)
    if named is not None:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        fits = (is_number if named[1] == "id" else isinstance(value, str)) and _NAMED[named[1]].fullmatch(str(value))
        return bool(fits) and names.bind(pattern, value)
    if not isinstance(value, str):
        return False
    if pattern.startswith("$repeat:"):
        return value == names.to_send(pattern)
    if "{{" not in pattern:
        return value == pattern
    regex = re.escape(pattern)
    for placeholder, inside in _INSIDE.items():
        regex = regex.replace(re.escape(placeholder), inside)
    return re.fullmatch(regex, value) is not None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + "…"
