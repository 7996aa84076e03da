"""The five numbers of the first screen: how soon by push and by polling, at what cost, how coalesced, what is lost."""

import math
from dataclasses import dataclass, replace

from loadtests.analysis.quantiles import SAMPLES_NEEDED
from loadtests.analysis.results import Quantiles
from reports.input import ReportInput
from reports.wording import NBSP, NO_NUMBER, count, counted, duration, interval, percent, rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One number, what it is, what it is to be compared with, and what it rests on."""

    label: str
    value: str
    detail: str
    sample: str


def headlines(run: ReportInput) -> tuple[Headline, ...]:
    """Return the five numbers; one that was not measured says why."""
    return (_push(run), _polling(run), _requests(run), _coalescing(run), _lost(run))


def _push(run: ReportInput) -> Headline:
    if not run.has_subscribers:
        return _absent("Push", "the scenario has no subscribers")
    latency = run.metrics.quantiles("push", "visibility_ms")
    told = _latency("Push", latency)
    within = run.metrics.find("push", "seen_within_1s", "mutations")
    if within is None or latency.n >= SAMPLES_NEEDED[0.95]:
        return told
    of = count(run.metrics.find("push", "seen_within_1s", "of"))
    return replace(told, detail=f"{count(within)} of {of} by everybody within 1{NBSP}s; {told.detail}")


def _polling(run: ReportInput) -> Headline:
    keys = run.metrics.keys("polling")
    if not keys:
        return _absent("Polling", "nothing was recorded" if run.scenario.pollers else "the scenario has no pollers")
    return _latency(f"Polling every {interval(keys[0])}", run.metrics.quantiles("polling", keys[0], "visibility_ms"))


def _latency(label: str, latency: Quantiles) -> Headline:
    sample = f"n = {counted(latency.n, 'mutation')}, {counted(latency.pairs, 'pair')}"
    if latency.p50 is None and latency.max is None:
        return Headline(
            label=f"{label}: time until a change is seen", value=NO_NUMBER, detail="nothing to measure", sample=sample
        )
    if latency.p50 is None:
        label, value, detail = (
            f"{label}: slowest change seen after",
            duration(latency.max),
            "too few changes for a median",
        )
    else:
        label, value, detail = f"{label}: half of all changes seen within", duration(latency.p50), _upper(latency)
    return Headline(label=label, value=value, detail=detail, sample=sample)


def _upper(latency: Quantiles) -> str:
    """Return the p95 in words, or the maximum and why there is no p95."""
    if latency.p95 is None:
        needed = SAMPLES_NEEDED[0.95]
        worst = (
            "some were never seen"
            if latency.max is not None and math.isinf(latency.max)
            else f"all within {duration(latency.max)}"
        )
        few = f"no p95: it needs {needed} mutations" if latency.n < needed else "no p95"
        return f"{worst}; {few}"
    if math.isinf(latency.p95):
        return "more than 5\u00a0% never seen"
    return f"95\u00a0% within {duration(latency.p95)}"


def _requests(run: ReportInput) -> Headline:
    label = "Requests per subscriber and minute"
    metrics = run.metrics
    keys = metrics.keys("polling")
    per_poller = metrics.number("polling", keys[0], "requests_per_subscriber_minute") if keys else None
    polled = f"polling every {interval(keys[0])}" if keys else ""
    sample = _devices(run)
    if not run.has_subscribers:
        detail = f"{polled}: {rate(per_poller)}" if keys else "nothing to compare with"
        return Headline(label=label, value=NO_NUMBER, detail=f"no subscribers; {detail}", sample=sample)
    per_subscriber = metrics.number("push", "requests_per_subscriber_minute")
    detail = (
        f"{polled}: {rate(per_poller)}{_against(per_subscriber, per_poller)}" if keys else "no polling to compare with"
    )
    return Headline(label=label, value=rate(per_subscriber), detail=detail, sample=sample)


def _against(push: float | None, polling: float | None) -> str:
    if push is None or not polling:
        return ""
    if push <= polling:
        return f"; push avoids {percent(1 - push / polling)}"
    return f"; push makes {percent(push / polling - 1)} more"


def _devices(run: ReportInput) -> str:
    metrics = run.metrics
    subscribers = counted(metrics.number("population", "subscribers"), "subscriber")
    pollers = counted(metrics.number("population", "pollers"), "poller")
    return f"{subscribers}, {pollers}, {duration((metrics.number('population', 'duration_s') or 0) * 1000)}"


def _coalescing(run: ReportInput) -> Headline:
    if not run.has_subscribers:
        return _absent("Signals per refresh", "the scenario has no subscribers")
    metrics = run.metrics
    if not metrics.number("coalescing", "signals"):
        return _absent("Signals per refresh", "no signal asked for a refresh")
    efficiency = metrics.number("coalescing", "efficiency")
    return Headline(
        label="Signals per refresh",
        value=rate(metrics.number("coalescing", "ratio")),
        detail="efficiency not known"
        if efficiency is None
        else f"efficiency {percent(efficiency)}: least possible refreshes ÷ actual",
        sample=f"n = {counted(metrics.number('coalescing', 'signals'), 'signal')}, "
        f"{counted(metrics.number('coalescing', 'refreshes'), 'refresh', 'refreshes')}",
    )


def _lost(run: ReportInput) -> Headline:
    if not run.has_subscribers:
        return _absent("Missed while live", "the scenario has no subscribers")
    metrics = run.metrics
    if not metrics.number("delivery", "expected"):
        return _absent("Missed while live", "no delivery was expected")
    others = [
        f"{key}{NBSP}{count(metrics.number('delivery', key))}" for key in ("late", "duplicate", "leaked", "phantom")
    ]
    return Headline(
        label="Missed while live",
        value=count(metrics.number("delivery", "missed_live")),
        detail=", ".join(others),
        sample=f"of {counted(metrics.number('delivery', 'expected'), 'expected delivery', 'expected deliveries')}",
    )


def _absent(label: str, why: str) -> Headline:
    return Headline(label=label, value=NO_NUMBER, detail=f"not measured: {why}", sample="n = 0")
