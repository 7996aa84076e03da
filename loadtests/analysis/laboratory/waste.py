"""What each refresh was good for: one class for each, decided in one order, so that the classes add up to all of them.

What is new to a view is `sightings`' business; here only what else went on with the same key when an answer held
nothing new. Knows neither policies nor why a device fetched.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from loadtests.analysis.answers import Requests
from loadtests.analysis.client_models import models_of
from loadtests.analysis.devices import SUBSCRIBER, Presence
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import is_start, running_max
from loadtests.analysis.stamps import NEVER, Bools, Ints


class Use(IntEnum):
    """What a refresh was good for; the first that applies, in this order."""

    RETRIED = 1
    """Failed, and its device requested the key again in the same lifetime."""
    FAILED = 2
    """Failed or never answered, and not requested again."""
    UNSEEN = 3
    """Answered when its device's lifetime in the organization had ended."""
    NECESSARY = 4
    """Its answer held what the view did not have."""
    OVERTAKEN = 5
    """Nothing new, and its device had requested the same key again before the answer came."""
    DUPLICATE = 6
    """Nothing new, and an older request of the same key was under way when it was requested."""
    REDUNDANT = 7
    """Nothing new, and it was the only one of its key under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What the refreshes of one use cost."""

    requests: int
    bytes: int
    """Bodies of the answers."""
    database_reads: int | None
    """Statements, as the target told with each answer; None where one did not tell, as those that failed."""

    def to_json(self) -> dict[str, int | None]:
        """Return the object of `metrics.json`; our clients make one request for each refresh."""
        return {
            "refreshes": self.requests,
            "requests": self.requests,
            "bytes": self.bytes,
            "database_reads": self.database_reads,
        }


def waste_metrics(run: Reconstruction, cohorts: dict[str, int]) -> dict[str, Any]:
    """Return the object `waste`: push, each client model and each polling cohort (its index by its name)."""
    uses = uses_of(run.screens)
    subscribers: Bools = run.devices.cohort == SUBSCRIBER
    groups = {
        "push": subscribers,
        **{model.key: run.devices.model == int(model) for model in models_of(run)},
        **{name: run.devices.cohort == cohort for name, cohort in cohorts.items()},
    }
    return {name: _told(run, uses, among) for name, among in groups.items()}


def uses_of(screens: Screens) -> Ints:
    """Return the `Use` of each re-fetch."""
    requests = screens.requests
    lifetime = screens.presence.lifetimes.at(requests.device, requests.requested_ns)
    overlaps = _overlaps(screens, lifetime)
    is_ok = requests.is_ok
    uses: Ints = np.select(
        [
            ~is_ok & overlaps.is_followed,
            ~is_ok,
            _has_left(screens.presence, lifetime, requests.answered_ns),
            screens.sightings.is_news,
            overlaps.is_overtaken,
            overlaps.is_duplicate,
        ],
        [Use.RETRIED, Use.FAILED, Use.UNSEEN, Use.NECESSARY, Use.OVERTAKEN, Use.DUPLICATE],
        default=Use.REDUNDANT,
    ).astype(np.int64)
    return uses


def repeats_in_flush(requests: Requests) -> Bools:
    """Return which re-fetches have a key that their own flush had requested before: one refresh for each entity."""
    order = np.lexsort((requests.requested_ns, requests.key, requests.batch, requests.device))
    begins = is_start(requests.device[order]) | is_start(requests.batch[order]) | is_start(requests.key[order])
    repeats = np.zeros(len(order), dtype=np.bool_)
    repeats[order] = ~begins
    return repeats & (requests.batch > 0)


def toll(run: Reconstruction, chosen: Ints) -> Toll:
    """Return what the chosen re-fetches cost."""
    requests, bodies = run.screens.requests, run.screens.bodies
    answered = chosen[requests.is_ok[chosen]]
    reads = requests.database_reads[chosen]
    return Toll(
        requests=len(chosen),
        bytes=int((bodies.bytes[requests.body[answered]] * ~requests.is_unchanged[answered]).sum()),
        database_reads=int(reads.sum()) if (reads > 0).all() else None,
    )


def _told(run: Reconstruction, uses: Ints, among: Bools) -> dict[str, Any]:
    requests = run.screens.requests
    chosen = np.flatnonzero(among[requests.device] & run.window.holds(requests.requested_ns))
    necessary = int((uses[chosen] == Use.NECESSARY).sum())
    return {
        "refreshes": len(chosen),
        "necessary_share": necessary / len(chosen) if len(chosen) else None,
        "repeated_in_flush": int((repeats_in_flush(requests)[chosen] & (uses[chosen] == Use.REDUNDANT)).sum()),
        **{use.name.lower(): toll(run, chosen[uses[chosen] == use]).to_json() for use in Use},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Overlaps:
    """For each re-fetch what its device did with the same key in the same lifetime."""

    is_followed: Bools
    """Requested again later."""
    is_overtaken: Bools
    """Requested again before the answer."""
    is_duplicate: Bools
    """Requested while an older one was not answered yet."""


def _overlaps(screens: Screens, lifetime: Ints) -> _Overlaps:
    requests = screens.requests
    order = np.lexsort((requests.requested_ns, lifetime, requests.key, requests.device))
    begins = is_start(requests.device[order]) | is_start(requests.key[order]) | is_start(lifetime[order])
    requested_ns, answered_ns = requests.requested_ns[order], requests.answered_ns[order]
    ends = np.append(begins[1:], True)[: len(order)]
    next_ns = np.where(ends, NEVER, np.append(requested_ns[1:], NEVER)[: len(order)])
    latest_ns = running_max(np.cumsum(begins), answered_ns)
    before_ns = np.where(begins, requested_ns, np.append(requested_ns[:1], latest_ns[:-1]))
    columns = np.zeros((3, len(order)), dtype=np.bool_)
    columns[:, order] = (~ends, next_ns < answered_ns, before_ns > requested_ns)
    return _Overlaps(is_followed=columns[0], is_overtaken=columns[1], is_duplicate=columns[2])


def _has_left(presence: Presence, lifetime: Ints, answered_ns: Ints) -> Bools:
    """Return whose lifetime did not last until the answer."""
    if not len(presence.lifetimes.device):
        return np.ones(len(lifetime), dtype=np.bool_)
    has_left: Bools = (lifetime < 0) | (presence.lifetimes.end_ns[lifetime] <= answered_ns)
    return has_left
