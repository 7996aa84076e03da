"""The report in Markdown: for a CI job's summary and for the terminal."""

from typing import Final

from loadtests.checks.gates import Outcome
from loadtests.checks.verdict import Verdict
from reports.chapters.chapter import Chapter
from reports.exhibit import Exhibit
from reports.headline import headlines
from reports.input import ReportInput
from reports.limits import limits
from reports.table import Table, to_markdown
from reports.tables import delivery_table, gate_table, latency_table
from reports.truth import truth

SIGNS: Final = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.UNKNOWN: "❔"}


def statement(verdict: Verdict) -> str:
    """Return the verdict as a plain sentence."""
    if verdict.value is Outcome.PASS:
        return "The measurement was good enough to judge."
    if verdict.value is Outcome.FAIL:
        return "What was measured proves that a limit was violated."
    return "The measurement was not good enough to say."


def to_summary(run: ReportInput, shown: tuple[Exhibit, ...], chapters: tuple[Chapter, ...]) -> str:
    """Return the whole summary."""
    verdict = run.verdict
    metrics, told = run.metrics, truth(run)
    blocks = [
        f"# {SIGNS[verdict.value]} {verdict.value.upper()}: {run.scenario.name}",
        f"**{run.scenario.question.strip()}**",
        statement(verdict),
        *(["\n".join(f"- {reason}" for reason in verdict.reasons)] if verdict.reasons else []),
        to_markdown(_headline_table(run)),
        *(f"- {SIGNS[each.outcome]} **{each.claim}: {each.word}.** {each.told}" for each in told.statements),
        *(f"- **{exhibit.title}.** {exhibit.takeaway}" for exhibit in shown),
        *(f"- **{chapter.title}** {' '.join((chapter.answer, *chapter.advice))}" for chapter in chapters),
        *(
            f"## {table.caption}\n\n{to_markdown(table)}"
            for table in (
                gate_table(verdict.gates),
                latency_table(metrics),
                *(table for chapter in chapters for table in chapter.tables),
                *(table for exhibit in shown for table in exhibit.beneath),
                delivery_table(metrics),
                *(part for part in told.parts if isinstance(part, Table)),
            )
            if table.rows
        ),
        "## What this run does not show",
        "\n".join(f"- {limit}" for limit in limits(run)),
    ]
    return "\n\n".join(blocks) + "\n"


def _headline_table(run: ReportInput) -> Table:
    return Table(
        caption="In five numbers",
        head=("", "number", "", "measured on"),
        rows=tuple((told.label, f"**{told.value}**", told.detail, told.sample) for told in headlines(run)),
        words=frozenset({2, 3}),
    )
