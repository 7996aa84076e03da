"""The document `metrics.json` and the series of the figures, assembled from all definitions.

Nothing is defined here: each part comes from the module that defines it. `metric_keys` documents the keys.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from loadtests.analysis.baseline.agreement import check_of, polls_in_window, remarks_on
from loadtests.analysis.baseline.api_cpu import api_cpu
from loadtests.analysis.baseline.battery import battery_metrics
from loadtests.analysis.baseline.break_even_run import break_even_metrics
from loadtests.analysis.baseline.comparison import comparison_metrics
from loadtests.analysis.baseline.computed_polling import computed_polling
from loadtests.analysis.baseline.polling import Where, closed_form, interval_name
from loadtests.analysis.by_phase import PhaseCost, read_phases
from loadtests.analysis.cause_table import Explained, cause_table, explain, read_scene
from loadtests.analysis.client_models import Findings, client_metrics, models_of, read_restraint
from loadtests.analysis.coalescing import coalescing
from loadtests.analysis.connections import connection_metrics
from loadtests.analysis.control import compare_control, control_json, control_reasons
from loadtests.analysis.convergence import Convergence, convergence, end_of_drain
from loadtests.analysis.delays import DelayWitnesses, slow_stages
from loadtests.analysis.delivery import Delivery, DeliveryClass, account
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.differences import differences_json
from loadtests.analysis.freshness import Freshness, stale_answers
from loadtests.analysis.health import health_json, measure_health, reasons_against, samples_suffice
from loadtests.analysis.laboratory.herding import herd_metrics
from loadtests.analysis.laboratory.least import least_metrics
from loadtests.analysis.laboratory.restlessness import restlessness
from loadtests.analysis.laboratory.waste import waste_metrics
from loadtests.analysis.leaks import Isolation, examples, leaked_answers, leaked_signals
from loadtests.analysis.mutation_counts import mutation_metrics
from loadtests.analysis.notifications import notification_metrics
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.recovery import find_returns, recovery_json
from loadtests.analysis.refreshes import Spending
from loadtests.analysis.repeats import repeating_answers
from loadtests.analysis.results import METRICS_SCHEMA, Results
from loadtests.analysis.scope import reason_against_pages
from loadtests.analysis.self_echo import read_self_echo
from loadtests.analysis.series import series
from loadtests.analysis.sessions import remarks_on_sessions, session_metrics
from loadtests.analysis.shared_ids import reason_against_shared_ids
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S, UNKNOWN, Bools, elapsed_ms
from loadtests.analysis.target_metrics import target_metrics
from loadtests.analysis.truth_source import truth_source
from loadtests.analysis.upstream import upstream_metrics
from loadtests.analysis.watched import seen_soon, spent_by, watched_by
from loadtests.analysis.waterfall import Waterfall, follow_refreshes
from loadtests.analysis.why import Why
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, Kind
from loadtests.scenario.model import Scenario


def assemble(run: Reconstruction, history: History, scenario: Scenario) -> Results:
    """Return all results of a run."""
    waterfall = follow_refreshes(
        run.pairs, run.mutations, events=run.events, signals=run.signals, requests=run.screens.requests
    )
    cohorts = _cohorts(scenario)
    spent = {cohort: spent_by(run, _among(run, cohort)) for cohort in (SUBSCRIBER, *cohorts.values())}
    findings = _findings(run, history, scenario)
    delivery = findings.delivery
    metrics: dict[str, Any] = {
        "schema": METRICS_SCHEMA,
        "truth": truth_source(history).name.lower(),
        "push": {
            **_push(run, waterfall, spent, cohorts),
            **recovery_json(findings.returns, run.pairs, run.mutations, _among(run, SUBSCRIBER)),
            **findings.restraint.to_json(_among(run, SUBSCRIBER)),
            "self_echo": findings.echo.to_json(_among(run, SUBSCRIBER)),
        },
        "polling": {
            name: _polling(run, cohort, spent[cohort], interval_s=scenario.pollers[cohort].interval_s)
            for name, cohort in cohorts.items()
        },
        "mutations": mutation_metrics(run.mutations, run.events, truth_is_read=run.truth_is_read),
    }
    scene = read_scene(run.events, run.signals, run.screens, history)
    explained = explain(delivery, scene)
    table = cause_table(explained, scene.witnesses, events=run.events, window=run.window, history=history)
    metrics["push"]["delays"] = _delays(run, scene)
    metrics |= {
        "clients": client_metrics(run, findings),
        "delivery": {**_delivery(run, history, delivery), **_causes(explained), "table": table},
        "coalescing": _coalescing(run),
        "connections": connection_metrics(history),
        "sessions": session_metrics(history),
        "convergence": _convergence(run, history, findings.convergence, delivery),
        "phases": _phases(run, history, scenario),
        "notifications": notification_metrics(history, run.clock, run.window),
        "target": target_metrics(history, scene.witnesses.evidence),
        "population": _population(run, scenario),
        "upstream": upstream_metrics(run, history),
        "comparison": comparison_metrics(
            run, cohorts, {name: scenario.pollers[cohort].interval_s for name, cohort in cohorts.items()}
        ),
        "starvation": restlessness(run, history, scenario),
        "herd": herd_metrics(run, history, scenario),
        "waste": waste_metrics(run, cohorts),
        "break_even": break_even_metrics(run, history, scenario),
        "battery": battery_metrics(run, cohorts, scenario.subscribers.connection.heartbeat_s),
    }
    cpu = api_cpu(history, run.screens.requests, run.mutations, run.window)
    metrics["api_cpu"] = cpu.to_json()
    metrics["push"] |= cpu.of(spent[SUBSCRIBER])
    for name, cohort in cohorts.items():
        metrics["polling"][name] |= cpu.of(spent[cohort])
    control = compare_control(run, history, scenario)
    metrics["control"] = control_json(control, run, history)
    metrics["health"] = _health(run, history, scenario, delivery=delivery, metrics=metrics)
    metrics["control"]["reasons"] = control_reasons(control, metrics["control"], delivery)
    metrics["health"]["reasons"] += metrics["control"]["reasons"]
    costs = {cohort: own.cost for cohort, own in spent.items()}
    return Results(metrics=metrics, series=series(run, waterfall, costs, cohorts))


def _cohorts(scenario: Scenario) -> dict[str, int]:
    """Return each cohort's index by its name, in ascending order of the interval."""

    def interval(index: int) -> tuple[float, bool]:
        return scenario.pollers[index].interval_s, scenario.pollers[index].conditional

    return {
        interval_name(scenario.pollers[index]): index for index in sorted(range(len(scenario.pollers)), key=interval)
    }


