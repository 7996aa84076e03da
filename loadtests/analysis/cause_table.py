"""The table of misses and late deliveries: class, cause, count, and the worst example of each.

The example names event and subscriber, so that it can be looked up in the history; the faults that were planted
around it stand beside it as context, and have no part in the cause.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.causes import Causes, Deviations, Witnesses, causes_of_misses
from loadtests.analysis.delays import DelayWitnesses, causes_of_late, read_delay_witnesses
from loadtests.analysis.delivery import Delivery, DeliveryClass
from loadtests.analysis.edges import read_edges
from loadtests.analysis.events import Events, Signals
from loadtests.analysis.hearing import read_hearing
from loadtests.analysis.screens import Screens
from loadtests.analysis.stamps import NEVER, NS_PER_MS, NS_PER_S, Ints
from loadtests.analysis.target_metrics import read_evidence
from loadtests.analysis.why import Why
from loadtests.analysis.window import Window
from loadtests.history.history import History
from loadtests.history.kinds import Kind

_AFTERWARDS_NS: Final = 10 * NS_PER_S
"""A fault whose end nobody knows is shown beside what went wrong so long after its beginning."""


@dataclass(frozen=True, slots=True)
class Explained:
    """The deviations of a run with their causes."""

    deviations: Deviations
    causes: Causes

    def losses(self) -> dict[str, int]:
        """Return how many misses count as lost, and how many never healed ones do not: nobody could have seen them."""
        is_unhealed = self.deviations.classes == DeliveryClass.MISSED_UNHEALED
        is_beyond = is_unhealed & self.deviations.is_beyond_screen
        is_left = is_unhealed & ~is_beyond & (self.causes.why == Why.LOGGED_OUT) & ~self.deviations.has_returned
        is_lost = (self.deviations.classes == DeliveryClass.MISSED_LIVE) | (is_unhealed & ~is_beyond & ~is_left)
        return {
            "missed_unhealed_outside_screen": int(is_beyond.sum()),
            "missed_unhealed_left": int(is_left.sum()),
            "lost": int(is_lost.sum()),
        }

    def misses_by_cause(self) -> dict[str, int]:
        """Return how many misses each cause has, by its name."""
        is_miss = self.deviations.classes > DeliveryClass.LATE
        return _counted(self.causes.why[is_miss])

    def cause_of(self, event: int, device: int) -> str:
        """Return the cause of one deviation by its name; nothing where there is nothing to explain."""
        place = np.flatnonzero((self.deviations.event == event) & (self.deviations.device == device))
        return Why(int(self.causes.why[place[0]])).label if len(place) else ""

    def late_by_cause(self) -> dict[str, int]:
        """Return how many late deliveries each cause has."""
        return _counted(self.causes.why[self.deviations.classes == DeliveryClass.LATE])


def _counted(why: Ints) -> dict[str, int]:
    found, counts = np.unique(why, return_counts=True)
    return dict(sorted((Why(int(one)).label, int(count)) for one, count in zip(found, counts, strict=True)))


def read_scene(events: Events, signals: Signals, screens: Screens, history: History) -> DelayWitnesses:
    """Return everything that can say something about a miss or a delay."""
    witnesses = Witnesses(
        placed_ns=events.placed_ns,
        hearing=read_hearing(events, signals, screens.presence, screens.devices),
        edges=read_edges(history),
        evidence=read_evidence(history),
    )
    return read_delay_witnesses(events, witnesses, history)


def explain(delivery: Delivery, scene: DelayWitnesses) -> Explained:
    """Return all deviations of an account with their causes."""
    deviations = delivery.deviations
    is_late = deviations.classes == DeliveryClass.LATE
    why, edge = np.zeros(len(deviations), dtype=np.int64), np.full(len(deviations), -1, dtype=np.int64)
    for chosen, found in (
        (is_late, causes_of_late(deviations.of(is_late), scene)),
        (~is_late, causes_of_misses(deviations.of(~is_late), scene.witnesses)),
    ):
        why[chosen], edge[chosen] = found.why, found.edge
    return Explained(deviations, Causes(why, edge))


def cause_table(
    explained: Explained, witnesses: Witnesses, *, events: Events, window: Window, history: History
) -> list[dict[str, Any]]:
    """Return the rows of `delivery.table`, those with the most pairs first; stamps count from the start of the load."""
    deviations, causes = explained.deviations, explained.causes
    edges, edge = np.unique(causes.edge, return_inverse=True)
    began = np.array([witnesses.edges.told(int(one)) for one in edges], dtype=np.str_)
    words, word_of_edge = np.unique(began, return_inverse=True)
    # What a row has in common, as one number.
    shape = (len(DeliveryClass), max(Why) + 1, max(len(words), 1))
    keys, group = np.unique(
        np.ravel_multi_index((deviations.classes, causes.why, word_of_edge[edge]), shape), return_inverse=True
    )
    received_ns = witnesses.hearing.first_received_ns(deviations.event, deviations.device)
    waited_ns = np.where(received_ns == NEVER, NEVER, received_ns - deviations.placed_ns)
    faults = _read_faults(history)
    rows = []
    for number, key in enumerate(keys):
        members = np.flatnonzero(group == number)
        # The longest wait; of those that never ended, the one that began first.
        longest = members[waited_ns[members] == waited_ns[members].max()]
        worst = longest[np.argmin(deviations.placed_ns[longest])]
        row, event = deviations.of(np.array([worst])), deviations.event[worst]
        kind, why, began_by = (int(part) for part in np.unravel_index(int(key), shape))
        rows.append(
            {
                "class": DeliveryClass(kind).name.lower(),
                "cause": Why(why).label,
                "began": str(words[began_by]),
                "pairs": len(members),
                "example": {
                    "event": history.names[events.name[event]],
                    "subscriber": int(row.device[0]),
                    "committed_ms": _ms(int(row.placed_ns[0]), window),
                    "deadline_ms": _ms(int(row.until_ns[0]), window),
                    "received_ms": _ms(int(received_ns[worst]), window),
                    "others_told_ms": _ms(int(witnesses.hearing.told_ns[event]), window),
                    "began_ms": _ms(int(witnesses.edges.stamp(causes.edge[[worst]])[0]), window),
                    "faults": [fault.name for fault in faults if fault.concerns(row)],
                },
            }
        )
    return sorted(rows, key=lambda row: (-int(row["pairs"]), str(row["class"]), str(row["cause"]), str(row["began"])))


def _ms(at_ns: int, window: Window) -> float | None:
    return None if at_ns == NEVER else (at_ns - window.load_ns) / NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """A fault that the target had agreed to."""

    name: str
    begin_ns: int
    end_ns: int

    def concerns(self, deviation: Deviations) -> bool:
        """Whether it was in force at any time from the commit to the deadline."""
        return bool(self.begin_ns <= deviation.until_ns[0] and self.end_ns >= deviation.placed_ns[0])


def _read_faults(history: History) -> list[_Fault]:
    return list(_faults(history))


def _faults(history: History) -> Iterable[_Fault]:
    for row in history.of(Kind.FAULT):
        name = history.names[row["entity"]]
        parameters = json.loads(name.partition(" ")[2] or "{}")
        duration_s = parameters.get("duration_s")
        lasts_ns = _AFTERWARDS_NS if duration_s is None else round(duration_s * NS_PER_S)
        # It was in force before it was acknowledged: from when it was wanted on.
        yield _Fault(name=f"fault: {name}", begin_ns=int(row["due_ns"]), end_ns=int(row["at_ns"]) + lasts_ns)
