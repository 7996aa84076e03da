"""The polling baseline, cohort by cohort: what was measured, and what arithmetic expects of it.

A change waits for half an interval on average until the next poll, whatever its phase; so the median is due → stored,
plus half the interval, plus the fetch. A measured cohort far from that tells of a fault in the harness itself.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.devices import Devices
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.quantiles import nearest_rank
from loadtests.analysis.stamps import elapsed_ms
from loadtests.analysis.window import Window
from loadtests.clients.requests import Cause
from loadtests.scenario.model import Pollers


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedForm:
    """What is expected of a cohort's median visibility latency, in milliseconds."""

    due_to_stored_p50: float
    half_interval: float
    fetch_p50: float

    @property
    def p50(self) -> float:
        """The expectation."""
        return self.due_to_stored_p50 + self.half_interval + self.fetch_p50


def interval_name(cohort: Pollers) -> str:
    """Return a cohort's key in `metrics.json`, such as `5s`."""
    return cohort.name


def closed_form(
    cohort: int, interval_s: float, *, pairs: Pairs, mutations: Mutations, requests: Requests, where: "Where"
) -> ClosedForm | None:
    """Return the expectation for one cohort, None when it saw nothing or fetched nothing."""
    mutation = pairs.mutation[pairs.of_cohort(cohort)]
    polls = np.flatnonzero(
        (where.devices.cohort[requests.device] == cohort)
        & (requests.cause == Cause.POLL)
        & where.window.holds(requests.requested_ns)
        & requests.is_ok
    )
    if not len(mutation) or not len(polls):
        return None
    return ClosedForm(
        due_to_stored_p50=nearest_rank(elapsed_ms(mutations.due_ns[mutation], mutations.effective_ns[mutation]), 0.5),
        half_interval=interval_s * 500,
        fetch_p50=nearest_rank(elapsed_ms(requests.requested_ns[polls], requests.answered_ns[polls]), 0.5),
    )


@dataclass(frozen=True, slots=True)
class Where:
    """Among which devices, in which window."""

    devices: Devices
    window: Window
