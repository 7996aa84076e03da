"""Loops over columns, compiled to machine code when they are first called.

A thousand million decisions are too many for Python, and array operations would pass over each of them dozens of times.
The loops are written as the state machines that they repeat, so that one can be read beside the other.

Machine code is kept beside the module it is made of (`__pycache__`) and made anew when that module changes, but not
when another one does: so what is compiled uses nothing of ours but its arguments.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function of arrays and numbers that is machine code; the compiler is loaded with the first call."""

    @cache
    def machine_code() -> Callable[P, R]:
        # Importing it takes half a second, which a command that replays nothing should not wait for.
        from numba import njit  # noqa: PLC0415

        made: Callable[P, R] = njit(cache=True)(function)
        return made

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return machine_code()(*args, **kwargs)

    return call
