"""When a change is visible: the predicate of each kind, by hand and against a reading of the definition by loops."""

import pytest

from loadtests.analysis.stamps import NEVER
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.history.kinds import ItemFlag, Kind
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from tests.analysis.literal import MS, Story


def one_device(**changes: object) -> Story:
    """Return a story of one device that has seen the job in revision 1."""
    story = Story(**{"subscribers": {"count": 1, "web": 0}, **changes}).clock().live(0)
    return story.body("old", ("job", 1)).fetch(0, -3000, -2990, "old", cause=Cause.CATCH_UP)


def test_an_update_is_visible_with_the_first_answer_that_has_its_revision() -> None:
    """The answer at 600 ms still has revision 1; the one at 1,200 ms has 3, which is later than 2."""
    story = one_device().true_job("job", 3).mutation(0, 100, revision=2)
    story.body("new", ("job", 3)).fetch(0, 590, 600, "old").fetch(0, 1190, 1200, "new").fetch(0, 1890, 1900, "new")

    pairs = story.pairs()

    assert pairs.visible_ns.tolist() == [1200 * MS]
    assert pairs.visibility_ms.tolist() == [1100.0]


def test_a_change_that_no_answer_shows_is_never_visible() -> None:
    """A failed answer and one without an end show nothing; the pair stays, as +infinity."""
    story = one_device().true_job("job", 2).mutation(0, 100).fetch(0, 590, 600, None).fetch(0, 900, None, None)

    pairs = story.pairs()

    assert pairs.visible_ns.tolist() == [NEVER]
    assert pairs.visibility_ms.tolist() == [float("inf")]


def test_an_archive_is_visible_with_the_first_list_without_the_job() -> None:
    """The list answered after sent but still holding the job does not show it."""
    story = one_device().true_job("job", 2, is_archived=True).mutation(0, 100, kind=MutationKind.ARCHIVE)
    story.body("empty").fetch(0, 95, 102, "old").fetch(0, 590, 600, "empty")

    assert story.pairs().visible_ns.tolist() == [600 * MS]


def test_an_archive_that_is_never_shown_has_not_left_the_screen() -> None:
    """The job was not pushed off page 1 by newer ones: it stands there wrongly."""
    story = one_device().true_job("job", 2, is_archived=True).mutation(0, 100, kind=MutationKind.ARCHIVE)

    pairs = story.pairs()

    assert pairs.visible_ns.tolist() == [NEVER]
    assert pairs.left_screen.tolist() == [False]


def test_an_archive_is_visible_when_the_list_says_archived() -> None:
    """A list may go on holding the job, marked."""
    story = one_device().true_job("job", 2, is_archived=True).mutation(0, 100, kind=MutationKind.ARCHIVE)
    story.body("marked", ("job", 2, 0, ItemFlag.ARCHIVED)).fetch(0, 590, 600, "marked")

    assert story.pairs().visible_ns.tolist() == [600 * MS]


def test_an_archive_shows_the_changes_before_it() -> None:
    """Updated and archived before the device looked: its screen is right, so both are visible."""
    story = one_device().true_job("job", 3, is_archived=True).mutation(0, 100, revision=2)
    story.mutation(1, 300, kind=MutationKind.ARCHIVE, revision=3).body("empty").fetch(0, 790, 800, "empty")

    assert story.pairs().visibility_ms.tolist() == [700.0, 500.0]


def test_a_document_is_visible_with_a_count_that_includes_it() -> None:
    """The second document of a job is there when the list counts two."""
    story = one_device().true_job("job", 1, documents=2)
    story.mutation(0, 100, kind=MutationKind.DOCUMENT, revision=0, document=2)
    story.body("one", ("job", 1, 1)).body("two", ("job", 1, 2)).fetch(0, 590, 600, "one").fetch(0, 790, 800, "two")

    assert story.pairs().visibility_ms.tolist() == [700.0]


def test_the_documents_of_the_open_job_show_a_document_too() -> None:
    """The open job's documents are answered before the list is."""
    story = one_device().true_job("job", 1, documents=1)
    story.mutation(0, 100, kind=MutationKind.DOCUMENT, revision=0, document=1)
    story.body("one", ("job", 1, 1)).body("documents", ("document", 0), kind=KeyKind.DOCUMENTS)
    story.fetch(0, 590, 600, "documents", key=RequestKey.documents("job").path).fetch(0, 590, 620, "one")

    assert story.pairs().visibility_ms.tolist() == [500.0]


def test_a_job_beyond_the_first_page_is_outside_the_screen() -> None:
    """With 25 newer jobs, a change of the oldest stands on no list; a change of the next one does."""
    story = one_device().true_job("old-one", 2, created_ms=-300_000).true_job("job", 2, created_ms=-200_000)
    for number in range(24):
        story.true_job(f"newer-{number}", 1, created_ms=-100_000 + number)
    story.mutation(0, 100, job="old-one").mutation(1, 200, job="job")

    assert story.pairs().on_screen.tolist() == [False, True]


def test_an_open_job_is_on_the_screen_wherever_it_stands_in_the_list() -> None:
    """The web device has the seeded job open; 25 newer ones push it off the list."""
    story = Story(subscribers={"count": 1, "ios": 0, "web_open_job": 1.0}).clock().live(0, model=DeviceModel.WEB)
    open_job = story.population.job_id(0, 0)
    story.true_job(open_job, 2, created_ms=-200_000)
    for number in range(25):
        story.true_job(f"newer-{number}", 1, created_ms=-100_000 + number)
    story.mutation(0, 100, job=open_job).body("detail", (open_job, 2), kind=KeyKind.JOB)
    story.fetch(0, 590, 600, "detail", key=RequestKey.job(open_job).path)

    pairs = story.pairs()

    assert pairs.on_screen.tolist() == [True]
    assert pairs.visibility_ms.tolist() == [500.0]


def test_a_job_that_newer_ones_push_off_before_it_was_shown_is_told_apart() -> None:
    """It never became visible, and the screen is why."""
    story = one_device().true_job("job", 2, created_ms=-200_000).mutation(0, 100, revision=2)
    for number in range(25):
        story.true_job(f"newer-{number}", 1, created_ms=200 + number)

    pairs = story.pairs()

    assert pairs.on_screen.tolist() == [True]
    assert pairs.left_screen.tolist() == [True]


def test_an_archive_brings_the_26th_job_onto_the_page() -> None:
    """Its change after the archive is on the screen, one before is not."""
    story = one_device().true_job("job", 3, created_ms=-200_000)
    for number in range(24):
        story.true_job(f"newer-{number}", 1, created_ms=-100_000 + number)
    story.true_job("archived", 2, created_ms=-50_000, is_archived=True)
    story.mutation(0, 100, job="job", revision=2)
    story.mutation(1, 500, job="archived", kind=MutationKind.ARCHIVE)
    story.mutation(2, 900, job="job", revision=3)

    assert story.pairs().on_screen.tolist() == [False, True, True]


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_a_mutation_that_the_database_does_not_have_is_nobodys_to_see(outcome: str) -> None:
    """Refused or lost on the way: there are no pairs."""
    story = one_device().true_job("job", 1)
    story.row(Kind.DUE, 100, due_ns=100 * MS, actor=0, value=0, flag=MutationKind.UPDATE, entity="job")
    story.row(Kind.SENT, 101, due_ns=100 * MS, actor=0, entity="job")
    story.row(Kind.FAILED if outcome == "failed" else Kind.UNKNOWN, 110, due_ns=101 * MS, actor=0)

    assert len(story.pairs()) == 0
