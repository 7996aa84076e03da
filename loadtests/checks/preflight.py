"""Which limits of a plan a load is going to hit, when, by which arithmetic, and what would fit.

Pure, and before anything is started. The meter is the one by which the embedded Realtime keeps limits, read from the
real server's source; what is compared with it are expectations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Any, Final

from loadtests.checks.expected_load import EVENT_FRAME_BYTES, ExpectedLoad, PhaseLoad, Series
from loadtests.wire.plans import PLANS, PlanName
from loadtests.wire.rate_meter import BUCKET_S, BUCKETS, RateMeter

_NS: Final = 1_000_000_000
_FINE: Final = 1000
"""The meter counts whole things; expectations are counted in thousandths."""
_DEVIATIONS: Final = 3.0
"""What lies within so many standard deviations of the mean is to be reckoned with."""
_WINDOW_S: Final = BUCKET_S * BUCKETS
_PATIENT_USER_S: Final = 0.5
"""A mutation may take so long before the pool of mutators is too small; measured backends stay below."""


class Severity(StrEnum):
    """How bad a finding is."""

    FINE = "fine"
    WARNED = "warned"
    REFUSED = "refused"
    """Certain to spoil the run in silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One limit, held against the load."""

    limit: str
    severity: Severity
    says: str
    """What happens, in one sentence."""
    arithmetic: str
    fits: tuple[str, ...] = ()
    """What would stay within the limit; any one of them is enough."""
    expected: float
    allowed: float | None
    from_s: float | None = None
    """Seconds after the start of the load; None: never, or before it."""
    is_hit: bool = False
    """Whether that is to be expected, rather than possible by chance."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "limit": self.limit,
            "severity": str(self.severity),
            "says": self.says,
            "arithmetic": self.arithmetic,
            "fits": list(self.fits),
            "expected": self.expected,
            "allowed": self.allowed,
            "from_s": self.from_s,
        }


def compare(load: ExpectedLoad, plan: PlanName) -> tuple[Finding, ...]:
    """Return what the load comes to under a plan, limit by limit."""
    return (_messages(load, plan), _connections(load, plan), _joins(load, plan), *_plain(load, plan))


