"""Chance without a state: a number in [0, 1) that follows from a seed and from what it is drawn for.

A replay by state machines and one by arrays draw in different orders. So a draw has no order: it is a hash of what is
asked, SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014) over each number in turn.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.stamps import Floats, Ints

States = NDArray[np.uint64]

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


def states_of(seed: int, what: What, *asked: Ints) -> States:
    """Return where draws for columns of numbers stand before their last number."""
    states = np.full(len(asked[0]), _mixed(_mixed(seed & _MASK) ^ what), dtype=np.uint64)
    for numbers in asked:
        states = _mixed_each(states, numbers)
    return states


def draw_each(states: States, last: Ints) -> Floats:
    """Return the draws for columns of numbers, all but the last of which have been asked already."""
    each: Floats = (_mixed_each(states, last) >> np.uint64(11)).astype(np.float64) * _UNIT
    return each


def _mixed_each(states: States, numbers: Ints) -> States:
    mixed = states ^ numbers.astype(np.int64, copy=False).view(np.uint64)
    mixed += np.uint64(_GOLDEN)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(_FIRST)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(_SECOND)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)
