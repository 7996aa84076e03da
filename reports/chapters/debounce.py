"""The chapter "Debounce": how well the live refresh policy coalesced, and which setting would do better."""

from reports.advice import recommendation, rule
from reports.chapters.chapter import Chapter
from reports.herd import crowd_table, herd_exhibit
from reports.input import ReportInput
from reports.laboratory import least_table
from reports.prices import prices_exhibit
from reports.replays import policies_exhibit
from reports.starvation import living, longest_table, starvation_exhibit
from reports.tables import coalescing_table
from reports.waste import uses_table, waste_by_kind_table, wasting
from reports.wording import count, counted, percent


def debounce(run: ReportInput) -> Chapter | None:
    """Return the chapter; None for a run without a subscriber that had something to refresh."""
    metrics = run.metrics
    signals, refreshes = metrics.number("coalescing", "signals"), metrics.number("coalescing", "refreshes")
    if not signals:
        return None
    efficiency = metrics.number("coalescing", "efficiency")
    least = (
        "How few would have been enough is not known."
        if efficiency is None
        else f"{count(metrics.number('coalescing', 'optimum'))} would have been the least within the same waits: "
        f"an efficiency of {percent(efficiency)}."
    )
    told = run.replayed
    came_to = f"{counted(signals, 'signal')} that asked for a refresh came to "
    came_to += f"{counted(refreshes, 'refresh', 'refreshes')}."
    return Chapter(
        name="debounce",
        title="Debounce",
        answer=" ".join(part for part in (came_to, least, living(metrics), wasting(metrics)) if part),
        advice=() if told is None else (recommendation(told), rule(told)),
        exhibits=tuple(
            exhibit
            for exhibit in (policies_exhibit(run), prices_exhibit(run), starvation_exhibit(run), herd_exhibit(run))
            if exhibit
        ),
        tables=(
            coalescing_table(metrics),
            least_table(metrics),
            uses_table(metrics, is_embedded=run.target_kind == "embedded"),
            waste_by_kind_table(metrics),
            longest_table(metrics),
            crowd_table(metrics),
        ),
    )
