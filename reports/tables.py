"""The tables behind the figures: every number of the run that a reader may want to check."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from loadtests.analysis.metric_keys import METRIC_KEYS
from loadtests.analysis.metric_patterns import pattern_of
from loadtests.analysis.results import Quantiles
from loadtests.checks.gates import GateResult
from reports.causes import delay_table
from reports.client_tables import client_tables, models_told
from reports.costs import harness_check
from reports.devices import device_table
from reports.glossary import client_name, stage_name
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.target import target_table
from reports.upstream import notification_table, upstream_table
from reports.wording import NO_NUMBER, count, interval, milliseconds, percent, rate, size

_CLASSES: Final = (
    ("delivered_once", "delivered once"),
    ("late", "delivered late (after the deadline)"),
    ("duplicate", "received twice or more"),
    ("missed_live", "missed while live"),
    ("missed_healed", "missed while away, healed"),
    ("missed_unhealed", "missed while away, never healed"),
    ("outside", "outside the subscriber's lifetime"),
)
_COUNTERS: Final = (
    ("leaked", "leaked: of another organization"),
    ("phantom", "phantom: not in the database"),
    ("out_of_order", "out of order"),
    ("degraded", "degraded: with errors"),
    ("early", "early: received before live"),
    ("live_healed", "missed while live, but healed"),
    ("outside_screen", "outside the screen"),
)
_MUTATIONS: Final = (
    ("due", "due by the schedule"),
    ("sent", "sent"),
    ("acked", "acknowledged"),
    ("failed", "failed: refused by the target"),
    ("unknown", "unknown: no answer"),
    ("without_event", "acknowledged, but no event announces it"),
    ("ambiguous", "ambiguous: event cannot be told apart"),
)


def tables(run: ReportInput) -> tuple[Table, ...]:
    """Return all tables in reading order; one that would be empty is left out."""
    metrics = run.metrics
    every = (
        gate_table(run.verdict.gates),
        latency_table(metrics),
        delivery_table(metrics),
        delay_table(metrics),
        counter_table(metrics),
        mutation_table(metrics),
        upstream_table(metrics),
        notification_table(metrics),
        phase_table(run),
        *(client_tables(metrics) if len(models_told(metrics)) == 1 else ()),
        health_table(run),
        target_table(run),
        device_table(run.scenario),
        _settings("Population", metrics.at("population")),
        _settings("Machine", run.manifest.get("host")),
        _settings("Versions", run.manifest.get("versions")),
        _settings(
            "Run", {key: run.manifest.get(key) for key in ("run_id", "seed", "started_at", "overrides", "schema")}
        ),
    )
    return tuple(table for table in every if table.rows)


def gate_table(gates: tuple[GateResult, ...]) -> Table:
    """Return each gate with what was measured and what became of it."""
    return Table(
        caption="Gates",
        head=("gate", "outcome", "why"),
        rows=tuple((gate.text, str(gate.outcome), gate.reason) for gate in gates),
        words=frozenset({1, 2}),
    )


def latency_table(metrics: Metrics) -> Table:
    """Return every distribution: push and polling, visibility and staleness, signals and stages."""
    named = [
        ("push: visibility", metrics.quantiles("push", "visibility_ms")),
        ("push: staleness", metrics.quantiles("push", "staleness_ms")),
        ("push: signal latency", metrics.quantiles("push", "signal_ms")),
        *(
            (f"stage: {_stage(key)}", metrics.quantiles("push", "stages", key))
            for key in metrics.keys("push", "stages")
        ),
    ]
    for key in metrics.keys("polling"):
        named.append((f"polling {interval(key)}: visibility", metrics.quantiles("polling", key, "visibility_ms")))
        named.append((f"polling {interval(key)}: staleness", metrics.quantiles("polling", key, "staleness_ms")))
    return Table(
        caption="Latencies in milliseconds",
        head=("", "p50", "p90", "p95", "p99", "max", "n", "pairs", "never"),
        rows=tuple((name, *_quantile_cells(quantiles)) for name, quantiles in named),
        note="n counts distinct mutations (for staleness: stale intervals). A quantile with too few of them is left "
        f"out ({NO_NUMBER}): p99 needs 1,000, p95 200, p90 100. “never”: not before the end of the drain.",
    )


def _stage(key: str) -> str:
    return stage_name(key.removesuffix("_ms"))


def _quantile_cells(told: Quantiles) -> tuple[str, ...]:
    quantiles = (told.p50, told.p90, told.p95, told.p99, told.max)
    return (
        *(milliseconds(value) for value in quantiles),
        *(count(value) for value in (told.n, told.pairs, told.never)),
    )


def delivery_table(metrics: Metrics) -> Table:
    """Return the classes of expected deliveries, with their sum beside what was expected."""
    expected = metrics.number("delivery", "expected")
    counts = [(name, metrics.number("delivery", key)) for key, name in _CLASSES]
    total = sum(value for _, value in counts if value is not None)
    complete = expected is not None and total == expected and all(value is not None for _, value in counts)
    rows = [
        (name, count(value), percent(value / expected) if value is not None and expected else NO_NUMBER)
        for name, value in counts
    ]
    rows.append(("sum of the classes", count(total), ""))
    rows.append(("expected: events \u00d7 subscribers", count(expected), ""))
    return Table(
        caption="Delivery accounting",
        head=("class", "deliveries", "share"),
        rows=tuple(rows),
        note="Each expected delivery falls into exactly one class. "
        + (
            "No delivery was expected."
            if not expected
            else "The classes add up."
            if complete
            else "The classes do not add up to what was expected: do not rely on them."
        ),
    )


def phase_table(run: ReportInput) -> Table:
    """Return what each phase's mutations cost the devices of each model; phases without mutations are left out."""
    rows = []
    for phase in (phase.name for phase in run.scenario.phases):
        mutations = run.metrics.number("phases", phase, "mutations")
        for model in run.metrics.keys("phases", phase) if mutations else ():
            if model == "mutations":
                continue
            told = [run.metrics.number("phases", phase, model, key) for key in ("devices", "signals", "refreshes")]
            each = run.metrics.number("phases", phase, model, "refreshes_per_device")
            name = client_name(model)
            rows.append((phase, name, count(mutations), *(count(value) for value in told), rate(each)))
    return Table(
        caption="Refreshes by phase and client model",
        head=("phase", "model", "mutations", "devices", "signals", "refreshes", "refreshes per device"),
        rows=tuple(rows),
        words=frozenset({1}),
        note="A refresh belongs to the phase whose mutation's signal came last before it, however much later it was "
        "made.",
    )


