"""The figures of a report: drawing, sentence, words for those who cannot see it, and the same data as a table."""

from collections.abc import Mapping

import numpy as np

from loadtests.analysis.results import Cost, Milliseconds, Timeline
from reports import takeaways
from reports.client_tables import client_tables, models_told
from reports.exhibit import Exhibit, draw
from reports.figures.cost import cost_plate
from reports.figures.ranks import LADDER, Band, at_share, bands
from reports.figures.states import NAMES, states_plate, widen_states
from reports.figures.timeline import timeline_plate, widen
from reports.figures.visibility import clients_plate, visibility_plate
from reports.figures.waterfall import waterfall_plate
from reports.glossary import client_name, stage_name, stage_span
from reports.input import ReportInput
from reports.table import Table
from reports.wording import MINUS, NO_NUMBER, count, counted, duration, interval, milliseconds, percent, rate


def exhibits(run: ReportInput) -> tuple[Exhibit, ...]:
    """Return the figures in reading order; one that lacks its data says so instead."""
    every = (_visibility(run), _stages(run), _clients(run), _timeline(run), _states(run))
    return tuple(exhibit for exhibit in every if exhibit)


def _visibility(run: ReportInput) -> Exhibit:
    title = "How soon a colleague's change is seen"
    series = run.results.series
    columns = {"push": series.push_visibility_ms}
    columns |= {f"polling {interval(key)}": values for key, values in series.polling_visibility_ms.items()}
    columns = {name: values for name, values in columns.items() if len(values)}
    if not columns:
        why = "No device had a change to show in the measurement window, so there is no latency to draw."
        return Exhibit(name="visibility", title=title, takeaway=why)
    return Exhibit(
        name="visibility",
        title=title,
        takeaway=takeaways.visibility(run),
        alternative=f"Cumulative distributions of visibility latency for {', '.join(columns)}; the table beneath has "
        "the same ranks.",
        drawing=draw(visibility_plate(series.push_visibility_ms, without_twins(series.polling_visibility_ms))),
        table=_rank_table(columns),
    )


def without_twins(cohorts: Mapping[str, Milliseconds]) -> Mapping[str, Milliseconds]:
    """Leave out conditional cohorts beside a plain one of their interval: they see the same, and hide its line."""
    plain = {key: key.removesuffix("-conditional") for key in cohorts}
    return {key: values for key, values in cohorts.items() if plain[key] == key or plain[key] not in cohorts}


def _rank_table(columns: Mapping[str, Milliseconds]) -> Table:
    rows = [(_rank(share), *(milliseconds(at_share(values, share)) for values in columns.values())) for share in LADDER]
    rows.append(("slowest", *(milliseconds(at_share(values, 1.0)) for values in columns.values())))
    rows.append(("pairs", *(count(len(values)) for values in columns.values())))
    rows.append(("never shown", *(count(int(np.isinf(values).sum())) for values in columns.values())))
    return Table(
        caption="Visibility latency in milliseconds, by share of the (mutation, device) pairs",
        head=("share of pairs", *columns),
        rows=tuple(rows),
        note="Ranks of the pairs as drawn. Whether a quantile has samples enough to be judged stands in the table "
        "of latencies below.",
    )


def _rank(share: float) -> str:
    return f"{share * 100:g}\u00a0%"


def _stages(run: ReportInput) -> Exhibit:
    title = "Where the time goes"
    stages_ms = run.results.series.stages_ms
    shown = bands(stages_ms)
    if not shown:
        why = "No subscriber saw a change through its own signal, so there are no stages to draw."
        return Exhibit(name="stages", title=title, takeaway=why)
    words = {stage: stage_name(stage) for stage in stages_ms}
    return Exhibit(
        name="stages",
        title=title,
        takeaway=takeaways.stages(shown),
        alternative="Waterfall of the stages of visibility latency, each beginning where the one before it ended: "
        + "; ".join(f"{words[stage]} {duration(value)}" for stage, value in shown[0].stages_ms.items()),
        drawing=draw(waterfall_plate(shown, words)),
        table=_stage_table(shown, run.metrics.find("push", "by_another_refresh", "pairs")),
    )


def _stage_table(shown: tuple[Band, ...], by_another_refresh: float | None) -> Table:
    middle, slowest = shown
    rows = [
        (
            stage_name(stage),
            stage_span(stage),
            *(cell for band in shown for cell in (milliseconds(band.stages_ms[stage]), _part(band, stage))),
        )
        for stage in middle.stages_ms
    ]
    rows.append(
        (
            "visibility latency",
            "due → visible",
            *(cell for band in shown for cell in (milliseconds(band.total_ms), "100\u00a0%")),
        )
    )
    return Table(
        caption="Mean contribution of each stage, in milliseconds",
        head=("stage", "from → to", "middle tenth", "share", "slowest tenth", "share"),
        rows=tuple(rows),
        words=frozenset({1}),
        note=f"The middle tenth are the {count(middle.pairs)} pairs between the 45th and the 55th percentile of "
        f"visibility latency, the slowest tenth the {count(slowest.pairs)} pairs above the 90th. Means of "
        "the same pairs add up; medians of stages would not."
        + (
            f" {counted(by_another_refresh, 'further pair')} came to be seen by a refresh that something else caused, "
            "and have no stages."
            if by_another_refresh
            else ""
        ),
    )


