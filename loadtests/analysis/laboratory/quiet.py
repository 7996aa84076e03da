"""What lets a debounce fire: quiet times between events, or merely the cadence of a feed that brings them in batches.

A polling feed sleeps when nothing happens, so that its batches come a little more than half a second apart, and a
window of half a second just fits between two. Whoever lives on that margin loses it to jitter or to foreign traffic.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from loadtests.analysis.laboratory.starvation import Batches
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import NS_PER_MS, Bools, Floats, Ints

TOGETHER_NS: Final = 25 * NS_PER_MS
"""Signals of one device that are closer than this came together: of one commit, or of one poll of the feed."""
NARROW_NS: Final = 60 * NS_PER_MS
"""A gap that exceeds the window by less than this is called narrow."""
LONG_WAITS: Final = 4
"""A batch that waits longer than so many windows starves."""
_GAPS_NEEDED: Final = 20


class LivesOn(StrEnum):
    """What a team's debounce lives on."""

    QUIET = "quiet"
    """Times in which nothing happens."""
    CADENCE = "cadence"
    """Gaps that are barely longer than its window."""
    NOTHING = "nothing"
    """It starves: signals wait for several windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The gaps between what subscribers received."""

    gaps: int
    """Between signals, or groups of such, that came apart from each other, each look at a device by itself."""
    ending: int
    """Of these, so long that a window ended in them."""
    narrow: int
    """Of the ending ones, longer than the window by less than `NARROW_NS`."""
    margin_ms_p5: float | None
    """Of the ending gaps: by how much they exceed the window, the twentieth part being narrower; None: too few."""
    margin_ms_p50: float | None
    waited_long: int
    """Batches that waited longer than `LONG_WAITS` windows."""
    batches: int

    @property
    def narrow_share(self) -> float | None:
        """Part of the ending gaps that are narrow."""
        return self.narrow / self.ending if self.ending else None

    @property
    def lives_on(self) -> LivesOn | None:
        """What the debounce lives on; None: too few gaps or batches to say."""
        if self.batches and self.waited_long * 2 > self.batches:
            return LivesOn.NOTHING
        if self.ending < _GAPS_NEEDED:
            return None
        return LivesOn.CADENCE if self.narrow * 2 > self.ending else LivesOn.QUIET


def read_quiet(look: Ints, received_ns: Ints, batches: Batches, among: Bools, *, window_ns: int) -> Quiet:
    """Return what the gaps between signals say about a window.

    Signals may stand in any order, each with the look at its device that it fell into; `among` has one entry for each
    of the batches, and selects those of the devices.
    """
    gaps_ns = _gaps(look, received_ns)
    margins_ms: Floats = (gaps_ns[gaps_ns > window_ns] - window_ns) / NS_PER_MS
    enough = len(margins_ms) >= _GAPS_NEEDED
    return Quiet(
        gaps=len(gaps_ns),
        ending=len(margins_ms),
        narrow=int((margins_ms < NARROW_NS / NS_PER_MS).sum()),
        margin_ms_p5=nearest_rank(margins_ms, 0.05) if enough else None,
        margin_ms_p50=nearest_rank(margins_ms, 0.5) if enough else None,
        waited_long=int((batches.waited_ns[among] > LONG_WAITS * window_ns).sum()),
        batches=int(among.sum()),
    )


def _gaps(look: Ints, received_ns: Ints) -> Ints:
    """Return the gaps from each signal to the look's next, if that did not come together with it."""
    order = np.lexsort((received_ns, look))
    look, received_ns = look[order], received_ns[order]
    gaps = np.diff(received_ns)[~is_start(look)[1:]] if len(look) else received_ns
    apart: Ints = gaps[gaps >= TOGETHER_NS]
    return apart
