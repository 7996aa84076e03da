"""One policy's tally over all parts of a run, until it is an outcome."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.laboratory.arrivals import Arrivals, Part
from loadtests.analysis.laboratory.carried_out import Requests
from loadtests.analysis.laboratory.durations import Durations
from loadtests.analysis.laboratory.outcome import Outcome
from loadtests.analysis.laboratory.tally import tally
from loadtests.analysis.quantiles import of_distinct
from loadtests.analysis.staleness import Staleness
from loadtests.analysis.stamps import Floats, Ints
from loadtests.analysis.window import Window
from loadtests.scenario.vocabulary import DeviceModel

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What about a run is the same under every policy."""

    window: Window
    minutes: float
    """Subscriber-minutes in the window."""
    looked_ns: int
    """How much of that time somebody looked."""
    events: int
    """Distinct events among the signals of the window that ask for something."""
    look_begin_ns: Ints
    durations: Durations


class Tallies:
    """What a policy has come to so far."""

    def __init__(self, setting: Setting, arrivals: Arrivals, name: str) -> None:
        self._setting = setting
        self._arrivals = arrivals
        self._name = name
        self._waits_ms: list[Floats] = [np.zeros(0)]
        self._from_ns: list[Ints] = [np.zeros(0, dtype=np.int64)]
        self._to_ns: list[Ints] = [np.zeros(0, dtype=np.int64)]
        self._intervals = 0
        self._changes = 0
        self._refreshes: dict[DeviceModel, int] = {}
        self._others = 0
        self._suppressed = 0

    def add(self, part: Part, requests: Requests, *, model: int, suppressed: int) -> None:
        """Take in the requests of all lifetimes of a part, which are of one client model."""
        window = self._setting.window
        inside = window.holds(requests.started_ns)
        refreshes = int((inside & (requests.is_flush > 0)).sum())
        if refreshes:
            self._refreshes[DeviceModel(model)] = self._refreshes.get(DeviceModel(model), 0) + refreshes
        self._others += int(inside.sum()) - refreshes
        self._suppressed += suppressed
        told = tally(
            part,
            requests,
            window,
            look_begin_ns=self._setting.look_begin_ns,
            end_ns=self._arrivals.end_ns[part.lifetimes],
        )
        self._waits_ms.append(told.waits_ms)
        self._from_ns.append(told.from_ns)
        self._to_ns.append(told.to_ns)
        self._intervals += told.intervals
        self._changes += told.changes

    def outcome(self) -> Outcome:
        """Return all of it together; nothing is left here."""
        waits_ms = of_distinct(_taken(self._waits_ms), distinct=self._setting.events)
        staleness = Staleness(
            from_ns=_taken(self._from_ns),
            to_ns=_taken(self._to_ns),
            intervals=self._intervals,
            changes=self._changes,
            device_ns=self._setting.looked_ns,
        )
        return Outcome(
            name=self._name,
            refreshes=sum(self._refreshes.values()),
            others=self._others,
            suppressed=self._suppressed,
            minutes=self._setting.minutes,
            stale_mean_ms=staleness.mean_ms,
            stale_ms=staleness.quantiles(),
            waits_ms=waits_ms,
            by_model=dict(sorted(self._refreshes.items())),
        )


def _taken(pieces: list[NDArray[Number]]) -> NDArray[Number]:
    """Return pieces as one and keep none: of a large run both together would be much."""
    whole = np.concatenate(pieces)
    pieces.clear()
    return whole