def refused(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return those for which the run must not start unless it is forced."""
    return tuple(finding for finding in findings if finding.severity is Severity.REFUSED)


# ---- messages a second


@dataclass(frozen=True, slots=True)
class Discards:
    """When a limit per second begins to bite, and how much of the load it eats."""

    from_s: float | None
    """When it is first exceeded; None: never."""
    share: float
    """Of what was to be counted."""


def discards(series: Series, limit: int, *, begins_s: float) -> Discards:
    """Return what the real server does with `series`, one value a second: while the mean is exceeded nothing counts.

    The meter has seen a quiet minute before, so that the answer errs on the side of the plan: a young meter has fewer
    buckets to average over, and is exceeded sooner.
    """
    meter = RateMeter(limit * _FINE)
    meter.is_exceeded(0)
    first_s: float | None = None
    lost = 0.0
    for second, value in enumerate(series.tolist()):
        at_ns = (second + _WINDOW_S) * _NS
        if meter.is_exceeded(at_ns):
            lost += value
            if first_s is None and value:
                first_s = begins_s + second
        else:
            meter.add(at_ns, round(value * _FINE))
    total = float(series.sum())
    return Discards(first_s, lost / total if total else 0.0)


def _messages(load: ExpectedLoad, plan: PlanName) -> Finding:
    limit, phase = PLANS[plan].messages_per_s, load.busiest_phase
    arithmetic = (
        f"{phase.mutations_per_s:g} mutations/s x {phase.receivers:,.4g} receivers = "
        f"{phase.deliveries_per_s:,.4g} deliveries/s in phase '{phase.name}'"
    )
    if limit is None:
        return _unlimited("messages/s", phase.deliveries_per_s, arithmetic)
    lost = discards(load.timeline.deliveries, limit, begins_s=load.timeline.begins_s)
    arithmetic += (
        f", against {limit:,}/s as a mean over {_WINDOW_S} s in buckets of {BUCKET_S} s; while the mean is at the "
        f"limit or above, changes are discarded and nothing on the wire tells"
    )
    if lost.from_s is None:
        return _by_chance(load, limit, arithmetic)
    return Finding(
        limit="messages/s",
        severity=Severity.REFUSED,
        says=(
            f"changes are silently discarded {_since(load, lost.from_s)}, "
            f"{lost.share:.0%} of all {load.messages:,.0f} deliveries"
        ),
        arithmetic=arithmetic,
        fits=_fits(load, phase, limit),
        expected=phase.deliveries_per_s,
        allowed=limit,
        from_s=lost.from_s,
        is_hit=True,
    )


def _by_chance(load: ExpectedLoad, limit: int, arithmetic: str) -> Finding:
    """Return the finding for a mean below the limit, which random arrivals may still exceed for a while."""
    phase = load.busiest_phase
    variance = float(load.timeline.between(load.timeline.variance, phase.begin_s, _end(phase)).mean())
    deviation = sqrt(variance / min(_WINDOW_S, max(phase.duration_s, BUCKET_S)))
    may_reach = phase.deliveries_per_s + _DEVIATIONS * deviation
    within_s = min(1.0, phase.duration_s / _WINDOW_S)  # a phase shorter than the window fills only a part of it
    is_close = may_reach * within_s >= limit
    return Finding(
        limit="messages/s",
        severity=Severity.WARNED if is_close else Severity.FINE,
        says=(
            f"the mean stays below the limit, and by chance may reach {may_reach:,.0f}/s for a while"
            if is_close
            else "stays below the limit"
        ),
        arithmetic=arithmetic,
        fits=_fits(load, phase, limit) if is_close else (),
        expected=phase.deliveries_per_s,
        allowed=limit,
    )


def _fits(load: ExpectedLoad, phase: PhaseLoad, limit: int) -> tuple[str, ...]:
    """Return the largest rate for these members and the most members for this rate; all else is proportional."""
    share = limit / phase.deliveries_per_s
    rate, members = phase.mutations_per_s * share, (load.subscribers + load.controls) * share - load.controls
    variance = float(load.timeline.between(load.timeline.variance, phase.begin_s, _end(phase)).mean())
    # x² + 3·sqrt(v/60)·x - limit = 0 for x² = deliveries/s, whose variance v·x² grows with it.
    spread = _DEVIATIONS * sqrt(variance / phase.deliveries_per_s / _WINDOW_S)
    root = (-spread + sqrt(spread**2 + 4 * limit)) / 2
    calm = f" ({root**2 / phase.receivers:,.2g} leaves room for chance)" if variance else ""
    return (
        f"fewer than {rate:,.3g} mutations/s{calm} for these {load.subscribers:,} subscribers",
        f"fewer than {max(0.0, members):,.0f} subscribers for these {phase.mutations_per_s:g} mutations/s",
        _larger_plan("messages_per_s", phase.deliveries_per_s),
    )


def _larger_plan(limit: str, needed: float) -> str:
    fitting = [name for name, plan in PLANS.items() if plan.price and (getattr(plan, limit) or 0) > needed]
    more = "a limit raised by support, or a self-hosted server with its own"
    return f"plan {' or '.join(fitting)}" if fitting else more


def _since(load: ExpectedLoad, at_s: float) -> str:
    phase, minutes = load.phase_at(at_s), int(max(0.0, at_s) // 60)
    minute = "from the first minute on" if minutes == 0 else f"from minute {minutes + 1} on"
    return f"{minute} (at the latest after {max(0.0, at_s):.0f} s, in phase '{phase}')"


def _end(phase: PhaseLoad) -> float:
    return phase.begin_s + phase.duration_s


# ---- connections and joins


def _connections(load: ExpectedLoad, plan: PlanName) -> Finding:
    limit, peak = PLANS[plan].connections, load.connections_peak
    beside = f" and {load.controls:,} official clients" if load.controls else ""
    arithmetic = f"{peak:,} WebSockets at once, of {load.subscribers:,} subscribers{beside}"
    if limit is None:
        return _unlimited("connections", peak, arithmetic)
    beyond = peak - limit
    return Finding(
        limit="connections",
        severity=Severity.WARNED if beyond > 0 else Severity.FINE,
        says=(
            f"{beyond:,} devices are refused with HTTP 429 'Too many connected users', and so is everybody else of "
            f"this project"
            if beyond > 0
            else "stays within the limit, if nobody else uses the project"
        ),
        arithmetic=f"{arithmetic}, against {limit:,}",
        fits=(f"at most {max(0, limit - load.controls):,} subscribers", _larger_plan("connections", peak))
        if beyond > 0
        else (),
        expected=peak,
        allowed=limit,
        is_hit=beyond > 0,
    )


def _joins(load: ExpectedLoad, plan: PlanName) -> Finding:
    limit, peak = PLANS[plan].joins_per_s, load.joins_per_s_peak
    arithmetic = f"{load.joins:,} joins, at most {peak:,.0f} in one second"
    if limit is None:
        return _unlimited("joins/s", peak, arithmetic)
    lost = discards(load.timeline.joins, limit, begins_s=load.timeline.begins_s)
    is_hit = lost.from_s is not None
    when = "while devices connect" if is_hit and lost.from_s is not None and lost.from_s < 0 else ""
    when = when or (f"after {lost.from_s:.0f} s" if lost.from_s is not None else "")
    return Finding(
        limit="joins/s",
        severity=Severity.WARNED if is_hit else Severity.FINE,
        says=(
            f"joins are refused {when}, each with the end of its whole socket, and connects with HTTP 429"
            if is_hit
            else "stays below the limit"
        ),
        arithmetic=f"{arithmetic}, against {limit:,}/s as a mean over {_WINDOW_S} s in buckets of {BUCKET_S} s",
        fits=(f"fewer than {limit:,} a second: lower subscribers.connects_per_s, or give lifecycle steps within_s",)
        if is_hit
        else (),
        expected=peak,
        allowed=limit,
        from_s=lost.from_s if lost.from_s is not None and lost.from_s >= 0 else None,
        is_hit=is_hit,
    )


# ---- what is compared at a glance


def _plain(load: ExpectedLoad, plan: PlanName) -> Iterator[Finding]:
    allowed = PLANS[plan].channels_per_connection
    yield Finding(
        limit="channels per connection",
        severity=Severity.FINE,
        says="each device is on one channel at a time",
        arithmetic="1 organization = 1 channel",
        expected=1,
        allowed=allowed,
    )
    largest = PLANS[plan].change_kb * 1024
    yield Finding(
        limit="change size",
        severity=Severity.FINE,
        says="events are small: the table takes payloads of 2 KB at most",
        arithmetic=f"about {EVENT_FRAME_BYTES:,} bytes, against {largest:,}",
        expected=EVENT_FRAME_BYTES,
        allowed=largest,
    )
    price = PLANS[plan].price
    if price is not None:
        yield _quota(load, plan)
    yield _mutators(load)


def _quota(load: ExpectedLoad, plan: PlanName) -> Finding:
    price = PLANS[plan].price
    assert price is not None
    messages, peak = round(load.messages), load.connections_peak
    is_beyond = price.exceeds(messages, peak)
    says = "this run fits into what the plan includes for a month, if nothing else does much"
    if is_beyond and price.charges_beyond:
        says = f"this run alone goes beyond what the plan includes: ${price.cents(messages, peak) / 100:,.2f}"
    elif is_beyond:
        says = "this run alone goes beyond what the plan includes, which sells nothing more: the project may be held up"
    return Finding(
        limit="monthly quota",
        severity=Severity.WARNED if is_beyond else Severity.FINE,
        says=says,
        arithmetic=(
            f"{messages:,} messages of {price.messages_included:,}; "
            f"{peak:,} peak connections of {price.connections_included:,}"
        ),
        expected=messages,
        allowed=price.messages_included,
    )


def _mutators(load: ExpectedLoad) -> Finding:
    """Hold the pool of mutators against the rate: by Little's law, users = rate x time."""
    users = load.scenario.mutators.users
    rate = max(phase.mutations_per_s for phase in load.scenario.phases)
    patience_s = users / rate if rate else float("inf")
    is_small = patience_s < _PATIENT_USER_S
    return Finding(
        limit="mutators",
        severity=Severity.WARNED if is_small else Severity.FINE,
        says=f"{users:,} mutators keep up while a mutation takes less than {patience_s:,.2g} s on average"
        if rate
        else "nothing is written, and nobody has to keep up",
        arithmetic=f"{users:,} users / {rate:g} mutations/s",
        fits=(f"--set mutators.users={round(rate * 2 * _PATIENT_USER_S) + 1}",) if is_small else (),
        expected=rate,
        allowed=None,
    )


def _unlimited(limit: str, expected: float, arithmetic: str) -> Finding:
    return Finding(
        limit=limit,
        severity=Severity.FINE,
        says="the plan sets no limit",
        arithmetic=arithmetic,
        expected=expected,
        allowed=None,
    )
