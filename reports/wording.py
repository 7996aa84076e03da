"""Numbers as people read them: one place decides units, digits and what stands for "no number"."""

import math
from typing import Final

NO_NUMBER: Final = "\u2013"
MINUS: Final = "\u2212"
NEVER: Final = "never"
NBSP: Final = "\u00a0"


def duration(value_ms: float | None) -> str:
    """Return milliseconds as `3.2 ms`, `540 ms`, `1.14 s` or `4 min 10 s`; +inf is "never"."""
    if value_ms is None or math.isnan(value_ms):
        return NO_NUMBER
    if math.isinf(value_ms):
        return NEVER
    size_ms = abs(value_ms)
    if size_ms >= 119_500:
        minutes, rest = divmod(round(value_ms / 1000), 60)
        return f"{minutes}{NBSP}min" + (f" {rest}{NBSP}s" if rest else "")
    if size_ms >= 999.5:
        digits = 2 if size_ms < 9_995 else 0 if value_ms % 1000 == 0 else 1
        return f"{_plain(value_ms / 1000, digits)}{NBSP}s"
    if size_ms < 0.05:
        return f"0{NBSP}ms"
    return f"{_plain(value_ms, 1 if size_ms < 9.95 else 0)}{NBSP}ms"


def milliseconds(value_ms: float | None) -> str:
    """Return milliseconds for a column of a table whose head names the unit."""
    if value_ms is None or math.isnan(value_ms):
        return NO_NUMBER
    return NEVER if math.isinf(value_ms) else _plain(value_ms, 1)


def count(value: float | None) -> str:
    """Return a whole number with thousands separated."""
    return NO_NUMBER if value is None or math.isnan(value) else _plain(value, 0)


def rate(value: float | None) -> str:
    """Return a number of about three significant digits: a rate or a ratio."""
    if value is None or math.isnan(value):
        return NO_NUMBER
    if math.isinf(value):
        return "∞"
    size = abs(value)
    return _plain(value, 0 if size >= 100 else 1 if size >= 10 else 2)


def percent(share: float | None) -> str:
    """Return a share of 1 as `0 %`, `0.4 %`, `83 %`: never 0 or 100 for what merely is close to it."""
    if share is None or math.isnan(share):
        return NO_NUMBER
    value = share * 100
    if 0 < value < 0.1:
        return f"<{NBSP}0.1{NBSP}%"
    if 99.9 < value < 100:
        return f">{NBSP}99.9{NBSP}%"
    precise = 0 < value < 9.95 or 99 < value < 100
    return f"{_plain(value, 1 if precise else 0)}{NBSP}%"


def size(value_bytes: float | None) -> str:
    """Return bytes as `812 B`, `14.2 kB` or `3.1 MB` (powers of 1,000)."""
    if value_bytes is None or math.isnan(value_bytes):
        return NO_NUMBER
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value_bytes >= factor:
            return f"{rate(value_bytes / factor)}{NBSP}{unit}"
    return f"{value_bytes:.0f}{NBSP}B"


def counted(value: float | None, singular: str, plural: str | None = None) -> str:
    """Return a count with its noun: `1 pair`, `2,250 pairs`, `no pairs`."""
    noun = singular if value == 1 else plural or f"{singular}s"
    return f"{'no' if value == 0 else 'unknown' if value is None else count(value)}{NBSP}{noun}"


def times(ratio: float | None) -> str:
    """Return a ratio that is near 1: `1.002`."""
    return NO_NUMBER if ratio is None else _plain(ratio, 3)


def interval(cohort: str) -> str:
    """Return the key of a polling cohort (`5s`, `5s-conditional`) as its interval: `5 s`, `5 s (conditional)`."""
    seconds, is_conditional, _ = cohort.partition("-conditional")
    if not seconds.endswith("s") or not seconds[:-1].replace(".", "").isdigit():
        return cohort
    return f"{seconds[:-1]}{NBSP}s" + (" (conditional)" if is_conditional else "")


def sentence(parts: list[str], joint: str = "and") -> str:
    """Return words joined as `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {joint} {parts[-1]}" if parts else ""


def _plain(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".replace("-", MINUS)
