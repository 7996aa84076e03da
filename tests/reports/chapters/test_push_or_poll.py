"""The chapter that compares push with polling: its answer, and what stands behind it."""

from reports.chapters.push_or_poll import push_or_poll
from reports.input import ReportInput


def test_without_a_comparison_the_chapter_says_so(full_run: ReportInput) -> None:
    """The run was analysed before there was one; what things cost is told all the same."""
    chapter = push_or_poll(full_run)

    assert chapter.answer == "Push and polling cannot be compared: no subscriber was to see a change."
    assert "cost" in [exhibit.name for exhibit in chapter.exhibits]


def test_a_run_in_which_nothing_was_fetched_says_so(empty_run: ReportInput) -> None:
    """No figure, and no row but the reason."""
    costs = push_or_poll(empty_run).exhibits[0]

    assert costs.drawing is None
    assert "nothing was measured" in costs.takeaway.lower() or "No device fetched anything" in costs.takeaway