def _among(run: Reconstruction, cohort: int) -> Bools:
    among: Bools = run.devices.cohort == cohort
    return among


def _findings(run: Reconstruction, history: History, scenario: Scenario) -> Findings:
    deadline_ns = scenario.deadline_ms * NS_PER_MS
    ended = history.of(Kind.ENDED)["at_ns"]
    drained_ns = int(ended[0]) + round(scenario.effective_drain_s * NS_PER_S) if len(ended) else None
    return Findings(
        delivery=account(run.events, run.signals, run.mutations, run.screens, deadline_ns=deadline_ns),
        convergence=convergence(run.screens, run.jobs, run.mutations, end_ns=end_of_drain(run.presence, drained_ns)),
        returns=find_returns(run.pairs, run.mutations, run.screens, deadline_ns=deadline_ns),
        restraint=read_restraint(history, run.window),
        echo=read_self_echo(run),
    )


def _push(
    run: Reconstruction, waterfall: Waterfall, spent: Mapping[int, Spending], cohorts: Mapping[str, int]
) -> dict[str, Any]:
    pairs, own = run.pairs, spent[SUBSCRIBER]
    fresh = stale_answers(
        pairs,
        run.events,
        run.signals,
        run.screens.requests.by_batch(run.window.holds(run.screens.requests.requested_ns)),
    )
    return {
        **watched_by(run, _among(run, SUBSCRIBER), own),
        "signal_ms": _signal_latency(run),
        "stages": {
            f"{stage}_ms": distribution(values_ms, pairs.mutation[waterfall.own]).to_json()
            for stage, values_ms in waterfall.stages_ms.items()
        },
        "by_another_refresh": {
            "pairs": len(waterfall.others),
            "committed_to_answered_ms": distribution(
                waterfall.committed_to_answered_ms, pairs.mutation[waterfall.others]
            ).to_json(),
        },
        "seen_within_1s": seen_soon(pairs, _among(run, SUBSCRIBER)),
        "signals_per_subscriber_minute": own.cost.signals,
        "signal_bytes_per_subscriber_minute": own.signal_bytes / own.minutes if own.minutes else 0.0,
        "flushes": int(run.window.holds(run.flushed_ns).sum()),
        "discarded_answers": own.discarded,
        "herd_index": own.herd_index,
        "requests_avoided": {name: _avoided(own, spent[cohort]) for name, cohort in cohorts.items()},
        **_freshness(fresh),
    }


