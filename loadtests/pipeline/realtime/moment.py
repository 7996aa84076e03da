"""Now, on both clocks of a server: passed in wherever time matters, so that nothing there reads a clock."""

from typing import NamedTuple


class Moment(NamedTuple):
    """Tokens expire in Unix time, silence and rates are measured on the monotonic clock."""

    monotonic_ns: int
    unix_s: float
