"""One sentence for each figure, computed from the numbers: what to take away from it, and no more than they say."""

import math
from collections.abc import Mapping

import numpy as np

from loadtests.analysis.results import Cost, Milliseconds, States, Timeline
from reports.figures.ranks import Band, at_share
from reports.glossary import client_name, stage_name
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.wording import MINUS, count, counted, duration, interval, percent, rate, sentence


def visibility(run: ReportInput) -> str:
    """Say how long half of the pairs waited, by push and by each polling interval."""
    series = run.results.series
    push = at_share(series.push_visibility_ms, 0.5)
    polled = {cohort: at_share(values, 0.5) for cohort, values in series.polling_visibility_ms.items()}
    known = {cohort: median for cohort, median in polled.items() if median is not None}
    if push is None:
        told = [f"{_wait(median)} when polling every {interval(cohort)}" for cohort, median in known.items()]
        return f"Half of all changes are visible within {sentence(told)}; nothing was measured for push."
    against = [f"{_wait(median)} when polling every {interval(cohort)}" for cohort, median in known.items()]
    text = f"By push, half of all changes are visible within {_wait(push)}"
    text += f", against {sentence(against)}" if against else ""
    return f"{text}.{_unseen(series.push_visibility_ms)}"


def stages(shown: tuple[Band, ...]) -> str:
    """Say which hop dominates, in the typical and in the slow pair."""
    middle, slowest = shown
    first, second = _longest(middle), _longest(slowest)
    text = (
        f"In the middle tenth of the pairs, {stage_name(first)} takes {duration(middle.stages_ms[first])} of "
        f"{duration(middle.total_ms)} ({_share(middle, first)})"
    )
    joint = "and" if first == second else "but"
    again = f"{stage_name(second)} {'again dominates' if first == second else 'dominates'}"
    return (
        f"{text}; {joint} in the slowest tenth {again} with {duration(slowest.stages_ms[second])} of "
        f"{duration(slowest.total_ms)}."
    )


def cost(push: Cost | None, polling: dict[str, Cost]) -> str:
    """Say how many requests push costs, and how that compares with each polling interval."""
    if push is None:
        told = [f"{rate(cost.requests)} when polling every {interval(cohort)}" for cohort, cost in polling.items()]
        return f"Requests per device and minute: {sentence(told)}; nothing was measured for push."
    text = f"Push costs {rate(push.requests)} requests per device and minute"
    # Conditional polling makes the same requests: what it spares is told elsewhere.
    apart = [
        key
        for key in polling
        if key.removesuffix("-conditional") == key or key.removesuffix("-conditional") not in polling
    ]
    told = [f"{_versus(push.requests, polling[key].requests)} polling every {interval(key)}" for key in apart]
    return f"{text}{': ' + sentence(told) if told else '; no device was polling'}."


def timeline(shown: Timeline) -> str:
    """Say when it was worst."""
    measured = shown.begin_s >= 0
    p95 = np.where(measured, shown.visibility_ms_p95, np.nan)
    never = int(np.isinf(p95).sum())
    finite = np.where(np.isfinite(p95), p95, np.nan)
    if np.isnan(finite).all():
        if not never:
            return "There is no latency to show."
        p50 = shown.visibility_ms_p50[measured & ~np.isnan(shown.visibility_ms_p50)]
        part = "half" if np.isinf(p50).all() else "a twentieth"
        return f"Whenever changes were due, {part} or more of what push should have shown was never shown."
    worst = int(np.nanargmax(finite))
    best = float(np.nanmin(finite))
    text = (
        f"The p95 of visibility latency moves between {duration(best)} and {duration(float(finite[worst]))}, "
        f"worst for what was due {shown.begin_s[worst]:g} s into the measurement"
    )
    return f"{text}; in {counted(never, 'bin')} a twentieth or more was never shown." if never else f"{text}."