def _signal_latency(run: Reconstruction) -> dict[str, Any]:
    events, signals = run.events, run.signals
    _, first = np.unique(signals.event * len(run.devices) + signals.device, return_index=True)
    rows = first[signals.event[first] >= 0]
    event = signals.event[rows]
    told = events.in_window[event] & (events.mutation[event] != NOBODY) & (events.committed_ns[event] != UNKNOWN)
    rows, event = rows[told], event[told]
    latency_ms = elapsed_ms(events.committed_ns[event], signals.received_ns[rows])
    return distribution(latency_ms, events.mutation[event]).to_json()


def _avoided(push: Spending, polling: Spending) -> float | None:
    return 1 - push.cost.requests / polling.cost.requests if polling.requests else None


def _freshness(fresh: Freshness) -> dict[str, Any]:
    return {
        "stale_answers": fresh.stale,
        "stale_answer_share": fresh.stale / fresh.answered if fresh.answered else None,
        "stale_answer_healed_ms": distribution(fresh.healed_ms, fresh.mutation).to_json(),
    }


def _polling(run: Reconstruction, cohort: int, spent: Spending, *, interval_s: float) -> dict[str, Any]:
    watched = watched_by(run, _among(run, cohort), spent)
    expected = closed_form(
        cohort,
        interval_s,
        pairs=run.pairs,
        mutations=run.mutations,
        requests=run.screens.requests,
        where=Where(run.devices, run.window),
    )
    measured = watched["visibility_ms"]["p50"]
    polls = polls_in_window(cohort, requests=run.screens.requests, where=Where(run.devices, run.window))
    computed = computed_polling(
        cohort, interval_s, pairs=run.pairs, mutations=run.mutations, requests=run.screens.requests
    )
    return {
        **watched,
        "devices": int((run.devices.cohort == cohort).sum()),
        "fetch_ms_p50": expected.fetch_p50 if expected else None,
        "closed_form_p50_ms": expected.p50 if expected else None,
        "p50_over_closed_form": measured / expected.p50 if expected and isinstance(measured, float) else None,
        "computed_ms_mean": computed.computed_ms_mean,
        "mean_over_computed": computed.measured_over_computed,
        "computed_pairs": len(computed.computed_ms),
        "check": check_of(computed, run.screens.requests, polls, interval_s=interval_s).told,
    }


def _delivery(run: Reconstruction, history: History, delivery: Delivery) -> dict[str, Any]:
    isolation = Isolation(
        signals=leaked_signals(run.signals, run.presence, run.devices), answers=leaked_answers(run.screens, run.jobs)
    )
    push = run.pairs.in_window & (run.pairs.cohort == SUBSCRIBER)
    return {
        "expected": delivery.expected,
        **{each.name.lower(): delivery.count(each) for each in DeliveryClass},
        "live_healed": delivery.live_healed,
        "early": delivery.early,
        "leaked": len(isolation.signals),
        "leaked_answers": isolation.answers.answers,
        "leaks": {
            "total": isolation.total,
            "examples": examples(
                isolation, run.signals, run.events, run.screens, names=history.names, start_ns=run.window.start_ns
            ),
        },
        # Events are read during the run too: what is missing from a part of the truth is no phantom.
        "phantom": delivery.phantom if run.truth_is_read else None,
        "out_of_order": delivery.out_of_order,
        "degraded": delivery.degraded,
        "outside_screen": int((push & ~run.pairs.on_screen).sum()),
    }


