"""PostgreSQL's text forms as JSON, the way `to_jsonb` writes them, because Realtime's records are made so.

The text must come from a session with DateStyle ISO and time zone UTC. Pure: bytes in, bytes out.
"""

from collections.abc import Callable
from typing import Final

import orjson

ToJson = Callable[[bytes], bytes]


def converter(type_name: str, element_type_name: str | None = None) -> ToJson:
    """Return the conversion for a type of the catalog (`pg_type.typname`); for an array, also its element's."""
    if element_type_name is not None:
        element = converter(element_type_name)
        return lambda text: _array(text, element)
    return _CONVERTERS.get(type_name, _string)


def _string(text: bytes) -> bytes:
    return orjson.dumps(text.decode())


def _number(text: bytes) -> bytes:
    # JSON has no NaN and no infinity; to_jsonb writes them as text.
    return text if text[-1:].isdigit() else _string(text)


def _boolean(text: bytes) -> bytes:
    return b"true" if text == b"t" else b"false"


def _verbatim(text: bytes) -> bytes:
    return text


def _timestamp(text: bytes) -> bytes:
    return b'"%b"' % text.replace(b" ", b"T", 1)


def _timestamptz(text: bytes) -> bytes:
    if not text.endswith(b"+00"):  # infinity, or a date before Christ
        return _timestamp(text)
    return b'"%b:00"' % text.replace(b" ", b"T", 1)


_CONVERTERS: Final[dict[str, ToJson]] = {
    "bool": _boolean,
    "int2": _number,
    "int4": _number,
    "int8": _number,
    "float4": _number,
    "float8": _number,
    "numeric": _number,
    "json": _verbatim,
    "jsonb": _verbatim,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
}


def _array(text: bytes, element: ToJson) -> bytes:
    """Convert an array literal such as `{a,"b c",NULL}` or `{{1,2},{3,4}}`, with or without bounds before it."""
    start = text.index(b"{")
    out, at = bytearray(), start
    while at < len(text):
        character = text[at : at + 1]
        if character in b"{},":
            out += {b"{": b"[", b"}": b"]", b",": b", "}[character]
            at += 1
        elif character == b'"':
            value, at = _quoted(text, at + 1)
            out += element(value)
        else:
            end = at
            while text[end : end + 1] not in (b",", b"}"):
                end += 1
            value, at = text[at:end], end
            out += b"null" if value == b"NULL" else element(value)
    return bytes(out)


def _quoted(text: bytes, at: int) -> tuple[bytes, int]:
    value = bytearray()
    while text[at : at + 1] != b'"':
        at += text[at : at + 1] == b"\\"
        value += text[at : at + 1]
        at += 1
    return bytes(value), at + 1