def _part(band: Band, stage: str) -> str:
    return percent(band.stages_ms[stage] / band.total_ms) if band.total_ms > 0 else NO_NUMBER


def cost_exhibit(run: ReportInput) -> Exhibit:
    """Return what devices cost, side by side."""
    title = "What it costs"
    push = run.results.series.push_cost if run.has_subscribers else None
    polling = dict(run.results.series.polling_cost)
    if not any(cost.requests > 0 for cost in [*polling.values(), *([push] if push else [])]):
        why = "No device fetched anything in the measurement window, so there is no cost to draw."
        return Exhibit(name="cost", title=title, takeaway=why)
    rows = [(f"polling {interval(key)}", *_cost_cells(cost, polls=True)) for key, cost in polling.items()]
    if push:
        rows.insert(0, ("push", *_cost_cells(push, polls=False)))
    return Exhibit(
        name="cost",
        title=title,
        takeaway=takeaways.cost(push, polling),
        alternative="Bars of refreshes, requests and kilobytes per device and minute: "
        + "; ".join(f"{row[0]} {row[2]} requests" for row in rows),
        drawing=draw(cost_plate(push, polling)),
        table=Table(
            caption="Cost per device and minute",
            head=("device", "refreshes", "requests", "bytes", "signals"),
            rows=tuple(rows),
        ),
    )


def _cost_cells(cost: Cost, *, polls: bool) -> tuple[str, ...]:
    return rate(cost.refreshes), rate(cost.requests), count(cost.bytes), NO_NUMBER if polls else rate(cost.signals)


def _clients(run: ReportInput) -> Exhibit | None:
    """Return the comparison of client models; None where there are not several of them."""
    if len(models_told(run.metrics)) < 2:
        return None
    series = {model: values for model, values in run.results.series.client_visibility_ms.items() if len(values)}
    names = {model: client_name(model) for model in series}
    return Exhibit(
        name="clients",
        title="Client models side by side",
        takeaway=takeaways.clients(run.metrics),
        alternative=f"Cumulative distributions of visibility latency for {', '.join(names.values())}; the tables "
        "beneath have the numbers.",
        drawing=draw(clients_plate(series, names)) if series else None,
        table=_rank_table({names[model]: values for model, values in series.items()}) if series else None,
        beneath=client_tables(run.metrics),
    )


def _timeline(run: ReportInput) -> Exhibit:
    title = "How the run went"
    recorded = run.results.series.timeline
    if not len(recorded.begin_s):
        why = "Nothing was recorded over time: the run ended before its load began."
        return Exhibit(name="timeline", title=title, takeaway=why)
    shown = widen(recorded)
    return Exhibit(
        name="timeline",
        title=title,
        takeaway=takeaways.timeline(shown),
        alternative="Five panels over time: mutations, signals, subscribers' and pollers' requests per second, and the "
        " p50 and p95 of push visibility latency.",
        drawing=draw(timeline_plate(shown)),
        table=_timeline_table(shown, widened=shown is not recorded),
    )


def _timeline_table(shown: Timeline, *, widened: bool) -> Table:
    columns = (shown.writes, shown.signals, shown.refreshes, shown.polls)
    rows = tuple(
        (
            _begin(begin),
            *(count(int(column[index])) for column in columns),
            milliseconds(float(shown.visibility_ms_p50[index])),
            milliseconds(float(shown.visibility_ms_p95[index])),
        )
        for index, begin in enumerate(shown.begin_s.tolist())
    )
    return Table(
        caption=f"Counts in bins of {shown.bin_s:g} s, and push visibility latency in milliseconds",
        head=("from, s", "mutations", "signals", "subscribers' requests", "pollers' requests", "p50", "p95"),
        rows=rows,
        note="Bins were joined to be readable: counts are sums, latencies the worst of the joined bins."
        if widened
        else "",
    )


def _states(run: ReportInput) -> Exhibit | None:
    """Return where the devices were; None where all of them were live all the time."""
    recorded = run.results.series.states
    if not recorded.is_eventful:
        return None
    shown = widen_states(recorded)
    columns = {name: getattr(shown, key) for key, (name, _) in NAMES.items()}
    return Exhibit(
        name="states",
        title="Where the devices were",
        takeaway=takeaways.states(recorded),
        alternative="Stacked areas over time: how many subscribers were "
        + "; ".join(name for name, counts in columns.items() if counts.any()),
        drawing=draw(states_plate(shown)),
        table=Table(
            caption=f"Subscribers by state, on average over each {shown.bin_s:g} s",
            head=("from, s", *columns),
            rows=tuple(
                (_begin(begin), *(milliseconds(float(counts[index])) for counts in columns.values()))
                for index, begin in enumerate(shown.begin_s.tolist())
            ),
        ),
    )


def _begin(begin_s: float) -> str:
    return f"{begin_s:g}".replace("-", MINUS) + (" (warm-up)" if begin_s < 0 else "")