def _causes(explained: Explained) -> dict[str, Any]:
    return {**explained.losses(), "causes": explained.misses_by_cause(), "late_causes": explained.late_by_cause()}


def _delays(run: Reconstruction, scene: DelayWitnesses) -> dict[str, Any]:
    slow = slow_stages(run.mutations, run.events, run.screens.requests, window=run.window, scene=scene)
    return {
        Why(int(why)).label: distribution(slow.ms[slow.why == why], slow.observed[slow.why == why]).to_json()
        for why in np.unique(slow.why)
    }


def _coalescing(run: Reconstruction) -> dict[str, Any]:
    result = coalescing(run.signals, run.events, run.screens.requests, run.window)
    return {
        "signals": result.signals,
        "refreshes": result.refreshes,
        "ratio": result.ratio,
        "optimum": result.optimum,
        "efficiency": result.efficiency(result.optimum),
        "efficiency_by_bound": {name: result.efficiency(optimum) for name, optimum in result.optimum_by_bound.items()},
        "over_bound_share": result.over_bound_share,
        "over_bound_share_by_bound": dict(result.over_bound_share_by_bound),
        "never_refreshed": result.never_refreshed,
        "least": least_metrics(run),
    }


def _phases(run: Reconstruction, history: History, scenario: Scenario) -> dict[str, Any]:
    signals, requests = run.signals, run.screens.requests
    phases = read_phases(history, mutations=run.mutations, events=run.events, signals=signals, requests=requests)
    told: dict[str, Any] = {}
    for index, phase in enumerate(scenario.phases):
        costs = {
            model.key: phases.cost(index, signals=signals, requests=requests, among=run.devices.model == int(model))
            for model in models_of(run)
        }
        told[phase.name] = {
            "mutations": phases.mutations(index),
            **{model: _phase_cost(cost) for model, cost in costs.items()},
        }
    return told


def _phase_cost(cost: PhaseCost) -> dict[str, Any]:
    return {
        "devices": cost.devices,
        "signals": cost.signals,
        "refreshes": cost.refreshes,
        "refreshes_per_device": cost.refreshes_per_device,
    }


def _convergence(run: Reconstruction, history: History, result: Convergence, delivery: Delivery) -> dict[str, Any]:
    told = differences_json(
        result, delivery, run.events, run.mutations, names=history.names, start_ns=run.window.start_ns
    )
    return {
        "views": result.views,
        "away_views": result.away_views,
        "wrong_views": result.told(result.wrong_views),
        "wrong_jobs": result.told(len(result.device)),
        "beyond_page": result.beyond_page if result.is_known else None,
        "duplicates": repeating_answers(run.screens),
        "archived_beyond_page": result.archived_beyond_page if result.is_known else None,
        "differences": told,
    }


def _population(run: Reconstruction, scenario: Scenario) -> dict[str, Any]:
    return {
        "subscribers": scenario.subscribers.count,
        "live_peak": run.presence.live_peak(),
        "pollers": sum(cohort.count for cohort in scenario.pollers),
        "mutators": scenario.mutators.users,
        "organizations": scenario.organizations.count,
        "duration_s": run.window.duration_s,
    }


def _health(
    run: Reconstruction, history: History, scenario: Scenario, *, delivery: Delivery, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    health = measure_health(history, scenario, run.mutations, clock=run.clock, window=run.window)
    classed = sum(delivery.count(each) for each in DeliveryClass)
    reasons = reasons_against(
        health,
        scenario,
        run.window,
        source=truth_source(history),
        truth_is_read=run.truth_is_read,
        missing_pairs=classed - delivery.expected,
    )
    reasons += reason_against_shared_ids(history)
    reasons += reason_against_pages(run.jobs, had_a_past=run.population.given is not None)
    events = run.events
    return {
        **health_json(health, reasons, samples_ok=samples_suffice(scenario, metrics)),
        "remarks": [*remarks_on(metrics["polling"]), *remarks_on_sessions(metrics["sessions"])],
        "commit_unknown": int((events.in_window & (events.committed_ns == UNKNOWN)).sum()),
        "without_version": int((run.mutations.in_window & run.mutations.is_done & ~run.mutations.is_showable).sum()),
    }
