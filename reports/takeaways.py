"""One sentence for each figure, computed from the numbers: what to take away from it, and no more than they say."""

import math

import numpy as np

from loadtests.analysis.results import Cost, Milliseconds, Timeline
from reports.figures.ranks import Band, at_share
from reports.glossary import stage_name
from reports.input import ReportInput
from reports.wording import counted, duration, interval, percent, rate, sentence


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
    told = [f"{_versus(push.requests, cost.requests)} polling every {interval(key)}" for key, cost in polling.items()]
    return f"{text}{': ' + sentence(told) if told else '; no device was polling'}."


def timeline(shown: Timeline) -> str:
    """Say when it was worst."""
    measured = shown.begin_s >= 0
    p95 = np.where(measured, shown.visibility_ms_p95, np.nan)
    never = int(np.isinf(p95).sum())
    finite = np.where(np.isfinite(p95), p95, np.nan)
    if np.isnan(finite).all():
        return "No change became visible by push in any part of the run." if never else "There is no latency to show."
    worst = int(np.nanargmax(finite))
    best = float(np.nanmin(finite))
    text = (
        f"The p95 of visibility latency moves between {duration(best)} and {duration(float(finite[worst]))}, "
        f"worst for what was due {shown.begin_s[worst]:g} s into the measurement"
    )
    return f"{text}; in {counted(never, 'bin')} a twentieth or more was never shown." if never else f"{text}."


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
