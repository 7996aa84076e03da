"""The chapter "Push or poll?": what push costs and gains beside each polling interval, under the same writes."""

from reports.battery import battery_exhibits, battery_table
from reports.break_even import break_even_exhibits
from reports.chapters.chapter import Chapter
from reports.comparison import answer, dominance_table, plane_exhibit
from reports.costs import cost_table
from reports.exhibits import cost_exhibit
from reports.input import ReportInput
from reports.laboratory import computed_polling_table
from reports.tables import polling_table


def push_or_poll(run: ReportInput) -> Chapter:
    """Return the chapter; a run that has only one of the two says so."""
    metrics, plane = run.metrics, plane_exhibit(run)
    return Chapter(
        name="push-or-poll",
        title="Push or poll?",
        answer=answer(metrics),
        exhibits=(
            *((plane,) if plane else ()),
            cost_exhibit(run),
            *break_even_exhibits(run),
            *battery_exhibits(run),
        ),
        tables=(
            polling_table(metrics),
            cost_table(metrics),
            dominance_table(metrics),
            computed_polling_table(metrics),
            battery_table(metrics),
        ),
    )
