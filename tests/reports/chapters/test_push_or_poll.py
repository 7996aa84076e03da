"""The chapter that compares push with polling: its answer, and what stands behind it."""

from reports.chapters.push_or_poll import push_or_poll
from reports.input import ReportInput


def test_the_answer_is_in_requests_of_a_device(full_run: ReportInput) -> None:
    """What push costs comes first, then how it compares with each interval."""
    chapter = push_or_poll(full_run)

    assert chapter.answer.startswith("Push costs ")
    assert "polling every 5\N{NO-BREAK SPACE}s" in chapter.answer
    assert [exhibit.name for exhibit in chapter.exhibits] == ["cost", "break-even", "break-even-map", "battery"]


def test_a_run_without_pollers_says_that_nobody_polled(small_run: ReportInput) -> None:
    """There is nothing to compare with, and the chapter does not pretend."""
    assert "no device was polling" in push_or_poll(small_run).answer


def test_a_run_in_which_nothing_was_fetched_says_so(empty_run: ReportInput) -> None:
    """No figure, and no row but the reason."""
    costs = push_or_poll(empty_run).exhibits[0]

    assert costs.drawing is None
    assert "nothing was measured" in costs.takeaway.lower() or "No device fetched anything" in costs.takeaway
