"""Values as Elixir prints them, because Supabase Realtime's error texts quote its own data structures.

Pure: JSON values and tuples in, text out. Rules are those of Elixir's `Inspect` protocol: `inspect/1` prints on
one line, `inspect(term, pretty: true)` breaks what is longer than 80 columns.
"""

from decimal import Decimal
from typing import Final

WIDTH: Final = 80
_PRINTABLE_LIMIT: Final = 4096
_ESCAPES: Final = {
    "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r", "\x1b": "\\e",
    "\x7f": "\\d", "\0": "\\0", '"': '\\"', "\\": "\\\\",
}  # fmt: skip


def inspect(value: object) -> str:
    """Return a JSON value or a tuple on one line; maps are sorted by key."""
    match value:
        case None | bool():
            return {None: "nil", True: "true", False: "false"}[value]
        case str():
            return _string(value)
        case dict():
            pairs = sorted((str(key), one) for key, one in value.items())
            return "%{" + ", ".join(f"{_string(key)} => {inspect(one)}" for key, one in pairs) + "}"
        case list():
            return "[" + ", ".join(map(inspect, value)) + "]"
        case tuple():
            return "{" + ", ".join(map(inspect, value)) + "}"
        case _:
            return _float(value) if isinstance(value, float) else str(value)


def _float(value: float) -> str:
    """Return the shorter of both notations, the plain one if they are equally long, as Erlang does."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int), "JSON has no infinity"
    shown = "".join(map(str, digits))
    power = len(shown) - 1 + exponent
    scientific = f"{shown[0]}.{shown[1:] or '0'}e{power}"
    plain = f"{Decimal(repr(value)):f}"
    plain = plain if "." in plain else f"{plain}.0"
    unsigned = plain.removeprefix("-")
    return ("-" if sign else "") + (scientific if len(scientific) < len(unsigned) else unsigned)


def pretty(values: list[tuple[str | bool, ...]] | list[str] | None) -> str:
    """Return a list of texts or of tuples as `inspect(term, pretty: true)` does."""
    line = inspect(values)
    if values is None or len(line) <= WIDTH:
        return line
    if all(isinstance(one, str) for one in values):
        return _filled("[", [inspect(one) for one in values], "]", column=0)
    last = len(values) - 1
    lines = [
        _element(one, column=2, followed_by_comma=at < last) + ("," if at < last else "")
        for at, one in enumerate(values)
    ]
    return "[\n" + "\n".join(f"  {one}" for one in lines) + "\n]"


def _element(value: object, *, column: int, followed_by_comma: bool) -> str:
    line = inspect(value)
    if column + len(line) + followed_by_comma <= WIDTH or not isinstance(value, tuple):
        return line
    return _filled("{", [inspect(one) for one in value], "}", column=column)


def _filled(opening: str, parts: list[str], closing: str, *, column: int) -> str:
    """Put as many parts on a line as fit; later lines are indented to the first part."""
    indent = column + 1
    text, at = opening, indent
    last = len(parts) - 1
    for number, part in enumerate(parts):
        shown = part + ("," if number < last else closing)
        if number and at + 1 + len(shown) > WIDTH:
            text += "\n" + " " * indent
            at = indent
        elif number:
            text += " "
            at += 1
        text += shown
        at += len(shown)
    return text


def external_size(value: object) -> int:
    """Return the bytes of a JSON value in Erlang's external term format, by which payloads are measured."""
    return 1 + _external(value)  # the format's version


def _external(value: object) -> int:
    match value:
        case None | bool():
            return 2 + len(inspect(value))  # an atom
        case str():
            return 5 + len(value.encode())
        case int():
            return _external_integer(value)
        case dict():
            return 5 + sum(_external(key) + _external(one) for key, one in value.items())
        case list():
            return 6 + sum(map(_external, value)) if value else 1
        case _:
            return 9  # a float


def _external_integer(value: int) -> int:
    if 0 <= value < 1 << 8:
        return 2
    if -(1 << 31) <= value < 1 << 31:
        return 5
    return 3 + (value.bit_length() + 7) // 8


def _string(text: str) -> str:
    if not all(character.isprintable() or character in _ESCAPES for character in text):
        return "<<" + ", ".join(str(byte) for byte in text.encode(errors="surrogatepass")) + ">>"
    shown = "".join(_ESCAPES.get(character, character) for character in text[:_PRINTABLE_LIMIT])
    return '"' + shown.replace("#{", "\\#{") + '"' + (" <> ..." if len(text) > _PRINTABLE_LIMIT else "")
