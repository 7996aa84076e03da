"""Which chapters a report has, in reading order. Each chapter decides by itself whether the run has anything for it."""

from reports.chapters.chapter import Chapter
from reports.chapters.debounce import debounce
from reports.chapters.push_or_poll import push_or_poll
from reports.input import ReportInput


def chapters(run: ReportInput) -> tuple[Chapter, ...]:
    """Return the chapters that this run can tell."""
    return tuple(chapter for chapter in (push_or_poll(run), debounce(run)) if chapter)
