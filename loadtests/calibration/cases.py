"""The short scenarios with which the harness is calibrated, and what each of them plants; all else is the seed's.

Values only. Faults that share a case are told apart by different numbers of `metrics.json`, or by their sum.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from loadtests.scenario.model import Scenario
from loadtests.scenario.reader import ScenarioFile

_SOURCE: Final = "loadtests.calibration.cases"
CALM: Final = "calm"
"""The case in which nothing is planted: what the others' latencies are compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run of the calibration."""

    name: str
    faults: tuple[Mapping[str, Any], ...] = ()
    load_s: float = 5.0
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the scenario that differ from those of all cases."""

    @property
    def kinds(self) -> frozenset[str]:
        """What it plants."""
        return frozenset(str(fault["kind"]) for fault in self.faults)

    def scenario_file(self, seed: int) -> ScenarioFile:
        """Return its scenario, as if it had been read from a file; population, load and victims follow from `seed`."""
        keys: dict[str, Any] = {
            "name": f"calibration-{self.name}",
            "question": f"Does the harness find what was planted: {', '.join(sorted(self.kinds)) or 'nothing'}?",
            "seed": seed,
            "organizations": {"count": 4, "jobs": 8},
            "subscribers": {"count": 24, "debounce_ms": 200, "live_within_s": 10},
            "mutators": {"users": 20, "timeout_s": 5},
            "phases": [{"name": "load", "duration_s": self.load_s, "mutations_per_s": 16, "mix": _MIX}],
            "deadline_ms": 1500,
            "faults": [{**fault, "seed": seed * 100 + number} for number, fault in enumerate(self.faults, start=1)],
            **self.changes,
        }
        # Faults hit whoever receives; those of a control group would stand in no account.
        keys["subscribers"] = {**keys["subscribers"], "control": 0}
        text = json.dumps(keys, indent=2)
        return ScenarioFile(scenario=Scenario.model_validate(keys), text=text, source=_SOURCE, overrides=())


_MIX: Final = {"update": 1.0}

CASES: Final = (
    Case(name=CALM),
    Case(
        name="frames",
        faults=(
            {"at_s": 0.2, "kind": "drop", "count": 11},
            {"at_s": 1.1, "kind": "duplicate", "count": 13},
            {"at_s": 2.0, "kind": "leak", "count": 7},
            {"at_s": 2.9, "kind": "phantom", "count": 9},
            {"at_s": 3.9, "kind": "degraded", "count": 5},
        ),
    ),
    Case(
        name="order",
        faults=(
            {"at_s": 0.2, "kind": "reorder", "count": 6},
            {"at_s": 0.2, "kind": "emission_fails", "count": 8},
            {"at_s": 0.2, "kind": "errors", "count": 5, "status": 503, "route": "write"},
        ),
        changes={"organizations": {"count": 4, "jobs": 2}},
    ),
    Case(
        name="late",
        faults=(
            {"at_s": 0.2, "kind": "delay", "count": 10, "ms": 2000},
            {"at_s": 0.5, "kind": "errors", "count": 4, "status": 503, "route": "read"},
        ),
    ),
    Case(name="deaf", faults=({"at_s": 1.5, "kind": "deaf", "share": 0.25, "duration_s": 2.0},)),
    Case(name="discard", faults=({"at_s": 2.0, "kind": "discard", "duration_s": 1.5},)),
    Case(
        name="halted",
        faults=(
            {"at_s": 1.0, "kind": "stalled", "duration_s": 1.0},
            {"at_s": 3.0, "kind": "lock_events", "duration_s": 1.0},
        ),
        # Evenly, so that something is due at most 32 ms after each halt began: it waits nearly as long as the halt.
        changes={
            "mutators": {"users": 40, "timeout_s": 5},
            "phases": [{"name": "load", "duration_s": 5.0, "mutations_per_s": 32, "mix": _MIX, "arrivals": "even"}],
        },
    ),
    Case(
        name="closed",
        faults=(
            {"at_s": 1.0, "kind": "slow_accept", "ms": 400, "duration_s": 2.0},
            {"at_s": 1.1, "kind": "close", "code": 1001, "share": 0.25},
            {"at_s": 4.0, "kind": "refuse_connects", "duration_s": 1.2},
            {"at_s": 4.1, "kind": "close", "code": 1012, "share": 0.5},
        ),
        load_s=7.0,
    ),
    Case(
        name="slow-api",
        faults=(
            {"at_s": 0.0, "kind": "latency", "ms": 250, "share": 1.0, "duration_s": 30, "route": "write"},
            {"at_s": 0.0, "kind": "latency", "ms": 150, "share": 1.0, "duration_s": 30, "route": "read"},
        ),
    ),
    Case(
        name="stale",
        faults=({"at_s": 0.5, "kind": "stale_reads", "ms": 2000, "count": 6},),
        changes={
            "subscribers": {"count": 4, "debounce_ms": 100, "ios": 0.0, "web_open_job": 0.0, "web_open_audit": 0.0},
            "phases": [
                {"name": "load", "duration_s": 5.0, "mutations_per_s": 2, "mix": _MIX, "arrivals": "even"},
            ],
        },
    ),
    Case(name="killed-realtime", faults=({"at_s": 1.5, "kind": "kill", "part": "realtime"},)),
    Case(
        name="slot-and-api",
        faults=({"at_s": 1.0, "kind": "slot_lost"}, {"at_s": 3.0, "kind": "kill", "part": "api"}),
        # So many that some are committed while there is no slot.
        changes={"phases": [{"name": "load", "duration_s": 5.0, "mutations_per_s": 40, "mix": _MIX}]},
    ),
    # Several faults on one frame, and several losses at one time.
    Case(
        name="stacked-frames",
        faults=(
            {"at_s": 0.2, "kind": "drop", "count": 12, "share": 0.15},
            {"at_s": 0.2, "kind": "degraded", "count": 40, "share": 0.4},
            {"at_s": 0.2, "kind": "duplicate", "count": 30, "share": 0.4},
            {"at_s": 0.2, "kind": "delay", "count": 30, "share": 0.3, "ms": 2000},
        ),
    ),
    Case(
        name="stacked-losses",
        faults=(
            {"at_s": 0.2, "kind": "drop", "count": 15, "share": 0.3},
            {"at_s": 2.0, "kind": "deaf", "share": 0.25, "duration_s": 2.5},
            {"at_s": 2.8, "kind": "discard", "duration_s": 0.8},
        ),
        load_s=6.5,
    ),
    Case(
        name="stacked-outages",
        faults=(
            {"at_s": 1.0, "kind": "close", "code": 1012, "share": 0.4},
            {"at_s": 3.5, "kind": "slot_lost"},
            {"at_s": 6.5, "kind": "discard", "duration_s": 0.8},
        ),
        # So many that some are committed while there is no slot.
        changes={"phases": [{"name": "load", "duration_s": 8.5, "mutations_per_s": 40, "mix": _MIX}]},
    ),
    Case(
        name="restarted",
        faults=({"at_s": 2.0, "kind": "restart_postgres"},),
        # So many that some are committed before the feed has a slot again.
        changes={"phases": [{"name": "load", "duration_s": 5.0, "mutations_per_s": 40, "mix": _MIX}]},
    ),
)


def cases_for(kinds: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases that plant any of these kinds, after the calm one; all of them when none is named."""
    return tuple(case for case in CASES if not kinds or case.name == CALM or case.kinds & set(kinds))
