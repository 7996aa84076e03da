"""Frames are decoded once, and each event is named once."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from loadtests.clients.requests import KeyKind
from loadtests.clients.signals import Subject
from loadtests.drivers import arrivals as module
from loadtests.drivers.arrivals import Arrivals
from loadtests.drivers.bodies import Bodies
from loadtests.history.history import read_rows
from loadtests.history.kinds import NO_ENTITY, Kind, SignalFlag
from loadtests.history.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return an empty ledger."""
    with Ledger(tmp_path / "swarm-0.ledger", capacity_rows=10_000) as ledger:
        yield ledger


def frame(event_id: str | None, *, errors: list[str] | None = None, event_type: str = "evidence.uploaded") -> bytes:
    """Return one event's frame; without an id it is what a server sends that may not show the row."""
    record = {"id": event_id, "event_type": event_type, "entity_type": "evidence", "entity_id": "d1"}
    data = {
        "schema": "public",
        "table": "realtime_events",
        "type": "INSERT",
        "commit_timestamp": "2026-09-01T12:00:00.123Z" if event_id else None,
        "columns": [],
        "record": record if event_id else {},
        "errors": errors,
    }
    return orjson.dumps([None, None, "realtime:x", "postgres_changes", {"ids": [1], "data": data}])


def test_a_known_frame_is_looked_up_by_its_bytes(ledger: Ledger) -> None:
    """What `decode` returned is found under the same bytes from then on."""
    arrivals = Arrivals(ledger, {}, lambda _: None)
    arrival = arrivals.decode(frame("e1"))

    assert arrival is not None
    assert arrivals.known[frame("e1")] is arrival
    assert arrival.size == len(frame("e1"))


def test_a_client_understands_the_part_before_the_dot(ledger: Ledger) -> None:
    """Subject, entity and whether it is an upload."""
    arrival = Arrivals(ledger, {}, lambda _: None).decode(frame("e1"))

    assert arrival is not None
    assert arrival.signal.subject is Subject.EVIDENCE
    assert arrival.signal.is_upload
    assert arrival.signal.entity == "evidence:d1"


def test_other_messages_are_no_arrivals(ledger: Ledger) -> None:
    """A reply is neither decoded as a change nor remembered."""
    arrivals = Arrivals(ledger, {}, lambda _: None)

    assert arrivals.decode(b'["1","1","realtime:x","phx_reply",{"status":"ok","response":{}}]') is None
    assert arrivals.known == {}


def test_the_memory_of_frames_is_bounded_and_events_stay_named_once(ledger: Ledger) -> None:
    """A frame that fell out of the cache is decoded again, but its event has its name already."""
    arrivals = Arrivals(ledger, {}, lambda _: None)
    frames = [frame(f"e{number}") for number in range(module._FRAMES_MAX + 1)]
    for one in [*frames, frames[0]]:
        arrivals.decode(one)
    ledger.close()
    rows = read_rows(ledger.path)

    assert len(arrivals.known) == module._FRAMES_MAX
    assert len(rows) == len(frames)
    assert set(rows["kind"]) == {Kind.EVENT_NAMED}


def test_ids_that_are_numbers_belong_to_their_jobs_and_events(ledger: Ledger) -> None:
    """Event 7 of job 7, whose name a body brought before: the event is named all the same, and tells of its job."""
    Bodies(ledger).number(KeyKind.JOB, b'{"data":{"id":7}}', 1)
    record = {"id": 7, "event_type": "job.updated", "entity_type": "job", "entity_id": 7, "payload": {"job_id": 7}}
    told = orjson.loads(frame("e1"))
    told[4]["data"]["record"] = record
    arrival = Arrivals(ledger, {}, lambda _: None).decode(orjson.dumps(told))
    ledger.close()
    rows = read_rows(ledger.path)
    named, about = (rows[rows["kind"] == kind] for kind in (Kind.EVENT_NAMED, Kind.EVENT_ABOUT))

    assert arrival is not None
    assert (arrival.signal.entity_id, arrival.signal.entity) == ("7", "job:7")
    assert [named["entity"].tolist(), about["value"].tolist()] == [[ledger.name("7")], [ledger.name("7")]]


def test_an_event_is_named_again_where_another_organization_has_its_id(ledger: Ledger) -> None:
    """Or nobody would ever know that two of them have event 7; a frame that does not tell whose it is adds nothing."""
    arrivals = Arrivals(ledger, {"a": 0, "b": 1}, lambda _: None)
    for organization in ("a", "b", None):
        told = orjson.loads(frame("7"))
        told[4]["data"]["record"]["organization_id"] = organization
        arrivals.decode(orjson.dumps(told))
    ledger.close()

    assert read_rows(ledger.path)["revision"].tolist() == [0, 1]


def test_a_row_that_may_not_be_shown_has_no_name(ledger: Ledger) -> None:
    """Error 401 comes without any column: degraded, and no event can be named."""
    arrival = Arrivals(ledger, {}, lambda _: None).decode(frame(None, errors=["Error 401: Unauthorized"]))

    assert arrival is not None
    assert (arrival.entity, arrival.flags) == (NO_ENTITY, SignalFlag.ERRORS)
    assert arrival.signal.subject is Subject.OTHER
    assert ledger.rows == 0
