"""Gates: limits on metrics, written `metric.path OP number`, such as `push.visibility_ms.p95 < 1000`.

Reading a gate needs no run: its metric must be a documented one. Judging one needs only the document
`metrics.json`; it knows no history and no health.
"""

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from loadtests.analysis.metric_keys import METRIC_KEYS, find_metric, number_paths
from loadtests.analysis.metric_patterns import pattern_of
from loadtests.scenario.model import Scenario

Comparison = Callable[[float, float], bool]

COMPARISONS: Final[Mapping[str, Comparison]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_GRAMMAR: Final = re.compile(r"(?P<path>[^<>=!]+?)\s*(?P<comparison><=|>=|==|!=|<|>)\s*(?P<limit>[^<>=!\s]+)\Z")
NEVER: Final = "never"
_LISTED_IF_ANY: Final = ("delivery.causes.", "convergence.differences.by_delivery.")


class GateError(ValueError):
    """A gate cannot be read, or its metric does not exist. The text says which, and what comes near."""


class Outcome(StrEnum):
    """What came of one gate."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A limit on one metric."""

    text: str
    path: str
    comparison: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether `value` keeps the limit."""
        return COMPARISONS[self.comparison](value, self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One gate, judged."""

    text: str
    measured: float | None
    """+inf is "never", None when there is no number."""
    outcome: Outcome
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the object of `verdict.json`."""
        measured = NEVER if self.measured is not None and math.isinf(self.measured) else self.measured
        return {"text": self.text, "measured": measured, "outcome": str(self.outcome), "reason": self.reason}


def parse_gate(text: str) -> Gate:
    """Read one gate.

    Raises:
        GateError: the text is not of the form `metric.path OP number`, or no such metric is documented.

    """
    match = _GRAMMAR.fullmatch(text.strip())
    if match is None:
        raise GateError(f"gate '{text}' is not of the form 'metric OP number' with OP one of {' '.join(COMPARISONS)}")
    path, limit_text = match["path"], match["limit"]
    try:
        limit = float(limit_text)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise GateError(f"gate '{text}': '{limit_text}' is not a number")
    if not any(pattern_of(known).match(path) for known in number_paths()):
        raise GateError(f"gate '{text}': there is no metric '{path}'{_hint(path)}")
    return Gate(text=text.strip(), path=path, comparison=match["comparison"], limit=limit)


def parse_gates(scenario: Scenario, extra: Iterable[str] = ()) -> tuple[Gate, ...]:
    """Read all gates of a scenario and of the command line; a cohort that a gate names must exist.

    Raises:
        GateError: see `parse_gate`.

    """
    gates = tuple(parse_gate(text) for text in (*scenario.gates, *extra))
    cohorts = [cohort.name for cohort in scenario.pollers]
    for gate in gates:
        named = re.match(r"(?:polling|push\.requests_avoided)\.(\d+(?:\.\d+)?s(?:-conditional)?)(?:\.|\Z)", gate.path)
        if named and named[1] not in cohorts:
            there_are = f"it has: {', '.join(cohorts)}" if cohorts else "it has none"
            raise GateError(f"gate '{gate.text}': the scenario has no cohort of pollers {named[1]}; {there_are}")
        _check_model(gate, scenario)
    return gates


def _check_model(gate: Gate, scenario: Scenario) -> None:
    named = re.match(r"clients\.(\w+)\.", gate.path)
    models = [model.key for model, weight in scenario.subscribers.weights.items() if weight > 0]
    if named and named[1] not in models:
        there_are = f"it has: {', '.join(models)}"
        raise GateError(f"gate '{gate.text}': the scenario has no subscribers of the model {named[1]}; {there_are}")


def judge_gate(gate: Gate, metrics: Mapping[str, Any]) -> GateResult:
    """Return what came of a gate; a metric that is null or missing makes it unknown."""
    value, why_not = _measured(gate.path, metrics)
    if value is None:
        return GateResult(text=gate.text, measured=None, outcome=Outcome.UNKNOWN, reason=why_not)
    told = NEVER if math.isinf(value) else f"{value:,.6g}"
    if gate.holds(value):
        return GateResult(text=gate.text, measured=value, outcome=Outcome.PASS, reason=f"measured {told}")
    reason = f"measured {told}, not {gate.comparison} {gate.limit:,.6g}"
    return GateResult(text=gate.text, measured=value, outcome=Outcome.FAIL, reason=reason)


def _measured(path: str, metrics: Mapping[str, Any]) -> tuple[float | None, str]:
    try:
        value = find_metric(path, metrics)
    except KeyError:
        return _absent(path)
    if value is None:
        return None, _too_few(path, metrics)
    if value == NEVER:
        return math.inf, ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, f"{path} is not a number"
    return (None, f"{path} is not a number") if math.isnan(value) else (float(value), "")


def _absent(path: str) -> tuple[float | None, str]:
    # A cause that nothing has is not listed: that is a count of none, not an absence of knowledge.
    return (0.0, "") if path.startswith(_LISTED_IF_ANY) else (None, f"{path} was not measured in this run")


def _too_few(path: str, metrics: Mapping[str, Any]) -> str:
    owner, _, quantile = path.rpartition(".")
    needed = {"p90": 100, "p95": 200, "p99": 1000}.get(quantile)
    if needed is None:
        return f"{path} has no value in this run"
    return f"{path} needs {needed:,} distinct observations, there are {find_metric(f'{owner}.n', metrics):,}"


def _hint(path: str) -> str:
    known = [*number_paths(), *(name for name, key in METRIC_KEYS.items() if key.shape == "quantiles")]
    generic = re.sub(r"(?<=\.)\d+(\.\d+)?s(?=\.|\Z)", "<interval>", path)
    if any(pattern_of(name).match(path) for name in known):
        return ": name one of its values, such as .p95 or .n"
    near = difflib.get_close_matches(generic, known, n=3, cutoff=0.5)
    return f"; near it are: {', '.join(near)}" if near else "; the documentation of metrics.json lists them all"
