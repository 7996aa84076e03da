"""Bodies in the ledger: each distinct one once, with what a screen would show of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests.clients.requests import KeyKind
from loadtests.drivers.bodies import Bodies, MalformedBodyError
from loadtests.history.history import History
from loadtests.history.kinds import ItemFlag, Kind
from loadtests.history.ledger import Ledger
from loadtests.wire.revisions import Revisions

LIST = (
    b'{"data":[{"id":"j2","revision":7,"evidence_count":3,"status":"draft","review_flag":true,"title":"x"},'
    b'{"id":"j1","revision":1,"evidence_count":0,"status":"draft","review_flag":false}],"pagination":{"total":2}'
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return an empty ledger."""
    with Ledger(tmp_path / "swarm-0.ledger", capacity_rows=1000) as ledger:
        yield ledger


def read(ledger: Ledger) -> History:
    """Close the ledger and read it back."""
    ledger.close()
    return History.read(ledger.path.parent)


def test_a_list_is_recorded_item_by_item(ledger: Ledger) -> None:
    """Position, job, revision, evidence count and flags of each item."""
    number = Bodies(ledger).number(KeyKind.JOB_LIST, LIST + b"}", 5)
    history = read(ledger)
    body, *items = history.rows

    assert (body["kind"], body["entity"], body["revision"], body["flag"]) == (Kind.BODY, number, 2, KeyKind.JOB_LIST)
    assert body["value"] == len(LIST) + 1
    assert [history.names[item["entity"]] for item in items] == ["j2", "j1"]
    assert [(int(item["actor"]), int(item["revision"]), int(item["due_ns"])) for item in items] == [
        (0, 7, 3),
        (1, 1, 0),
    ]
    assert [item["flag"] for item in items] == [ItemFlag.FLAGGED, 0]
    assert {int(item["value"]) for item in items} == {number}


def test_a_jobs_score_is_recorded_even_if_it_is_zero(ledger: Ledger) -> None:
    """No score yet, a score of 0, and a job that says nothing of it."""
    body = b'{"data":[{"id":"a","risk_score":null},{"id":"b","risk_score":0},{"id":"c"}]}'
    Bodies(ledger).number(KeyKind.JOB_LIST, body, 5)

    assert read(ledger).of(Kind.BODY_ITEM)["flag"].tolist() == [0, ItemFlag.SCORED, 0]


def test_ids_and_revisions_are_strings_or_numbers(ledger: Ledger) -> None:
    """An integer key is the text of its digits; of documents and in detail too."""
    bodies = Bodies(ledger)
    told = b'{"data":[{"id":41,"revision":"7"},{"id":"42","revision":8},{"id":9007199254740993,"revision":null}]}'
    bodies.number(KeyKind.JOB_LIST, told, 5)
    bodies.number(KeyKind.JOB, b'{"data":{"id":41,"revision":"9"}}', 6)
    bodies.number(KeyKind.DOCUMENTS, b'{"data":[{"id":3}]}', 7)
    history = read(ledger)

    assert [(history.names[item["entity"]], int(item["revision"])) for item in history.of(Kind.BODY_ITEM)] == [
        ("41", 7),
        ("42", 8),
        ("9007199254740993", 0),
        ("41", 9),
        ("3", 0),
    ]


@pytest.mark.parametrize("revision", [b'"a4f"', b"3000000000"])
def test_a_revision_that_counts_nothing_is_malformed(ledger: Ledger, revision: bytes) -> None:
    """A hash orders no states, and a ledger has no room for a number that large."""
    with pytest.raises(MalformedBodyError, match="the revision"):
        Bodies(ledger).number(KeyKind.JOB, b'{"data":{"id":1,"revision":%b}}' % revision, 1)


@pytest.mark.parametrize("identifier", [b"null", b"true", b"[1]"])
def test_what_is_no_id_is_malformed(ledger: Ledger, identifier: bytes) -> None:
    """Nobody's job."""
    with pytest.raises(MalformedBodyError):
        Bodies(ledger).number(KeyKind.JOB, b'{"data":{"id":%b}}' % identifier, 1)