def counter_table(metrics: Metrics) -> Table:
    """Return what is counted beside the classes."""
    return Table(
        caption="Signals: counted apart from the classes",
        head=("counter", "count"),
        rows=tuple((name, count(metrics.number("delivery", key))) for key, name in _COUNTERS),
    )


def mutation_table(metrics: Metrics) -> Table:
    """Return what became of the mutations, and whether the devices' views agree with the database."""
    rows = [(name, count(metrics.number("mutations", key))) for key, name in _MUTATIONS]
    rows.append(("views compared with the database after the drain", count(metrics.number("convergence", "views"))))
    rows.append(("of these, wrong", count(metrics.number("convergence", "wrong_views"))))
    return Table(caption="Mutations and convergence", head=("counter", "count"), rows=tuple(rows))


def coalescing_table(metrics: Metrics) -> Table:
    """Return how well the debounce coalesced, against the least possible for several bounds of the wait."""
    rows = [
        ("signals that ask for a refresh", count(metrics.number("coalescing", "signals"))),
        ("refreshes", count(metrics.number("coalescing", "refreshes"))),
        ("signals per refresh", rate(metrics.number("coalescing", "ratio"))),
        ("least possible refreshes", count(metrics.number("coalescing", "optimum"))),
        ("efficiency: least possible ÷ actual", percent(metrics.number("coalescing", "efficiency"))),
    ]
    for bound in metrics.keys("coalescing", "efficiency_by_bound"):
        value = metrics.number("coalescing", "efficiency_by_bound", bound)
        rows.append((f"efficiency if a wait of {interval(bound)} were allowed", percent(value)))
    return Table(caption="Coalescing", head=("", "value"), rows=tuple(rows))


def polling_table(metrics: Metrics) -> Table:
    """Return what each kind of device costs, and how fresh it is."""
    cohorts = [
        ("push", ("push",)),
        *((f"polling {interval(key)}", ("polling", key)) for key in metrics.keys("polling")),
    ]
    rows = [
        (
            name,
            *(rate(metrics.number(*path, f"{unit}_per_subscriber_minute")) for unit in ("refreshes", "requests")),
            count(metrics.number(*path, "bytes_per_subscriber_minute")),
            milliseconds(metrics.quantiles(*path, "visibility_ms").p50),
            milliseconds(metrics.find(*path, "staleness_ms", "mean")),
            milliseconds(metrics.quantiles(*path, "staleness_ms").p95),
        )
        for name, path in cohorts
    ]
    return Table(
        caption="Push and polling side by side",
        head=("", "refreshes/min", "requests/min", "bytes/min", "visibility p50, ms", "staleness mean, ms", "p95, ms"),
        rows=tuple(rows),
        note="Per device and minute; same writes, same window, same run.",
    )