def clients(metrics: Metrics) -> str:
    """Say which client model is the soonest and which the cheapest, which the latest and dearest, and who is wrong."""
    models = metrics.keys("clients")
    soon = _extremes({model: metrics.number("clients", model, "visibility_ms", "p50") for model in models})
    cost = _extremes({model: metrics.number("clients", model, "requests_per_subscriber_minute") for model in models})
    wrong = {model: metrics.number("clients", model, "convergence", "wrong_views") for model in models}
    told = []
    if soon:
        (first, least), (last, most) = soon
        slowest = "never" if math.isinf(most) else f"within {duration(most)}"
        told.append(
            f"{client_name(first)} shows half of all changes within {_wait(least)}, {client_name(last)} {slowest}."
        )
    if cost:
        (first, least), (last, most) = cost
        spread = f"from {rate(least)} ({client_name(first)}) to {rate(most)} ({client_name(last)})"
        told.append(
            f"Requests per device and minute: {f'{rate(least)} each' if rate(least) == rate(most) else spread}."
        )
    named = [f"{count(number)} of {client_name(model)}" for model, number in wrong.items() if number]
    if named:
        told.append(f"Screens that were wrong in the end: {sentence(named)}.")
    elif all(number == 0 for number in wrong.values()):
        told.append("No screen was wrong in the end.")
    return " ".join(told)


def _extremes(values: Mapping[str, float | None]) -> tuple[tuple[str, float], tuple[str, float]] | None:
    """Return the models of the smallest and the largest value; None unless the values of two are known."""
    known = sorted((value, model) for model, value in values.items() if value is not None)
    if len(known) < 2:
        return None
    (least, first), (most, last) = known[0], known[-1]
    return (first, least), (last, most)


def states(told: States) -> str:
    """Say which part of their time the subscribers spent in each state, and how many at most."""
    measured = told.begin_s >= 0
    devices = float((told.live + told.away + told.not_live + told.logged_out)[0])
    parts = [
        f"{name} for {percent(share)}"
        for name, counts in (
            ("live", told.live),
            ("away", told.away),
            ("looked at but not live", told.not_live),
            ("logged out", told.logged_out),
        )
        if (share := float(counts[measured].mean() / devices) if measured.any() else 0.0) > 0
    ]
    text = f"Of their time in the measurement, devices were {sentence(parts)}." if parts else ""
    for name, counts in (("away", told.away), ("not live though looked at", told.not_live)):
        if (most := float(counts.max())) > 0:
            begin_s = f"{told.begin_s[int(counts.argmax())]:g}".replace("-", MINUS)
            text += f" At most {_devices(most)} of {_devices(devices)} were {name}, {begin_s} s into the measurement."
    return text.strip()


def _devices(mean: float) -> str:
    """Return a mean number of devices, without decimals where it is a whole one."""
    return count(mean) if abs(mean - round(mean)) < 0.005 else rate(mean)


def _wait(median_ms: float) -> str:
    return "more time than the run had" if math.isinf(median_ms) else duration(median_ms)


def _unseen(values: Milliseconds) -> str:
    never = int(np.isinf(values).sum())
    return (
        f" {percent(never / len(values))} of the pairs were never shown: the curve ends below 100 %." if never else ""
    )


def _longest(band: Band) -> str:
    return max(band.stages_ms, key=lambda stage: band.stages_ms[stage])


def _share(band: Band, stage: str) -> str:
    return percent(band.stages_ms[stage] / band.total_ms) if band.total_ms > 0 else "of nothing"


def _versus(push: float, other: float) -> str:
    if other <= 0 or push <= 0:
        return f"{rate(other)} when"
    ratio = push / other
    if 0.95 <= ratio <= 1.05:
        return f"about as many ({rate(other)}) as"
    if ratio < 1:
        return f"{percent(1 - ratio)} fewer than the {rate(other)} of"
    more = f"{percent(ratio - 1)} more than" if ratio < 2 else f"{rate(ratio)} times"
    return f"{more} the {rate(other)} of"
