"""Is every screen right in the end."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.convergence import convergence, end_of_drain
from loadtests.analysis.leaks import leaked_answers
from loadtests.clients.requests import PAGE_LIMIT, Cause
from loadtests.history.kinds import NO_COUNT
from loadtests.scenario.given import Given
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story


def wrong_views_of(story: Story) -> tuple[int, list[tuple[int, str]]]:
    """Return how many views are wrong, and (device, job) of each difference."""
    run, history = story.run(), story.history
    result = convergence(run.screens, run.jobs, run.mutations, end_ns=end_of_drain(run.presence, 11_000 * MS))
    differences = [(int(device), history.names[job]) for device, job in zip(result.device, result.job, strict=True)]
    return result.wrong_views, differences


def two_devices() -> Story:
    """Return two devices of one organization."""
    return Story().clock().live(0, 1).body("new", ("job", 2, 1)).body("old", ("job", 1, 1)).body("bare", ("job", 2, 0))


def test_a_view_with_the_newest_version_of_each_job_is_right() -> None:
    """An older answer that came last does not take it back."""
    story = two_devices().true_job("job", 2, documents=1)
    story.fetch(0, 10, 20, "new").fetch(1, 10, 20, "new").fetch(1, 15, 30, "old", cause=Cause.POLL)

    assert wrong_views_of(story) == (0, [])


def test_an_old_revision_or_a_missing_document_is_wrong() -> None:
    """Device 0 never saw revision 2, device 1 never the document."""
    story = two_devices().true_job("job", 2, documents=1).fetch(0, 10, 20, "old").fetch(1, 10, 20, "bare")

    assert wrong_views_of(story) == (2, [(0, "job"), (1, "job")])


def test_an_archived_job_that_is_still_shown_is_wrong() -> None:
    """Device 1 did not look again."""
    story = two_devices().true_job("job", 3, is_archived=True).body("empty")
    story.fetch(0, 10, 20, "new").fetch(1, 10, 20, "new").fetch(0, 30, 40, "empty")

    assert wrong_views_of(story) == (1, [(1, "job")])


def test_where_nobody_tells_what_is_archived_no_view_is_right_or_wrong() -> None:
    """Neither the one that shows the job nor the one that does not; what is certain without that stays told."""
    story = two_devices().true_job("job", 2, is_archived=None).fetch(0, 10, 20, "new")
    told = story.metrics()["convergence"]

    assert (told["wrong_views"], told["wrong_jobs"], told["beyond_page"]) == (None, None, None)
    assert (told["differences"]["total"], told["differences"]["examples"]) == (None, [])
    assert set(told["differences"]["by_what"].values()) == {None}
    assert told["views"] == 2


@pytest.mark.parametrize(
    ("jobs", "is_given", "is_doubted"),
    [(PAGE_LIMIT, True, False), (PAGE_LIMIT + 1, True, True), (PAGE_LIMIT + 1, False, False)],
)
def test_where_nobody_tells_what_was_archived_before_the_run_a_full_page_is_doubted(
    jobs: int, *, is_given: bool, is_doubted: bool
) -> None:
    """In an organization that was there before; in one of the run's own nothing had been archived."""
    story = two_devices()
    if is_given:
        given = Given(organizations=("theirs",), authors=("a",), members=(("b",),), jobs=(("job",),))
        story.population = replace(story.population, given=given)
    for number in range(jobs):
        story.true_job(f"job {number}", 1, is_archived=None)

    assert any("what stood on screens" in reason for reason in story.metrics()["health"]["reasons"]) is is_doubted


def test_where_nobody_tells_what_is_archived_a_job_leaves_the_page_by_its_acknowledged_archive() -> None:
    """Until then it is on page 1; what was archived before the run is known to nobody."""
    story = two_devices().true_job("job", 2, is_archived=None).true_job("other", 1, is_archived=None)
    run = story.mutation(0, 100, kind=MutationKind.ARCHIVE).run()
    names = story.history.names

    assert {names[job] for job in run.jobs.job[run.jobs.is_archived]} == {"job"}
    assert not run.jobs.is_archive_known


def test_jobs_beyond_the_first_page_are_not_expected_on_it() -> None:
    """26 jobs: the oldest one is nobody's to show."""
    story = two_devices()
    for number in range(26):
        story.true_job(f"job-{number}", 1, created_ms=-1000 + number)
    story.body("page", *((f"job-{number}", 1) for number in range(1, 26)))

    assert wrong_views_of(story.fetch(0, 10, 20, "page").fetch(1, 10, 20, "page")) == (0, [])


def test_an_answer_with_another_organizations_job_is_a_leak() -> None:
    """Both fetches of the foreign page count."""
    story = Story(organizations={"count": 2, "jobs": 1}).clock().live(0).live(1, organization=1)
    story.true_job("job", 1).true_job("foreign", 1, organization=1).body("page", ("job", 1)).body(
        "leak", ("foreign", 1)
    )
    story.fetch(0, 10, 20, "page").fetch(0, 30, 40, "leak").fetch(0, 50, 60, "leak").fetch(1, 50, 60, "leak")
    run = story.run()

    assert leaked_answers(run.screens, run.jobs).answers == 2


def test_without_a_count_of_documents_that_nothing_is_wrong_is_not_known() -> None:
    """The target has no table of them, and one was uploaded: what was found stands, what was not found says nothing."""

    def told(shown: int, kind: MutationKind = MutationKind.DOCUMENT) -> Any:
        story = two_devices().true_job("job", 2, documents=NO_COUNT).mutation(0, 100, kind=kind)
        story.body("page", ("job", shown)).fetch(0, 200, 210, "page").fetch(1, 200, 210, "page")
        metrics = story.metrics()
        assert metrics["clients"]["ios"]["convergence"]["wrong_views"] == metrics["convergence"]["wrong_views"]
        return metrics["convergence"]

    assert (told(2)["wrong_views"], told(2)["differences"]["by_what"]["evidence_count"]) == (None, None)
    assert told(1)["wrong_views"] == 2
    assert told(2, MutationKind.UPDATE)["wrong_views"] == 0
