"""The report as one HTML file: nothing outside it is needed, neither a script nor the network."""

from typing import Final

import jinja2
from markupsafe import Markup, escape

from loadtests.checks.gates import Outcome
from reports.chapters.chapter import Chapter
from reports.exhibit import Exhibit
from reports.glossary import TERMS
from reports.headline import headlines
from reports.input import ReportInput
from reports.limits import limits
from reports.summary import statement
from reports.tables import every_number, tables
from reports.truth import truth

WORDS: Final = {Outcome.PASS: "Pass", Outcome.FAIL: "Fail", Outcome.UNKNOWN: "Unknown"}
SIGNS: Final = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.UNKNOWN: "?"}


def to_html(run: ReportInput, shown: tuple[Exhibit, ...], told: tuple[Chapter, ...]) -> str:
    """Return the page."""
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            scenario=run.scenario,
            manifest=run.manifest,
            scenario_text=str(run.manifest.get("scenario_text") or "").strip("\n"),
            overrides=run.manifest.get("overrides"),
            verdict=run.verdict,
            word=WORDS[run.verdict.value],
            sign=SIGNS[run.verdict.value],
            statement=statement(run.verdict),
            headlines=headlines(run),
            exhibits=shown,
            chapters=told,
            truth=truth(run),
            signs=SIGNS,
            tables=tables(run),
            every_number=every_number(run.metrics),
            limits=limits(run),
            terms=TERMS,
        )
    )


def templates() -> jinja2.Environment:
    """Return the page's templates: every text is escaped, and a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coded"] = coded
    return environment


def coded(text: str) -> Markup:
    """Return a text in which what stands between backticks is set as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
