"""Chance without a state: a number in [0, 1) that follows from a seed and from what it is drawn for.

A replay by state machines and one by arrays draw in different orders. So a draw has no order: it is a hash of what is
asked, SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014) over each number in turn.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.laboratory.compiled import compiled
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


def draw_each(states: States, which: Ints | NDArray[np.int32], last: Ints) -> Floats:
    """Return the draws for columns of numbers, all but the last of which have been asked: `which` of the states say."""
    return _unit_each(_mixed_each(states[which], last))


@compiled
def _mixed_each(states: States, numbers: Ints) -> States:
    mixed = np.empty(len(states), np.uint64)
    for each in range(len(states)):
        value = (states[each] ^ np.uint64(numbers[each])) + np.uint64(_GOLDEN)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(_FIRST)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(_SECOND)
        mixed[each] = value ^ (value >> np.uint64(31))
    return mixed


@compiled
def _unit_each(states: States) -> Floats:
    units = np.empty(len(states))
    for each in range(len(states)):
        units[each] = np.float64(states[each] >> np.uint64(11)) * _UNIT
    return units


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)
