"""What crosses organizations with a person who switches, by name."""

from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.history.kinds import Leaving
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story
from tests.analysis.lives import TWO, visitor


def test_a_signal_of_the_organization_that_was_left_is_a_leak() -> None:
    """The same event before the switch is none; in no lifetime at all the last one counts."""
    story = Story(**TWO).clock().lives(0, -5000, 3000, leaving=Leaving.SWITCHED)
    story.lives(0, 4000, 9000, organization=1).true_job("here", 2).mutation(0, 1000, job="here")
    story.signal(0, "e0", 1010).signal(0, "e0", 3500).signal(0, "e0", 4500).signal(0, "e0", 9500)

    leaks = story.metrics()["delivery"]["leaks"]

    assert leaks["total"] == 2
    assert leaks["examples"][0] == {
        "path": "push",
        "event": "e0",
        "of_organization": 0,
        "subscriber": 0,
        "in_organization": 1,
        "at_s": 4.5,
    }


def test_an_answer_with_a_job_of_the_organization_that_was_left_is_a_leak() -> None:
    """Asked for as a guest; the same answer at home is none. Its newest event is named."""
    story = visitor().mutation(0, 1000, job="here").body("page", ("here", 2))
    story.fetch(0, 2000, 2010, "page").fetch(0, 3100, 3110, "page", cause=Cause.CATCH_UP)

    delivery = story.metrics()["delivery"]

    assert delivery["leaked_answers"] == 1
    assert delivery["leaks"]["examples"] == [
        {
            "path": "catch-up",
            "event": "e0",
            "job": "here",
            "of_organization": 0,
            "subscriber": 0,
            "in_organization": 1,
            "at_s": 3.11,
        }
    ]


def test_a_document_with_the_number_of_a_foreign_job_is_no_leak() -> None:
    """Where ids are numbers, each table counts its own. A job in detail that is foreign is one."""
    story = visitor().body("documents", ("there", 0), kind=KeyKind.DOCUMENTS).body("detail", ("there", 2))
    story.fetch(0, 2000, 2010, "documents", key=RequestKey.documents("here").path)
    assert story.metrics()["delivery"]["leaked_answers"] == 0

    story.fetch(0, 2100, 2110, "detail", key=RequestKey.job("there").path)
    assert story.metrics()["delivery"]["leaked_answers"] == 1


def test_an_event_with_the_number_of_a_job_is_told_apart_from_it() -> None:
    """Job 7 and event 7, both told once; only the foreign one of either is a leak."""
    story = Story().clock().live(0, 1).true_job("7", 2).event("7", 5, of=MutationKind.UPDATE)
    story.body("page", ("7", 2)).signal(0, "7", 10).signal(1, "7", 10).fetch(0, 500, 510, "page")
    delivery = story.metrics()["delivery"]

    assert (delivery["delivered_once"], delivery["phantom"], delivery["leaks"]["total"]) == (2, 0, 0)