def health_table(run: ReportInput) -> Table:
    """Return how good the measurement was, beside what the scenario asks of it."""
    bounds = run.scenario.health
    rows = [
        (name, milliseconds(run.metrics.number("health", key)), milliseconds(bound))
        for key, name, bound in (
            ("send_delay_ms_p99", "dispatcher's delay, p99, ms", bounds.send_delay_ms_p99),
            ("loop_lag_ms_p99", "event loops' lag, p99, ms", bounds.loop_lag_ms_p99),
            ("clock_bound_ms", "clock offset known to within, ms", bounds.clock_bound_ms),
        )
    ]
    rows += _control_rows(run.metrics) if run.scenario.subscribers.control else []
    enough = run.metrics.at("health", "samples_ok")
    rows.append(("samples enough for the gates", NO_NUMBER if enough is None else "yes" if enough else "no", "yes"))
    rows.append(harness_check(run.metrics))
    if run.calibration is not None:
        rows.append(("planted faults that the harness finds", run.calibration, ""))
    remarks = [
        remark
        for key in ("reasons", "remarks")
        if key in run.metrics.keys("health")
        for remark in run.metrics.at("health", key) or ()
    ]
    rows += [("remark", str(remark), "") for remark in remarks]
    return Table(caption="Health of the measurement", head=("", "measured", "bound"), rows=tuple(rows))


def _control_rows(metrics: Metrics) -> list[tuple[str, str, str]]:
    """Return how the official clients compare with the lean subscribers that they shadow, both numbers told."""
    pairs = count(metrics.number("control", "n"))
    different = [metrics.number("control", key) for key in ("missing", "surplus")]
    return [
        (f"official clients: of {pairs} receipts, missing and surplus", " and ".join(map(count, different)), "0 and 0"),
        *(
            (
                f"official clients: signal latency differs by, {name}, ms",
                _beside(metrics, f"signal_difference_ms_{name}", ("signal_ms", name), ("lean_signal_ms", name)),
                f"±{milliseconds(metrics.number('control', f'tolerance_ms_{name}'))}",
            )
            for name in ("p50", "p95")
        ),
        (
            "official clients: readiness differs by, p50, ms",
            _beside(metrics, "ready_difference_ms", ("ready_ms_p50",), ("lean_ready_ms_p50",)),
            f"±{milliseconds(metrics.number('control', 'ready_tolerance_ms'))}",
        ),
    ]


def _beside(metrics: Metrics, difference: str, official: tuple[str, ...], lean: tuple[str, ...]) -> str:
    """Return a difference with the two numbers that it lies between; without a difference, nothing."""
    between = metrics.number("control", difference)
    if between is None:
        return NO_NUMBER
    theirs, ours = (milliseconds(metrics.number("control", *keys)) for keys in (official, lean))
    return f"{milliseconds(between)} ({theirs} beside {ours})"


def _settings(caption: str, settings: Mapping[str, Any] | None) -> Table:
    return Table(
        caption=caption,
        head=("", "value"),
        rows=tuple(_setting(name, value) for name, value in _flat(settings or {}, "")),
        words=frozenset({1}),
    )


def _setting(name: str, value: object) -> tuple[str, str]:
    if name.endswith("_bytes") and isinstance(value, int | float):
        return name.removesuffix("_bytes").replace("_", " "), size(value)
    return name.replace("_", " "), _text(value)


def _flat(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}: ")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{key}", value


def _text(value: object) -> str:
    if value is None or value == "":
        return NO_NUMBER
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def every_number(metrics: Metrics) -> Table:
    """Return each value of metrics.json under its name, with its unit and its definition."""
    patterns = [(pattern_of(path), key) for path, key in METRIC_KEYS.items()]
    rows = []
    for path, value in _leaves(metrics.document, ""):
        known = next((key for pattern, key in patterns if pattern.match(path)), None)
        rows.append((path, _text(value), known.unit if known else "", known.meaning if known else ""))
    return Table(
        caption="metrics.json",
        head=("key", "value", "unit", "definition"),
        rows=tuple(rows),
        words=frozenset({1, 2, 3}),
    )


def _leaves(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in document.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and "p50" in value:
            yield path, ", ".join(f"{name} {_text(number)}" for name, number in value.items())
        elif isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.")
        elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
            yield path, f"{len(value)} rows"
        else:
            yield path, "; ".join(map(_listed, value)) if isinstance(value, list | tuple) else value


def _listed(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    return str(value)
