"""The chapter about the refresh policy: its answer, and when there is none."""

from reports.chapters.debounce import debounce
from reports.input import ReportInput


def test_the_answer_counts_signals_and_refreshes(full_run: ReportInput) -> None:
    """And how few would have been enough."""
    chapter = debounce(full_run)

    assert chapter is not None
    assert "that asked for a refresh came to" in chapter.answer
    assert "efficiency" in chapter.answer


def test_a_run_without_signals_has_no_such_chapter(empty_run: ReportInput) -> None:
    """Nobody was pushed to, so nothing was debounced."""
    assert debounce(empty_run) is None