def test_equal_bodies_are_recorded_once(ledger: Ledger) -> None:
    """The request's own id does not make a body another one; a revision does."""
    bodies = Bodies(ledger)
    first = bodies.number(KeyKind.JOB_LIST, LIST + b',"request_id":"6b1e"}', 1)
    second = bodies.number(KeyKind.JOB_LIST, LIST + b',"request_id":"77aa"}', 2)
    changed = LIST.replace(b'"revision":7', b'"revision":8')
    third = bodies.number(KeyKind.JOB_LIST, changed + b',"request_id":"77aa"}', 3)
    history = read(ledger)

    assert first == second != third
    assert history.of(Kind.BODY)["at_ns"].tolist() == [1, 3]


def test_a_request_id_within_the_content_is_content(ledger: Ledger) -> None:
    """Only what stands at the very end is left out of the comparison."""
    bodies = Bodies(ledger)
    padding = b'"note":"' + b"x" * 200 + b'"}]}'
    numbers = {
        bodies.number(KeyKind.JOB_LIST, b'{"data":[{"id":"j1","request_id":"%b",' % own + padding, 1)
        for own in (b"a", b"b")
    }

    assert len(numbers) == 2


def test_one_job_may_be_archived(ledger: Ledger) -> None:
    """The detail of an archived job is one item with its flag."""
    body = b'{"data":{"id":"j1","revision":4,"status":"archived","archived_at":"2026-01-01T00:00:00Z"}}'
    Bodies(ledger).number(KeyKind.JOB, body, 1)
    item = read(ledger).of(Kind.BODY_ITEM)[0]

    assert (item["revision"], item["flag"]) == (4, ItemFlag.ARCHIVED)


def test_documents_have_no_revision(ledger: Ledger) -> None:
    """Documents are recorded by their ids alone."""
    Bodies(ledger).number(KeyKind.DOCUMENTS, b'{"data":[{"id":"d1","revision":9},{"id":"d2"}]}', 1)
    history = read(ledger)
    items = history.of(Kind.BODY_ITEM)

    assert [history.names[entity] for entity in items["entity"]] == ["d1", "d2"]
    assert items["revision"].tolist() == [0, 0]


def test_audit_entries_are_only_counted(ledger: Ledger) -> None:
    """The feed is one row."""
    Bodies(ledger).number(KeyKind.AUDIT, b'{"data":{"events":[{"id":"a1"},{"id":"a2"}],"stats":{}}}', 1)
    history = read(ledger)

    assert history.of(Kind.BODY)["revision"].tolist() == [2]
    assert len(history.of(Kind.BODY_ITEM)) == 0


def test_one_content_of_two_kinds_is_two_bodies(ledger: Ledger) -> None:
    """An empty list of jobs is not an empty list of documents."""
    bodies = Bodies(ledger)
    empty = b'{"data":[]}'

    assert bodies.number(KeyKind.JOB_LIST, empty, 1) != bodies.number(KeyKind.DOCUMENTS, empty, 1)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"data":{}}', b'{"data":[{"id":1.5}]}', b'{"data":[{"id":"\xff"}]}']
)
def test_anything_else_is_refused(ledger: Ledger, body: bytes) -> None:
    """A successful status with another content is no answer that a device could show."""
    with pytest.raises(MalformedBodyError, match="job_list"):
        Bodies(ledger).number(KeyKind.JOB_LIST, body, 1)


def test_a_job_without_a_revision_is_as_new_as_its_last_change(tmp_path: Path) -> None:
    """Of a backend that counts none: the later change has the larger revision."""
    body = b'{"data":[{"id":"j1","updated_at":"2026-03-06T12:00:02Z"},{"id":"j2","updated_at":"2026-03-06T12:00:01Z"}]}'
    ledger = Ledger(tmp_path / "one.ledger", capacity_rows=10)
    Bodies(ledger, Revisions(datetime(2026, 3, 6, 12, tzinfo=UTC))).number(KeyKind.JOB_LIST, body, 5)
    ledger.close()

    first, second = History.read(tmp_path).of(Kind.BODY_ITEM)["revision"]
    assert first - second == 1000


def test_a_job_whose_last_change_is_no_time_is_no_job(tmp_path: Path) -> None:
    """The answer is not what the contract promises."""
    ledger = Ledger(tmp_path / "one.ledger", capacity_rows=10)
    with pytest.raises(MalformedBodyError, match="updated_at"):
        Bodies(ledger, Revisions(datetime(2026, 3, 6, 12, tzinfo=UTC))).number(
            KeyKind.JOB, b'{"data":{"id":"j1","updated_at":"soon"}}', 5
        )
