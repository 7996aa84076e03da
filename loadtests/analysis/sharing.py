"""What is worked out once for each distinct pair of bodies and shared by every answer that went through it.

Most answers of a list differ from the one before in a job or two, and devices see the same ones.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from loadtests.analysis.segments import expand
from loadtests.analysis.stamps import Ints

Compute = Callable[[slice], tuple[Ints, Ints]]
"""Items of some pairs: (which of them, counted from the slice's begin; item), in order."""

_CHUNK: Final = 20_000
"""So many pairs at a time: 25 jobs each keep the working set within some 30 MB."""


def share(pair: Ints, pairs: int, compute: Compute) -> tuple[Ints, Ints]:
    """Return (place in `pair`, item) for each item of the pair that stands at the place."""
    owners: list[Ints] = [np.zeros(0, dtype=np.int64)]
    items: list[Ints] = [np.zeros(0, dtype=np.int64)]
    for begin in range(0, pairs, _CHUNK):
        owner, item = compute(slice(begin, begin + _CHUNK))
        owners.append(owner + begin)
        items.append(item)
    item = np.concatenate(items)
    counts = np.bincount(np.concatenate(owners), minlength=pairs).astype(np.int64)
    first = np.cumsum(counts) - counts
    place, position = expand(counts[pair])
    return place, item[first[pair[place]] + position]
