"""The chapter about the refresh policy: its answer, and when there is none."""

from dataclasses import replace

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


def test_what_refreshes_were_good_for_is_a_part_of_the_answer(full_run: ReportInput) -> None:
    """With its table, where the run was classed."""
    cost = {"refreshes": 40, "requests": 40, "bytes": 40_000, "database_reads": 80}
    nothing = dict.fromkeys(cost, 0)
    uses = dict.fromkeys(("retried", "failed", "unseen", "overtaken", "duplicate"), nothing)
    push = {
        "refreshes": 80,
        "necessary_share": 0.5,
        "repeated_in_flush": 0,
        "necessary": cost,
        "redundant": cost,
        **uses,
    }
    metrics = {**full_run.results.metrics, "waste": {"push": push}}

    chapter = debounce(replace(full_run, results=replace(full_run.results, metrics=metrics)))

    assert chapter is not None
    assert "brought nothing new." in chapter.answer
    assert "What refreshes were good for" in [table.caption for table in chapter.shown_tables]
