"""Which mutations give risk factors, and which ones: so that jobs are scored while the load runs.

Pure, and drawn with the schedule. The codes are the ones that the embedded jobs API has weights for.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.scenario.vocabulary import MutationKind

RISK_FACTOR_CODES: Final = (
    "height", "electrical", "confined_space", "hot_work", "asbestos", "excavation", "heavy_lifting", "chemicals",
    "public_access", "weather",
)  # fmt: skip
_MOST_AT_ONCE: Final = 3


def draw_risk_factors(kind: NDArray[np.uint8], share: float, random: np.random.Generator) -> NDArray[np.uint16]:
    """Return for each mutation its risk factors, one bit for each of `RISK_FACTOR_CODES`; 0 for most.

    `share` is that of the creates and updates which have some: one to three, neighbours in the catalogue.
    """
    chance = random.random(len(kind))
    first = random.integers(0, len(RISK_FACTOR_CODES), size=len(kind))
    number = random.integers(1, _MOST_AT_ONCE + 1, size=len(kind))
    bits = np.zeros(len(kind), dtype=np.uint16)
    for step in range(_MOST_AT_ONCE):
        bit = np.left_shift(1, (first + step) % len(RISK_FACTOR_CODES)).astype(np.uint16)
        bits |= np.where(step < number, bit, 0).astype(np.uint16)
    may_have = np.isin(kind, [MutationKind.CREATE, MutationKind.UPDATE])
    return np.where(may_have & (chance < share), bits, 0).astype(np.uint16)


def codes_of(bits: int) -> tuple[str, ...]:
    """Return the codes that the bits stand for."""
    return tuple(code for place, code in enumerate(RISK_FACTOR_CODES) if bits >> place & 1)
