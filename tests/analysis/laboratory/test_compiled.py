"""Compiled loops: what they are beside the function, and that nobody waits for the compiler who needs none."""

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from loadtests.analysis.laboratory.compiled import compiled

if TYPE_CHECKING:
    from loadtests.analysis.stamps import Ints


@compiled
def running_sum(values: "Ints", most: int) -> "Ints":
    """Return the sums so far, each at most so much."""
    sums = np.empty(len(values), np.int64)
    total = 0
    for each in range(len(values)):
        total = min(total + values[each], most)
        sums[each] = total
    return sums


def test_a_loop_over_a_column() -> None:
    """Integers of 64 bits stay what they are, beyond what a float could hold."""
    far = 2**62 + 1

    assert running_sum(np.array([1, 2, far]), 2**63 - 1).tolist() == [1, 3, far + 3]
    assert running_sum(np.array([1, 2, 3]), 4).tolist() == [1, 3, 4]


def test_it_is_still_the_function_for_who_reads_it() -> None:
    """Its name and its text."""
    assert (running_sum.__name__, running_sum.__doc__) == (
        "running_sum",
        "Return the sums so far, each at most so much.",
    )


def test_the_command_line_does_not_load_the_compiler() -> None:
    """It takes half a second, and most commands replay nothing."""
    loaded = "import sys, loadtests.cli; print('numba' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True)

    assert told.stdout.strip() == "False"
