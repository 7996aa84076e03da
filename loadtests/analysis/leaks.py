"""Isolation: what reached a device of one organization though it belongs to another, through whichever path.

Which organization a device is in is a matter of its lifetimes: the one in which a signal was received, or an answer
was asked for; outside of all of them the last one before. The worst of them are kept by name.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.devices import Devices, Presence
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.receipts import chunks
from loadtests.analysis.scope import TrueJobs
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import expand, find_last, starts
from loadtests.analysis.stamps import NS_PER_S, UNKNOWN, Ints
from loadtests.clients.requests import Cause, KeyKind
from loadtests.history.kinds import NO_ENTITY, NOBODY

EXAMPLES: Final = 10
"""So many are told by name."""
_OF_JOBS: Final = (int(KeyKind.JOB_LIST), int(KeyKind.JOB))
_PATHS: Final = {
    Cause.FLUSH: "re-fetch",
    Cause.CATCH_UP: "catch-up",
    Cause.POLL: "poll",
    Cause.FOCUS: "fetch on focus",
    Cause.SAFETY_POLL: "safety poll",
    Cause.RETRY: "re-fetch, tried again",
}


def organization_at(presence: Presence, devices: Devices, device: Ints, at_ns: Ints) -> Ints:
    """Return in which organization each device was, or had been last; at home if it had not lived yet."""
    lives = presence.lifetimes
    place = find_last(lives.device, lives.begin_ns, device, at_ns)
    home = devices.organization[device]
    return np.where(place >= 0, presence.organization[place], home) if len(lives.device) else home


def leaked_signals(signals: Signals, presence: Presence, devices: Devices) -> Ints:
    """Return the signals of the whole run that are of another organization than their device was in."""
    only = _only_organization(presence, devices)
    suspects = [
        np.flatnonzero(signals.is_named[chunk] & (signals.organization[chunk] != only[signals.device[chunk]]))
        + chunk.start
        for chunk in chunks(len(signals))
    ]
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *suspects])
    organization = organization_at(presence, devices, signals.device[rows], signals.received_ns[rows])
    leaked: Ints = rows[signals.organization[rows] != organization]
    return leaked


def _only_organization(presence: Presence, devices: Devices) -> Ints:
    """Return the one organization that each device was ever in, or one that does not exist if there were several."""
    only = devices.organization.copy()
    elsewhere = presence.organization != devices.organization[presence.lifetimes.device]
    only[presence.lifetimes.device[elsewhere]] = devices.organizations
    return only


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakedAnswers:
    """One entry per answer and job of another organization in it, sorted by answer."""

    request: Ints
    job: Ints
    organization: Ints
    """The job's."""

    @property
    def answers(self) -> int:
        """How many answers they are."""
        return len(np.unique(self.request))


def leaked_answers(screens: Screens, jobs: TrueJobs) -> LeakedAnswers:
    """Return the answers of the whole run that showed a device a job that is not its organization's.

    Only jobs that the truth knows can tell, each by an id of its own; and only answers that hold jobs, because a
    document or an audit entry may have the number of a job.
    """
    requests, bodies = screens.requests, screens.bodies
    rows = np.flatnonzero(requests.is_ok & np.isin(requests.kind, _OF_JOBS))
    if not len(bodies.item_job) or not len(jobs):
        rows = rows[:0]
    home = np.full(max(int(bodies.item_job.max(initial=-1)), int(jobs.job.max(initial=-1))) + 1, NOBODY, dtype=np.int64)
    home[jobs.job] = jobs.organization
    home[jobs.job[home[jobs.job] != jobs.organization]] = NOBODY
    organization = organization_at(
        screens.presence, screens.devices, requests.device[rows], requests.requested_ns[rows]
    )
    # An organization's devices share their bodies: each (body, organization) is looked into once.
    width = screens.devices.organizations
    shown, which = np.unique(requests.body[rows] * width + organization, return_inverse=True)
    owner, position = expand(bodies.recorded(shown // width))
    job = bodies.item_job[bodies.first[(shown // width)[owner]] + position]
    foreign = (home[job] != NOBODY) & (home[job] != (shown % width)[owner])
    owner, job = owner[foreign], job[foreign]
    counts = np.bincount(owner, minlength=len(shown)).astype(np.int64)
    row, position = expand(counts[which])
    job = job[(np.cumsum(counts) - counts)[which[row]] + position]
    return LeakedAnswers(request=rows[row], job=job, organization=home[job])


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """All that crossed organizations in a run."""

    signals: Ints
    """Rows of `Signals`."""
    answers: LeakedAnswers

    @property
    def total(self) -> int:
        """How many signals and answers."""
        return len(self.signals) + self.answers.answers


def examples(
    isolation: Isolation, signals: Signals, events: Events, screens: Screens, *, names: tuple[str, ...], start_ns: int
) -> list[dict[str, Any]]:
    """Return the first leaks of each path by name; stamps in seconds from the start of the window."""
    told: list[dict[str, Any]] = []
    inside = organization_at(
        screens.presence, screens.devices, signals.device[isolation.signals], signals.received_ns[isolation.signals]
    )
    for row, organization in zip(isolation.signals[:EXAMPLES], inside[:EXAMPLES], strict=True):
        told.append(
            {
                "path": "push",
                "event": names[signals.name[row]],
                "of_organization": int(signals.organization[row]),
                "subscriber": int(signals.device[row]),
                "in_organization": int(organization),
                "at_s": (int(signals.received_ns[row]) - start_ns) / NS_PER_S,
            }
        )
    return told + _answer_examples(isolation.answers, events, screens, names=names, start_ns=start_ns)


def _answer_examples(
    leaked: LeakedAnswers, events: Events, screens: Screens, *, names: tuple[str, ...], start_ns: int
) -> list[dict[str, Any]]:
    requests = screens.requests
    first = starts(leaked.request)
    by_cause = [first[requests.cause[leaked.request[first]] == cause][:EXAMPLES] for cause in _PATHS]
    chosen = np.concatenate(by_cause)
    request, job = leaked.request[chosen], leaked.job[chosen]
    inside = organization_at(
        screens.presence, screens.devices, requests.device[request], requests.requested_ns[request]
    )
    event = _newest_event(events, job, requests.answered_ns[request])
    return [
        {
            "path": _PATHS[Cause(int(requests.cause[row]))],
            "event": names[events.name[newest]] if newest >= 0 else None,
            "job": names[name],
            "of_organization": int(owner),
            "subscriber": int(requests.device[row]),
            "in_organization": int(organization),
            "at_s": (int(requests.answered_ns[row]) - start_ns) / NS_PER_S,
        }
        for row, name, owner, organization, newest in zip(
            request, job, leaked.organization[chosen], inside, event, strict=True
        )
    ]


def _newest_event(events: Events, job: Ints, at_ns: Ints) -> Ints:
    """Return the last event of each job that was committed before the stamp, -1 if none was."""
    rows = np.flatnonzero((events.job != NO_ENTITY) & (events.placed_ns != UNKNOWN))
    rows = rows[np.lexsort((events.placed_ns[rows], events.job[rows]))]
    place = find_last(events.job[rows], events.placed_ns[rows], job, at_ns)
    return np.where(place >= 0, rows[place], -1) if len(rows) else place
