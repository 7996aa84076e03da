"""A phone's radio as a state machine of four states: idle, promotion, active, tail. Transfers in, energy out.

The model and its figures are those of J. Huang, F. Qian, A. Gerber, Z. M. Mao, S. Sen and O. Spatscheck, *A Close
Examination of Performance and Power Characteristics of 4G LTE Networks*, MobiSys 2012, tables 3 and 4 (one phone of
2012 in one operator's network), as they are commonly quoted; the throughput is in its abstract. It knows nothing of
push or polling.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.segments import is_start, running_max
from loadtests.analysis.stamps import NEVER, NS_PER_MS, NS_PER_S, Bools, Ints

_BITS: Final = 8
_MBPS: Final = 1e6
_NJ_PER_J: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """What each state of a radio takes, in milliwatts, and how long it lasts."""

    name: str
    promotion_mw: float
    promotion_ns: int
    tail_mw: float
    tail_ns: int
    """How long it stays up after the last transfer."""
    base_mw: float
    """Of an active radio, to which throughput adds."""
    up_mw_per_mbps: float
    down_mw_per_mbps: float
    idle_mw: float
    """On average: what the radio takes to listen now and then."""

    def up_nj_per_byte(self) -> float:
        """What a byte sent takes at the throughput that is assumed."""
        return (self.base_mw + self.up_mw_per_mbps * UP_MBPS) * _BITS / UP_MBPS

    def down_nj_per_byte(self) -> float:
        """What a byte received takes at the throughput that is assumed."""
        return (self.base_mw + self.down_mw_per_mbps * DOWN_MBPS) * _BITS / DOWN_MBPS


UP_MBPS: Final = 6.0
DOWN_MBPS: Final = 13.0
"""The medians that the paper measured over LTE; for small transfers they hardly matter."""

LTE: Final = Radio(
    name="lte",
    promotion_mw=1210.7,
    promotion_ns=round(260.1 * NS_PER_MS),
    tail_mw=1060.0,
    tail_ns=round(11_576.0 * NS_PER_MS),
    base_mw=1288.04,
    up_mw_per_mbps=438.39,
    down_mw_per_mbps=51.97,
    idle_mw=594.3 * 43.2 / 1280.2,
)
WIFI: Final = Radio(
    name="wifi",
    promotion_mw=124.4,
    promotion_ns=round(79.1 * NS_PER_MS),
    tail_mw=119.3,
    tail_ns=round(238.1 * NS_PER_MS),
    base_mw=132.86,
    up_mw_per_mbps=283.17,
    down_mw_per_mbps=137.01,
    idle_mw=77.2 * 7.6 / 308.2,
)
RADIOS: Final = (LTE, WIFI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfers:
    """What devices sent and received: one entry per transfer, sorted by device, then time."""

    device: Ints
    at_ns: Ints
    """When it begins."""
    bytes: Ints
    is_up: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """What the radios of some devices took, all together."""

    wakeups: int
    """How often a radio left idle."""
    on_s: float
    """Seconds in promotion, active and tail."""
    energy_j: float
    """Idle time included."""
    observed_s: float
    """Device-seconds."""

    @property
    def joules_per_hour(self) -> float | None:
        """Of one device; None: nobody was observed."""
        return self.energy_j / self.observed_s * 3600 if self.observed_s else None

    @property
    def wakeups_per_hour(self) -> float | None:
        """Of one device."""
        return self.wakeups / self.observed_s * 3600 if self.observed_s else None

    @property
    def on_share(self) -> float | None:
        """Part of the time in which a radio is not idle."""
        return self.on_s / self.observed_s if self.observed_s else None


def sort_transfers(device: Ints, at_ns: Ints, size: Ints, is_up: Bools) -> Transfers:
    """Return transfers in their order."""
    order = np.lexsort((at_ns, device))
    return Transfers(device=device[order], at_ns=at_ns[order], bytes=size[order], is_up=is_up[order])


def drain(radio: Radio, transfers: Transfers, *, observed_ns: int, within_ns: tuple[int, int]) -> Drain:
    """Return what these transfers take in a stretch of time, in which devices were observed for so many nanoseconds.

    A burst is a row of transfers of which none finds the radio idle: each begins before the tail of the one before it
    is over. The promotion comes before a burst's first transfer, in addition to the recorded times; between transfers
    and after the last one the radio is in its tail. What transfers of before the stretch leave of their tails is in it,
    and what lies behind its end is not; a transfer's bytes count where it begins.
    """
    device, begin_ns = transfers.device, transfers.at_ns
    mbps = np.where(transfers.is_up, UP_MBPS, DOWN_MBPS)
    active_ns = np.ceil(transfers.bytes * _BITS / (mbps * _MBPS) * NS_PER_S).astype(np.int64)
    end_ns = running_max(device, begin_ns + active_ns)
    is_first = is_start(device)
    before_ns = np.where(is_first, begin_ns, np.concatenate([begin_ns[:1], end_ns[:-1]]))
    is_inside = (begin_ns >= within_ns[0]) & (begin_ns < within_ns[1])
    bursts = int((is_inside & (is_first | (begin_ns - before_ns > radio.tail_ns))).sum())
    covered_ns = _overlap_ns(np.maximum(begin_ns, before_ns), begin_ns + active_ns, within_ns)
    is_last = np.append(is_first[1:], True)[: len(device)]
    next_ns = np.where(is_last, NEVER, np.append(begin_ns[1:], NEVER)[: len(device)])
    tail_ns = _overlap_ns(end_ns, np.minimum(end_ns + radio.tail_ns, next_ns), within_ns)
    promotion_ns = bursts * radio.promotion_ns
    on_ns = promotion_ns + covered_ns + tail_ns
    nj_per_byte = np.where(transfers.is_up, radio.up_nj_per_byte(), radio.down_nj_per_byte())
    energy_j = (
        float((transfers.bytes * nj_per_byte)[is_inside].sum()) / _NJ_PER_J
        + _joules(radio.promotion_mw, promotion_ns)
        + _joules(radio.tail_mw, tail_ns)
        + _joules(radio.idle_mw, max(observed_ns - on_ns, 0))
    )
    return Drain(wakeups=bursts, on_s=on_ns / NS_PER_S, energy_j=energy_j, observed_s=observed_ns / NS_PER_S)


def _overlap_ns(begin_ns: Ints, end_ns: Ints, within_ns: tuple[int, int]) -> int:
    """Return how much of some spans lies in a stretch, all together."""
    lasted_ns = np.minimum(end_ns, within_ns[1]) - np.maximum(begin_ns, within_ns[0])
    return int(np.maximum(lasted_ns, 0).sum())


def _joules(power_mw: float, time_ns: int) -> float:
    return power_mw / 1e3 * time_ns / NS_PER_S
