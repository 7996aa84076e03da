"""From a run's results to its report: every file that people and build servers read.

A pure function of its input, apart from writing the files: the same input gives the same bytes.
"""

from pathlib import Path
from typing import Final

from reports.chapters.chapters import chapters
from reports.exhibits import exhibits
from reports.input import ReportInput
from reports.junit import to_junit
from reports.page import to_html
from reports.summary import to_summary

REPORT: Final = "report.html"
SUMMARY: Final = "summary.md"
JUNIT: Final = "junit.xml"


def render(run: ReportInput, directory: Path) -> list[Path]:
    """Write report.html, summary.md, junit.xml and a PNG of each figure; return their paths.

    Raises:
        MissingMetricError: the metrics lack a key that their contract promises.

    """
    shown, told = exhibits(run), chapters(run)
    drawn = (*shown, *(exhibit for chapter in told for exhibit in chapter.exhibits))
    files: dict[str, bytes] = {
        REPORT: to_html(run, shown, told).encode(),
        SUMMARY: to_summary(run, shown, told).encode(),
        JUNIT: to_junit(run).encode(),
        **{f"{exhibit.name}.png": exhibit.drawing.png for exhibit in drawn if exhibit.drawing},
    }
    return [_write(directory / name, content) for name, content in files.items()]


def _write(path: Path, content: bytes) -> Path:
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(content)
    draft.replace(path)
    return path
