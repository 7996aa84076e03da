"""Which request keys a signal asks a device of each model to refresh, with literal signals."""

import pytest

from loadtests.clients import models
from loadtests.clients.models import Screen
from loadtests.clients.signals import Signal, Subject

IOS = models.ios(window_ns=500_000_000)
WEB = models.web(window_ns=500_000_000)
LIST = "/api/jobs?page=1&limit=25"
CLOSED = Screen()
OPEN = Screen(open_job_id="j1", open_audit=True)

JOB_1 = Signal(subject=Subject.JOB, is_upload=False, entity="job:j1", entity_id="j1")
JOB_2 = Signal(subject=Subject.JOB, is_upload=False, entity="job:j2", entity_id="j2")
NO_JOB = Signal(subject=Subject.JOB, is_upload=False, entity="job:None", entity_id=None)
UPLOAD = Signal(subject=Subject.EVIDENCE, is_upload=True, entity="evidence:d1", entity_id="d1")
VERIFIED = Signal(subject=Subject.EVIDENCE, is_upload=False, entity="evidence:d1", entity_id="d1")
AUDIT = Signal(subject=Subject.AUDIT, is_upload=False, entity="audit:a1", entity_id="a1")
OTHER = Signal(subject=Subject.OTHER, is_upload=False, entity="export:e1", entity_id="e1")


@pytest.mark.parametrize(
    ("signal", "expected"),
    [(JOB_1, [LIST]), (UPLOAD, [LIST]), (VERIFIED, []), (AUDIT, []), (OTHER, [])],
    ids=["job", "upload", "verified", "audit", "other"],
)
def test_the_ios_app_refreshes_its_list_for_jobs_and_uploads(signal: Signal, expected: list[str]) -> None:
    """JobsStore only refreshes if the event is job-related, and then always the first page."""
    keys = IOS.affected(signal, CLOSED)

    assert [key.path for key in keys] == expected


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (JOB_1, [LIST, "/api/jobs/j1"]),
        (JOB_2, [LIST]),
        (UPLOAD, [LIST, "/api/jobs/j1/documents"]),
        (VERIFIED, [LIST, "/api/jobs/j1/documents"]),
        (AUDIT, ["/api/audit/events?limit=50"]),
        (OTHER, []),
    ],
    ids=["open job", "another job", "upload", "verified", "audit", "other"],
)
def test_the_web_app_refreshes_what_is_open(signal: Signal, expected: list[str]) -> None:
    """A job and the audit feed are open: each signal makes those keys stale that show what it is about."""
    keys = WEB.affected(signal, OPEN)

    assert [key.path for key in keys] == expected


@pytest.mark.parametrize("signal", [JOB_1, NO_JOB, UPLOAD], ids=["job", "job without id", "upload"])
def test_the_web_app_with_nothing_open_refreshes_its_list(signal: Signal) -> None:
    """Beside the list nothing is on the screen."""
    keys = WEB.affected(signal, CLOSED)

    assert [key.path for key in keys] == [LIST]


def test_an_audit_event_asks_nothing_of_a_closed_feed() -> None:
    """The feed is not on the screen."""
    assert WEB.affected(AUDIT, CLOSED) == ()


def test_a_catch_up_fetches_every_open_key_once() -> None:
    """List, detail, documents and feed, in this order, each once."""
    paths = [key.path for key in OPEN.everything]

    assert paths == [LIST, "/api/jobs/j1", "/api/jobs/j1/documents", "/api/audit/events?limit=50"]
    assert [key.path for key in CLOSED.everything] == [LIST]


def test_only_the_ios_app_awaits_its_refreshes_one_by_one() -> None:
    """The design's loop awaits each refresh; the web app revalidates its keys side by side."""
    assert IOS.is_sequential
    assert not WEB.is_sequential
