"""What one burst of changes of one job costs each client model, the least possible, and polling beside it.

The clients' own state machines hear the burst; polls are counted for every phase that a poller may have. It knows no
run and no pipeline: signals arrive the moment that they are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.baseline.lone_device import Heard, live_through
from loadtests.analysis.coalescing import Demands, optimum
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S
from loadtests.clients.models import client_model
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel

POLLING_S: Final = (5.0, 10.0)
_BEGIN_NS: Final = 2 * NS_PER_S
_MINUTE_NS: Final = 60 * NS_PER_S
_FETCH_NS: Final = 50 * NS_PER_MS
_PHASES: Final = 1000
"""Of a poller, evenly over its interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstCost:
    """What one kind of device makes of the burst; means where chance has a part."""

    refreshes: float
    """Because of the burst; polling: until its last change is fetched."""
    in_minute: float
    """All requests in the minute that begins with it."""
    last_after_s: float | None
    """From the last change to the request that fetches it; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBurst:
    """A burst of so many events of one job, evenly over a while."""

    events: int
    within_s: float
    window_ms: int

    @property
    def at_ns(self) -> list[int]:
        """When each event comes."""
        return [_BEGIN_NS + round(number * self.within_s * NS_PER_S / self.events) for number in range(self.events)]

    def clients(self) -> dict[DeviceModel, BurstCost]:
        """Return what each client model makes of it, with the jobs list open."""
        return {model: self._client(model) for model in PUSHED_MODELS}

    def least(self, within_s: float) -> int:
        """Return the fewest refreshes such that each change is requested within so many seconds."""
        received_ns = np.array(self.at_ns, dtype=np.int64)
        zeros = np.zeros(self.events, dtype=np.int64)
        demands = Demands(
            device=zeros, key=zeros, received_ns=received_ns, wait_ns=zeros, signal=np.arange(self.events)
        )
        return optimum(demands, np.full(self.events, round(within_s * NS_PER_S), dtype=np.int64))

    @property
    def designed_wait_s(self) -> float:
        """How long the design's debounce lets the first change wait."""
        at_ns = self.at_ns
        return (at_ns[-1] - at_ns[0]) / NS_PER_S + self.window_ms / 1000

    def polling(self, interval_s: float) -> BurstCost:
        """Return what a poller makes of it, on average over its phases."""
        interval_ns, at_ns = round(interval_s * NS_PER_S), self.at_ns
        first_ns = [at_ns[0] + interval_ns * phase // _PHASES for phase in range(_PHASES)]
        # Rounded up: how many intervals until nothing of the burst is still to come.
        later = [max(0, -((each - at_ns[-1]) // interval_ns)) for each in first_ns]
        ends_ns = [each + polls * interval_ns for each, polls in zip(first_ns, later, strict=True)]
        return BurstCost(
            refreshes=sum(later) / _PHASES + 1,
            in_minute=_MINUTE_NS / interval_ns,
            last_after_s=(sum(ends_ns) / _PHASES - at_ns[-1]) / NS_PER_S,
        )

    def _client(self, model: DeviceModel) -> BurstCost:
        client = client_model(model, window_ns=self.window_ms * NS_PER_MS)
        at_ns, job = self.at_ns, Signal(subject=Subject.JOB, is_upload=False, entity="job:1", entity_id="1")
        lived = live_through(
            client,
            client.screen(),
            [Heard(each, job) for each in at_ns],
            end_ns=_BEGIN_NS + _MINUTE_NS,
            fetch_ns=_FETCH_NS,
            chance=lambda: 0.5,
        )
        in_minute = [each.at_ns for each in lived if each.at_ns >= _BEGIN_NS]
        flushed_ns = [each.at_ns for each in lived if each.cause is Cause.FLUSH]
        return BurstCost(
            refreshes=len(flushed_ns),
            in_minute=len(in_minute),
            last_after_s=_after_s(flushed_ns, at_ns[-1]),
        )


def _after_s(requested_ns: Sequence[int], last_ns: int) -> float | None:
    """Return how long after the last change the first request comes that fetches it."""
    return next(((each - last_ns) / NS_PER_S for each in requested_ns if each >= last_ns), None)
