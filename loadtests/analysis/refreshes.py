"""What devices cost: refreshes, requests, bytes and signals in the window, waste, and how they bunch."""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.events import Signals
from loadtests.analysis.results import Cost
from loadtests.analysis.sightings import Sightings
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S, Bools, Ints
from loadtests.analysis.window import Window

_HERD_BIN_NS = 100 * NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What one kind of device spent in the window."""

    minutes: float
    """Device-minutes."""
    refreshes: int
    requests: int
    answer_bytes: int
    signal_bytes: int
    signals: int
    wasted: int
    """Answered with nothing new, or with what was discarded."""
    discarded: int
    answered: int
    unchanged: int
    """Answered that nothing has changed, without a body."""
    database_reads: int | None
    """Statements; None: not told of each answer."""
    herd_index: float | None

    @property
    def database_reads_per_hour(self) -> float | None:
        """Statements of the target's database, per device and hour."""
        return 60 * self.database_reads / self.minutes if self.database_reads is not None and self.minutes else None

    @property
    def cost(self) -> Cost:
        """The same per device and minute."""
        minutes = self.minutes or float("inf")
        return Cost(
            refreshes=self.refreshes / minutes,
            requests=self.requests / minutes,
            bytes=(self.answer_bytes + self.signal_bytes) / minutes,
            signals=self.signals / minutes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """All that devices fetched and received."""

    requests: Requests
    bodies: Bodies
    sightings: Sightings
    signals: Signals
    window: Window


def spending(traffic: Traffic, among: Bools, *, device_ns: int) -> Spending:
    """Return what the devices `among` (one entry per device) spent in the window."""
    requests, signals, window = traffic.requests, traffic.signals, traffic.window
    chosen = np.flatnonzero(among[requests.device] & window.holds(requests.requested_ns))
    answered = chosen[requests.is_ok[chosen]]
    came = answered[~requests.is_unchanged[answered]]
    reads = requests.database_reads[answered]
    heard = among[signals.device] & window.holds(signals.received_ns)
    return Spending(
        minutes=device_ns / (60 * NS_PER_S),
        # Our clients make one request for each refresh; what retries would add shows in the requests alone.
        refreshes=len(chosen),
        requests=len(chosen),
        answer_bytes=int(traffic.bodies.bytes[requests.body[came]].sum()),
        signal_bytes=int(signals.bytes[heard].sum()),
        signals=int(heard.sum()),
        discarded=int(requests.is_discarded[answered].sum()),
        wasted=int((~traffic.sightings.is_news[answered]).sum()),
        answered=len(answered),
        unchanged=len(answered) - len(came),
        database_reads=int(reads.sum()) if len(reads) and reads.all() else None,
        herd_index=_herd_index(requests.requested_ns[chosen], window),
    )


def _herd_index(requested_ns: Ints, window: Window) -> float | None:
    """Return the peak number of re-fetches per 100 ms over their mean."""
    bins = -(-(window.end_ns - window.start_ns) // _HERD_BIN_NS)
    if not len(requested_ns) or bins <= 0:
        return None
    counts = np.bincount((requested_ns - window.start_ns) // _HERD_BIN_NS, minlength=bins)
    return float(counts.max() * bins / counts.sum())
