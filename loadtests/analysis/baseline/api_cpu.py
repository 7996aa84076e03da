"""CPU that the jobs API spends on a GET: least squares over the samples of its process.

Between two samples the process spends so much for each GET answered, so much for each mutation, and so much a second
whatever happens. A GET is a GET here, whatever it fetches and whether or not its body was sent. The bound is the
95% interval of that fit, cut to what is possible: not below 0, not beyond all CPU ÷ all GETs.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.refreshes import Spending
from loadtests.analysis.stamps import NEVER, NS_PER_MS, UNKNOWN, Floats, Ints
from loadtests.analysis.window import Window
from loadtests.history.history import History
from loadtests.history.kinds import Kind, Process

SAMPLES_MIN: Final = 20
_DEVIATIONS: Final = 1.96
_NAME: Final = "api_cpu_s_per_subscriber_hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCpu:
    """CPU per GET in milliseconds; None: there is no such process of ours, or too little to tell GETs from the rest."""

    ms_per_get: float | None = None
    ms_per_get_low: float | None = None
    ms_per_get_high: float | None = None
    samples: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the object `api_cpu` of `metrics.json`."""
        return {
            "ms_per_get": self.ms_per_get,
            "ms_per_get_low": self.ms_per_get_low,
            "ms_per_get_high": self.ms_per_get_high,
            "samples": self.samples,
        }

    def of(self, spent: Spending) -> dict[str, float | None]:
        """Return the API's seconds of CPU per device and hour that some devices' requests cost, with its bound."""
        per_hour = 60 * spent.requests / spent.minutes if spent.minutes else None

        def seconds(ms: float | None) -> float | None:
            return ms * per_hour / 1000 if ms is not None and per_hour is not None else None

        return {
            _NAME: seconds(self.ms_per_get),
            f"{_NAME}_low": seconds(self.ms_per_get_low),
            f"{_NAME}_high": seconds(self.ms_per_get_high),
        }


def api_cpu(history: History, requests: Requests, mutations: Mutations, window: Window) -> ApiCpu:
    """Return what a GET costs the API in the window."""
    at_ns, cpu_ns = _samples(history, window)
    steps = max(len(at_ns) - 1, 0)
    if steps < SAMPLES_MIN:
        return ApiCpu(samples=steps)
    gets = _between(at_ns, requests.answered_ns[requests.answered_ns != NEVER])
    causes = np.column_stack(
        [gets, _between(at_ns, mutations.acked_ns[mutations.acked_ns != UNKNOWN]), np.diff(at_ns) / NS_PER_MS]
    )
    spent_ms = np.diff(cpu_ns) / NS_PER_MS
    if np.linalg.matrix_rank(causes) < causes.shape[1]:
        return ApiCpu(samples=steps)
    costs, *_ = np.linalg.lstsq(causes, spent_ms, rcond=None)
    rest = spent_ms - causes @ costs
    variance = float(rest @ rest) / (steps - causes.shape[1]) * np.linalg.inv(causes.T @ causes)[0, 0]
    half = _DEVIATIONS * float(np.sqrt(variance))
    most = float(spent_ms.sum() / gets.sum())
    low, told, high = np.clip([costs[0] - half, costs[0], costs[0] + half], 0, most)
    return ApiCpu(ms_per_get=float(told), ms_per_get_low=float(low), ms_per_get_high=float(high), samples=steps)


def _samples(history: History, window: Window) -> tuple[Ints, Ints]:
    """Return when the API's process was sampled and how much CPU it had used; nothing if it is none or several."""
    rows = history.of(Kind.USAGE)
    rows = rows[(rows["actor"] == Process.API) & window.holds(rows["at_ns"])]
    if len(np.unique(rows["flag"])) != 1:
        rows = rows[:0]
    return rows["at_ns"].astype(np.int64), rows["value"].astype(np.int64)


def _between(at_ns: Ints, events_ns: Ints) -> Floats:
    """Return how many events fell between each two samples."""
    counts = np.diff(np.searchsorted(np.sort(events_ns), at_ns, side="right"))
    return counts.astype(np.float64)
