"""Chance without a state: a number in [0, 1) that follows from a seed and from what it is drawn for.

A replay by state machines and one by arrays draw in different orders. So a draw has no order: it is a hash of what is
asked, SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014) over each number in turn.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from loadtests.analysis.stamps import Floats, Ints

_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_MASK: Final = (1 << 64) - 1
_UNIT: Final = 2.0**-53


class What(IntEnum):
    """What chance decides, so that two questions about the same numbers are two draws."""

    DURATION = 1
    JITTER = 2


def draw(seed: int, what: What, *asked: int) -> float:
    """Return the draw for some numbers."""
    state = _mixed(_mixed(seed & _MASK) ^ what)
    for number in asked:
        state = _mixed(state ^ (number & _MASK))
    return (state >> 11) * _UNIT


def draw_each(seed: int, what: What, *asked: Ints) -> Floats:
    """Return the same draws for columns of numbers."""
    state = np.full(len(asked[0]), _mixed(_mixed(seed & _MASK) ^ what), dtype=np.uint64)
    for numbers in asked:
        state ^= numbers.astype(np.int64, copy=False).view(np.uint64)
        state += np.uint64(_GOLDEN)
        state ^= state >> np.uint64(30)
        state *= np.uint64(_FIRST)
        state ^= state >> np.uint64(27)
        state *= np.uint64(_SECOND)
        state ^= state >> np.uint64(31)
    each: Floats = (state >> np.uint64(11)).astype(np.float64) * _UNIT
    return each


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)
