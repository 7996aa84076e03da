"""Stamps that did not happen or are not known, and the differences of stamps in milliseconds.

Knows nothing of rows: only integer nanoseconds of the run's clock.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

NEVER: Final = int(np.iinfo(np.int64).max)
"""The stamp of what had not happened by the end of the drain."""
UNKNOWN: Final = int(np.iinfo(np.int64).min)
"""The stamp of what happened (or not) without anybody telling when."""

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000


def elapsed_ms(earlier_ns: Ints, later_ns: Ints) -> Floats:
    """Return later - earlier in milliseconds: +inf where it never happened, nan where a stamp is not known."""
    is_unknown = (earlier_ns == UNKNOWN) | (later_ns == UNKNOWN)
    is_never = later_ns == NEVER
    is_plain = ~(is_unknown | is_never)
    elapsed = np.full(len(later_ns), np.inf)
    elapsed[is_plain] = (later_ns[is_plain] - earlier_ns[is_plain]) / NS_PER_MS
    elapsed[is_unknown] = np.nan
    return elapsed
