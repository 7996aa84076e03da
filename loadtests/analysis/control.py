"""The control group: what official clients were told, beside what the lean subscribers that they shadow recorded.

Both sit in one organization and should hear the same events at the same time. Where they do not, either the target
treats two members differently or our own subscribers measure wrongly; which of the two cannot be told from here, so
the run can vouch for neither. Control subscribers stand in no other number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from loadtests.analysis.delivery import Delivery, DeliveryClass
from loadtests.analysis.devices import Spans
from loadtests.analysis.events import NOT_IN_DATABASE
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.results import Quantiles
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S, UNKNOWN, Bools, Floats, Ints, elapsed_ms
from loadtests.analysis.truth_source import truth_source
from loadtests.history.history import History, Rows
from loadtests.history.kinds import NO_ENTITY, Kind, TruthSource
from loadtests.scenario.faults import HIT_SOME_RECEIVERS
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Control

TOLERANCE_SHARE: Final = 0.25
"""Of the lean latency, each quantile's own; 20 ms (`[health] control_difference_ms`) if that is more. Measured on two
shared cores, three official clients: behind the lean subscribers by 1 to 2 ms while they receive 120 frames/s together,
by 13 ms (p50) and 32 ms (p95) at 300 frames/s, where all latencies are ten times as long; at 600 they fall behind
without bound. So much queueing is theirs; more, or less than nothing, is somebody's error."""
LEAST_READY_TOLERANCE_MS: Final = 3000.0
"""Or a quarter of the official clients' readiness if that is more; never anything of the lean subscribers', which would
excuse themselves by being slow. A hosted server takes 1.5 to 2.9 s from its first join to live and less for those that
follow, whichever of a couple was first; a storm of joins alone made half a second (69 and 575 ms). Beyond it the
server's word was missed or misread."""
_EXAMPLES: Final = 5
_NEVER_NS: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An event that one of a couple received more often than the other."""

    event: int
    """Index in `Events`."""
    control: int
    """The control subscriber's number."""
    shadowed: int
    """The device that it shadows."""
    surplus: int
    """How much more often the official client received it; negative: less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlGroup:
    """What the comparison found."""

    subscribers: int
    live: int
    """How many of them were ever live."""
    pairs: int
    """(event, couple) in the window while both were live, until the deadline."""
    differences: tuple[Difference, ...]
    signal_ms: Quantiles
    """Received - committed at the official clients, of the events that both of a couple received."""
    lean_signal_ms: Quantiles
    """The same events at the devices that they shadow."""
    ready_ms: float | None
    """Median of live - SUBSCRIBED of the official clients."""
    lean_ready_ms: float | None
    """Median of live - join reply of the devices that they shadow."""
    least_tolerance_ms: float
    """How far the latencies may lie apart in any case."""
    unheard: tuple[str, ...] = ()
    """Events that official clients alone received, where what no subscriber received is not known otherwise."""
    faults: tuple[str, ...] = ()
    """Kinds of planted faults that may hit one of a couple alone."""

    @property
    def missing(self) -> int:
        """Receipts that the official clients lack."""
        return sum(-each.surplus for each in self.differences if each.surplus < 0)

    @property
    def surplus(self) -> int:
        """Receipts that the lean subscribers lack."""
        return sum(each.surplus for each in self.differences if each.surplus > 0)

    @property
    def tolerances_ms(self) -> dict[str, float]:
        """How far the latencies may lie apart, median and p95: see `TOLERANCE_SHARE`."""
        lean_ms = {"p50": self.lean_signal_ms.p50, "p95": self.lean_signal_ms.p95}
        return {name: max(self.least_tolerance_ms, TOLERANCE_SHARE * (ms or 0.0)) for name, ms in lean_ms.items()}

    @property
    def ready_tolerance_ms(self) -> float:
        """How far the two medians of readiness may lie apart: see `LEAST_READY_TOLERANCE_MS`."""
        return max(LEAST_READY_TOLERANCE_MS, self.least_tolerance_ms, TOLERANCE_SHARE * (self.ready_ms or 0.0))

    @property
    def latency_differences_ms(self) -> dict[str, float | None]:
        """The official clients' median and p95 less the lean subscribers'; None with too few events."""
        return {
            "p50": _less(self.signal_ms.p50, self.lean_signal_ms.p50),
            "p95": _less(self.signal_ms.p95, self.lean_signal_ms.p95),
        }

    @property
    def ready_difference_ms(self) -> float | None:
        """The official clients' median readiness less the lean subscribers'."""
        return _less(self.ready_ms, self.lean_ready_ms)


def compare_control(run: Reconstruction, history: History, scenario: Scenario) -> ControlGroup:
    """Return what the official clients of a run received, against the lean subscribers that they shadow."""
    live, least_ms = _live_spans(history), scenario.health.control_difference_ms
    deadline_ns = scenario.deadline_ms * NS_PER_MS
    controls = _as_recorded(run, history)
    couples = [_couple(run, history, control, live=live, deadline_ns=deadline_ns) for control in controls]
    unheard = [_unheard(run, history, control, deadline_ns=deadline_ns) for control in controls]
    mutation = np.concatenate([run.events.mutation[each.heard] for each in couples] or [np.empty(0, np.int64)])
    ready = [_ready_ms(history, control) for control in controls]
    return ControlGroup(
        subscribers=len(couples),
        live=len(np.unique(live.device)),
        pairs=sum(each.pairs for each in couples),
        differences=tuple(difference for each in couples for difference in each.differences),
        signal_ms=distribution(_joined([each.control_ms for each in couples]), mutation),
        lean_signal_ms=distribution(_joined([each.lean_ms for each in couples]), mutation),
        ready_ms=_median([official for official, _ in ready]),
        lean_ready_ms=_median([lean for _, lean in ready]),
        least_tolerance_ms=least_ms,
        unheard=tuple(
            history.names[int(name)] for name in np.unique(np.concatenate(unheard or [np.empty(0, np.int64)]))
        ),
        faults=tuple(sorted({fault.kind for fault in scenario.faults} & HIT_SOME_RECEIVERS)),
    )


def control_json(group: ControlGroup, run: Reconstruction, history: History) -> dict[str, Any]:
    """Return the object `control` of `metrics.json`."""
    return {
        "subscribers": group.subscribers,
        "live": group.live,
        "n": group.pairs,
        "missing": group.missing,
        "surplus": group.surplus,
        "unheard": len(group.unheard),
        "signal_ms": group.signal_ms.to_json(),
        "lean_signal_ms": group.lean_signal_ms.to_json(),
        **{f"signal_difference_ms_{name}": value for name, value in group.latency_differences_ms.items()},
        **{f"tolerance_ms_{name}": value for name, value in group.tolerances_ms.items()},
        "ready_ms_p50": group.ready_ms,
        "lean_ready_ms_p50": group.lean_ready_ms,
        "ready_difference_ms": group.ready_difference_ms,
        "ready_tolerance_ms": group.ready_tolerance_ms,
        "examples": [_example(each, run, history) for each in group.differences[:_EXAMPLES]],
    }


def control_reasons(group: ControlGroup, told: Mapping[str, Any], delivery: Delivery) -> list[str]:
    """Return why the control group cannot vouch for the run, in words.

    `told` is what `control_json` returned, `delivery` the account of the lean subscribers, for which it is to vouch.
    """
    if not group.subscribers:
        return []
    reasons = []
    if group.live < group.subscribers:
        reasons.append(
            f"of {group.subscribers} control subscribers {group.subscribers - group.live} never became live: "
            "see the run's log for what the official client was told"
        )
    if not group.pairs and delivery.expected > delivery.count(DeliveryClass.OUTSIDE):
        reasons.append("the control group had no event to compare: let it shadow more devices (subscribers.control)")
    if group.differences:
        reasons.append(
            "official clients and lean subscribers of the same organizations did not receive the same events: "
            f"the former lack {group.missing:,}, the latter {group.surplus:,} ({_in_words(told['examples'][0])})"
            + _what_was_planted(group.faults)
        )
    if group.unheard:
        reasons.append(
            f"official clients received {_events(len(group.unheard))} that no lean subscriber did, though those beside "
            f"them were live ({group.unheard[0]}); nobody may read the database, so the account does not know them"
        )
    for name, difference_ms in group.latency_differences_ms.items():
        tolerance_ms = group.tolerances_ms[name]
        if difference_ms is not None and abs(difference_ms) > tolerance_ms:
            reasons.append(
                f"the official clients' signal latency, {name}, differs by {difference_ms:+,.1f} ms from that of the "
                f"lean subscribers beside them; {tolerance_ms:,.1f} ms is the tolerance"
                + (_what_was_planted(group.faults) or _what_helps(difference_ms))
            )
    if group.ready_difference_ms is not None and abs(group.ready_difference_ms) > group.ready_tolerance_ms:
        reasons.append(
            f"the official clients became live {group.ready_difference_ms:+,.0f} ms later after their join reply than "
            f"the lean subscribers beside them; {group.ready_tolerance_ms:,.0f} ms is the tolerance"
        )
    return reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class _Couple:
    """One control subscriber and the device that it shadows."""

    pairs: int
    differences: tuple[Difference, ...]
    heard: Ints
    """The events that both received and whose commit is known, with both latencies."""
    control_ms: Floats
    lean_ms: Floats


def _as_recorded(run: Reconstruction, history: History) -> tuple[Control, ...]:
    """Return the control group with those whom each did shadow, whomever another version would have it shadow."""
    rows = history.of(Kind.CONTROL_SUBSCRIBED, Kind.CONTROL_LIVE, Kind.CONTROL_DOWN, Kind.CONTROL_SIGNAL)
    actors, first = np.unique(rows["actor"], return_index=True)
    shadows = dict(zip(actors.tolist(), rows["value"][first].tolist(), strict=True))
    subscribers = run.population.subscribers
    return tuple(
        replace(
            control,
            shadows=(shadowed := shadows.get(control.index, control.shadows)),
            organization=subscribers[shadowed].organization,
        )
        for control in run.population.controls
    )


def _couple(run: Reconstruction, history: History, control: Control, *, live: Spans, deadline_ns: int) -> _Couple:
    events, signals = run.events, run.signals
    mine = np.flatnonzero((events.organization == control.organization) & events.in_window)
    compared = mine[_were_both_live(run, control, events.placed_ns[mine], live=live, deadline_ns=deadline_ns)]
    of_lean = (signals.device == control.shadows) & (signals.event != NOT_IN_DATABASE)
    lean_times, lean_ns = _receipts(signals.event[of_lean], signals.received_ns[of_lean], len(events))
    rows = _of(history, control, Kind.CONTROL_SIGNAL)
    rows = rows[rows["entity"] != NO_ENTITY]
    event = events.index_of_name[rows["entity"]]
    is_known = event != NOT_IN_DATABASE
    control_times, control_ns = _receipts(event[is_known], rows["at_ns"][is_known].astype(np.int64), len(events))
    surplus = control_times[compared] - lean_times[compared]
    differs = np.flatnonzero(surplus)
    heard = compared[
        (lean_times[compared] > 0) & (control_times[compared] > 0) & (events.committed_ns[compared] != UNKNOWN)
    ]
    return _Couple(
        pairs=len(compared),
        differences=tuple(
            Difference(
                event=int(compared[place]),
                control=control.index,
                shadowed=control.shadows,
                surplus=int(surplus[place]),
            )
            for place in differs
        ),
        heard=heard,
        control_ms=elapsed_ms(events.committed_ns[heard], control_ns[heard]),
        lean_ms=elapsed_ms(events.committed_ns[heard], lean_ns[heard]),
    )


def _unheard(run: Reconstruction, history: History, control: Control, *, deadline_ns: int) -> Ints:
    """Return the names of what an official client received and no subscriber did, while its shadow was live throughout.

    Only by agreement of the subscribers: else the database knows these events. The time of the commit is not known; it
    is taken to lie within the deadline before.
    """
    rows = _of(history, control, Kind.CONTROL_SIGNAL)
    if truth_source(history) is not TruthSource.AGREEMENT:
        rows = rows[:0]
    rows = rows[(rows["entity"] != NO_ENTITY) & run.window.holds(rows["at_ns"].astype(np.int64))]
    rows = rows[run.events.index_of_name[rows["entity"]] == NOT_IN_DATABASE]
    at_ns = rows["at_ns"].astype(np.int64)
    lean, home = (np.full(len(rows), value, dtype=np.int64) for value in (control.shadows, control.organization))
    was_there = run.presence.live.covers(lean, at_ns - deadline_ns, at_ns + deadline_ns) & (
        run.presence.lifetime_in(lean, home, at_ns) >= 0
    )
    names: Ints = rows["entity"][was_there].astype(np.int64)
    return names


def _were_both_live(run: Reconstruction, control: Control, placed_ns: Ints, *, live: Spans, deadline_ns: int) -> Bools:
    """Return for which events both were live, in that organization, from the commit to the deadline."""
    presence, until_ns = run.presence, placed_ns + deadline_ns
    lean = np.full(len(placed_ns), control.shadows, dtype=np.int64)
    official = np.full(len(placed_ns), control.index, dtype=np.int64)
    home = np.full(len(placed_ns), control.organization, dtype=np.int64)
    return (
        live.covers(official, placed_ns, until_ns)
        & presence.live.covers(lean, placed_ns, until_ns)
        & (presence.lifetime_in(lean, home, placed_ns) >= 0)
    )


def _live_spans(history: History) -> Spans:
    """Return when each control subscriber was live; one whose process was killed, until its last row."""
    rows = history.of(Kind.CONTROL_LIVE, Kind.CONTROL_DOWN, Kind.CONTROL_SIGNAL)
    spans: list[tuple[int, int, int]] = []
    for number in np.unique(rows["actor"]):
        began_ns: int | None = None
        own = rows[rows["actor"] == number]
        for row in own:
            if row["kind"] == Kind.CONTROL_LIVE and began_ns is None:
                began_ns = int(row["at_ns"])
            elif row["kind"] == Kind.CONTROL_DOWN and began_ns is not None:
                spans.append((int(number), began_ns, int(row["at_ns"])))
                began_ns = None
        if began_ns is not None:
            spans.append((int(number), began_ns, int(own["at_ns"][-1])))
    device, begin_ns, end_ns = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    return Spans(device=device, begin_ns=begin_ns, end_ns=end_ns)


def _receipts(event: Ints, at_ns: Ints, count: int) -> tuple[Ints, Ints]:
    """Return for each of `count` events how often it was received, and when first."""
    first_ns = np.full(count, _NEVER_NS, dtype=np.int64)
    np.minimum.at(first_ns, event, at_ns)
    return np.bincount(event, minlength=count), first_ns


def _ready_ms(history: History, control: Control) -> tuple[float | None, float | None]:
    """Return how long after its first join reply the official client was live, and the device that it shadows."""
    official = _first_gap_ms(_of(history, control, Kind.CONTROL_SUBSCRIBED), _of(history, control, Kind.CONTROL_LIVE))
    joined, live = (history.of(kind) for kind in (Kind.JOINED, Kind.LIVE))
    lean = _first_gap_ms(joined[joined["actor"] == control.shadows], live[live["actor"] == control.shadows])
    return official, lean


def _first_gap_ms(begin: Rows, end: Rows) -> float | None:
    return None if not len(begin) or not len(end) else float(end["at_ns"][0] - begin["at_ns"][0]) / NS_PER_MS


def _of(history: History, control: Control, kind: Kind) -> Rows:
    rows = history.of(kind)
    own: Rows = rows[rows["actor"] == control.index]
    return own


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.empty(0)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _events(count: int) -> str:
    return f"{count:,} event{'s' if count > 1 else ''}"


def _what_was_planted(faults: tuple[str, ...]) -> str:
    """Return what to do where the two were told different things on purpose."""
    if not faults:
        return ""
    return f": planted faults ({', '.join(faults)}) may hit one of the two alone; subscribers.control = 0 does without"


def _what_helps(difference_ms: float) -> str:
    """Return what to do about official clients that are slower."""
    return ": if they queue, lower subscribers.control or the load" if difference_ms > 0 else ""


def _example(difference: Difference, run: Reconstruction, history: History) -> dict[str, Any]:
    events = run.events
    return {
        "event": history.names[events.name[difference.event]],
        "organization": int(events.organization[difference.event]),
        "subscriber": difference.shadowed,
        "surplus": difference.surplus,
        "at_s": float(events.placed_ns[difference.event] - run.window.start_ns) / NS_PER_S,
    }


def _in_words(example: Mapping[str, Any]) -> str:
    """Return one difference by name."""
    times = abs(example["surplus"])
    who = "the official client" if example["surplus"] < 0 else f"subscriber {example['subscriber']}"
    return (
        f"event {example['event']} of organization {example['organization']} at {example['at_s']:.3f} s: "
        f"{who} received it {times} time{'s' if times > 1 else ''} less than the other"
    )
