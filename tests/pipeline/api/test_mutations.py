"""Each mutation changes the job, writes one audit row and one event, in this order, in three transactions."""

import json
import uuid
from collections.abc import Callable

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.pipeline.api.jobs_write import _CHANGE

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]
NewJob = Callable[..., dict[str, object]]

DOCUMENT = {"name": "roof.jpg", "file_path": "a/roof.jpg", "file_size": 12, "mime_type": "image/jpeg"}

MUTATIONS = {
    "job.updated": ("PATCH", "", {"status": "in_progress"}),
    "job.archived": ("POST", "/archive", None),
    "job.flagged": ("PATCH", "/flag", {"flagged": True}),
    "evidence.uploaded": ("POST", "/documents", DOCUMENT),
}

TRACES = """
select a.event_name, e.event_type, a.metadata, e.payload,
       (a.metadata ->> 'xid')::bigint as mutation, a.xmin::text::bigint as audit, e.xmin::text::bigint as event
from audit_logs a join realtime_events e on e.payload ->> 'request_id' = a.metadata ->> 'request_id'
where a.metadata ->> 'request_id' = %s
"""


def trace(sql: psycopg.Connection, request_id: str) -> dict[str, object]:
    """Return what one request left behind; fails unless it is exactly one audit row with one event."""
    cursor = sql.execute(TRACES, (request_id,))
    (row,) = cursor.fetchall()
    return dict(zip([column.name for column in cursor.description], row, strict=True))


def test_a_new_job_is_a_draft_of_revision_one(join: Join, new_job: NewJob) -> None:
    """The answer is the whole row, with the parts that other reads have."""
    job = new_job(join(), title="Roof", start_date="2026-03-01", risk_factor_codes=["unheard of"])

    assert (job["status"], job["revision"], job["evidence_count"]) == ("draft", 1, 0)
    assert (job["title"], job["start_date"], job["risk_factor_codes"]) == ("Roof", "2026-03-01", ["unheard of"])
    assert (job["risk_score_detail"], job["mitigation_items"]) == (None, [])
    assert "xid" not in job


def test_a_creation_is_told_of_after_its_commit(ask: Ask, join: Join, sql: psycopg.Connection) -> None:
    """Audit row and event carry the request's id; the transactions follow one another."""
    body = {"client_name": "C", "client_type": "mixed", "job_type": "other", "location": "L"}
    response = ask("POST", "/v1/jobs", join("member"), json=body, headers={"X-Request-ID": "create-1"})
    left = trace(sql, "create-1")

    assert response.headers["X-Request-ID"] == "create-1"
    assert (left["event_name"], left["event_type"]) == ("job.created", "job.created")
    assert left["payload"] == {"job_id": response.json()["data"]["id"], "request_id": "create-1"}
    assert left["mutation"] < left["audit"] < left["event"]


@pytest.mark.parametrize("event_type", MUTATIONS)
def test_a_change_is_told_of_after_its_commit(
    event_type: str, ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """Audit row and event carry the request's id; the transactions follow one another."""
    token = join()
    job = new_job(token)
    method, path, body = MUTATIONS[event_type]
    response = ask(method, f"/api/jobs/{job['id']}{path}", token, json=body, headers={"X-Request-ID": "r-1"})
    left = trace(sql, "r-1")

    assert response.status_code in (200, 201)
    assert (left["event_name"], left["event_type"]) == (event_type, event_type)
    assert (left["payload"]["job_id"], left["payload"]["request_id"]) == (job["id"], "r-1")
    assert left["mutation"] < left["audit"] < left["event"]


@pytest.mark.parametrize("event_type", ["job.updated", "job.archived", "job.flagged"])
def test_each_update_increments_the_revision_and_returns_it(
    event_type: str, ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """In the answer, in the audit row and in the job itself."""
    token = join()
    job = new_job(token)
    method, path, body = MUTATIONS[event_type]
    answer = ask(method, f"/api/jobs/{job['id']}{path}", token, json=body, headers={"X-Request-ID": "r-1"}).json()
    read = ask("GET", f"/api/jobs/{job['id']}", token).json()["data"]

    assert [answer.get("data", answer)["revision"], read["revision"]] == [2, 2]
    assert trace(sql, "r-1")["metadata"]["revision"] == 2


def test_an_upload_shows_as_evidence_and_leaves_the_revision(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """The document's id is in the answer, in the audit row and in the event, whose entity it is."""
    token = join()
    job = new_job(token)
    response = ask("POST", f"/api/jobs/{job['id']}/documents", token, json=DOCUMENT, headers={"X-Request-ID": "r-1"})
    document = response.json()["data"]
    read = ask("GET", f"/api/jobs/{job['id']}", token).json()["data"]
    entity = sql.execute("select entity_type, entity_id from realtime_events where event_type like 'evidence%'")

    assert response.status_code == 201
    assert (read["revision"], read["evidence_count"]) == (1, 1)
    assert trace(sql, "r-1")["metadata"]["document_id"] == document["id"]
    assert entity.fetchall() == [("evidence", document["id"])]
    assert (document["type"], document["category"], document["url"]) == ("photo", "before", None)


def test_documents_of_a_job_are_listed_newest_first(ask: Ask, join: Join, new_job: NewJob) -> None:
    """And a photo without a category belongs to the phase that the job is in."""
    token = join()
    job = new_job(token)
    path = f"/api/jobs/{job['id']}"
    ask("POST", f"{path}/documents", token, json={**DOCUMENT, "type": "contract"})
    ask("PATCH", path, token, json={"status": "completed"})
    ask("POST", f"{path}/documents", token, json=DOCUMENT)
    documents = ask("GET", f"{path}/documents", token).json()["data"]

    assert [(d["type"], d["category"]) for d in documents] == [("photo", "after"), ("contract", None)]


def test_a_job_without_documents_has_an_empty_list(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Unlike a job that is not there."""
    token = join()
    found = ask("GET", f"/api/jobs/{new_job(token)['id']}/documents", token)
    missing = ask("GET", f"/api/jobs/{uuid.uuid4()}/documents", token)

    assert (found.status_code, found.json(), missing.status_code) == (200, {"data": []}, 404)


def test_archiving_twice_is_refused(ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
    """The second time says so, and tells nobody."""
    token = join()
    job = new_job(token)
    first, second = (ask("POST", f"/api/jobs/{job['id']}/archive", token) for _ in range(2))
    count = sql.execute("select count(*) from realtime_events where event_type = 'job.archived'").fetchone()

    assert first.json()["data"]["status"] == "archived"
    assert (second.status_code, second.json()["code"], count) == (400, "ALREADY_ARCHIVED", (1,))


def test_archiving_by_status_and_back_keeps_both_columns_together(ask: Ask, join: Join, new_job: NewJob) -> None:
    """A patch of the status to `archived` is an archive, and any other status restores."""
    token = join()
    path = f"/api/jobs/{new_job(token)['id']}"
    archived, restored = (
        ask("PATCH", path, token, json={"status": status}).json()["data"] for status in ("archived", "completed")
    )

    assert archived["archived_at"] is not None
    assert restored["archived_at"] is None
    assert restored["completed_at"] is not None


def test_flagging_answers_with_a_bare_object(ask: Ask, join: Join, new_job: NewJob) -> None:
    """And unflagging takes the date away."""
    token = join("admin")
    path = f"/api/jobs/{new_job(token)['id']}/flag"
    flagged, unflagged = (ask("PATCH", path, token, json={"flagged": to}).json() for to in (True, False))

    assert set(flagged) == {"id", "review_flag", "flagged_at", "revision", "request_id"}
    assert flagged["review_flag"]
    assert flagged["flagged_at"] is not None
    assert (unflagged["review_flag"], unflagged["flagged_at"], unflagged["revision"]) == (False, None, 3)


def test_an_empty_patch_is_a_change_like_any_other(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """It is counted, audited and emitted."""
    token = join()
    job = new_job(token)
    response = ask("PATCH", f"/api/jobs/{job['id']}", token, json={}, headers={"X-Request-ID": "r-1"})

    assert response.json()["data"]["revision"] == 2
    assert trace(sql, "r-1")["event_type"] == "job.updated"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"status": "nonsense"}, "status"),
        ({"client_type": 7}, "client_type"),
        ({"risk_score": 101}, "risk_score"),
        ({"risk_score": True}, "risk_score"),
        ({"start_date": "soon"}, "start_date"),
        ({"has_subcontractors": "yes"}, "has_subcontractors"),
        ({"risk_factor_codes": "height"}, "risk_factor_codes"),
        ({"assigned_to_id": "me"}, "assigned_to_id"),
        ({"location": "a\0b"}, "location"),
        ({"revision": 7}, "revision"),
        ({"organization_id": str(uuid.uuid4())}, "organization_id"),
    ],
)
def test_a_bad_field_is_named_and_changes_nothing(
    body: dict[str, object], named: str, ask: Ask, join: Join, new_job: NewJob
) -> None:
    """400, structured, with the field in the message."""
    token = join()
    job = new_job(token)
    response = ask("PATCH", f"/api/jobs/{job['id']}", token, json=body)
    read = ask("GET", f"/api/jobs/{job['id']}", token).json()["data"]

    assert response.status_code == 400
    assert named in response.json()["message"]
    assert response.json()["code"] == "INVALID_FORMAT"
    assert read["revision"] == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("PATCH", "", [*_CHANGE, "unknown"]),
        ("PATCH", "/flag", ["flagged", "flag_reason", "review_due_at", "review_owner_role"]),
        ("POST", "/documents", ["name", "file_path", "file_size", "mime_type", "type", "category", "description"]),
    ],
)
def test_no_body_breaks_a_mutation(
    method: str, path: str, fields: list[str], ask: Ask, join: Join, new_job: NewJob
) -> None:
    """Whatever the fields hold, the change is made or refused."""
    token = join()
    job = new_job(token)

    @settings(max_examples=100, deadline=None)
    @given(st.dictionaries(st.sampled_from(fields), JSON, max_size=4))
    def answered(body: dict[str, object]) -> None:
        content = json.dumps(body)
        response = ask(method, f"/api/jobs/{job['id']}{path}", token, content=content)
        assert response.status_code in (200, 201, 400), (body, response.text)

    answered()


def test_assigning_to_nobody_is_the_callers_mistake(ask: Ask, join: Join, new_job: NewJob) -> None:
    """A person who is not there is a 400 of the constraint, not a 500."""
    token = join()
    path = f"/api/jobs/{new_job(token)['id']}"
    response = ask("PATCH", path, token, json={"assigned_to_id": str(uuid.uuid4())})

    assert (response.status_code, response.json()["retryable"]) == (400, False)


def test_missing_fields_of_a_creation_are_listed(ask: Ask, join: Join) -> None:
    """All at once."""
    response = ask("POST", "/api/jobs", join(), json={"client_name": "C", "location": ""})

    assert response.status_code == 400
    assert response.json()["missing"] == ["client_type", "job_type", "location"]


@pytest.mark.parametrize("job_id", ["nonsense", str(uuid.UUID(int=1))])
@pytest.mark.parametrize("event_type", MUTATIONS)
def test_a_job_that_is_not_there_is_not_found(
    event_type: str, job_id: str, ask: Ask, join: Join, sql: psycopg.Connection
) -> None:
    """A malformed id is the id of nothing; nothing is written."""
    method, path, body = MUTATIONS[event_type]
    response = ask(method, f"/api/jobs/{job_id}{path}", join(), json=body)
    left = sql.execute("select (select count(*) from audit_logs) + (select count(*) from realtime_events)").fetchone()

    assert (response.status_code, response.json()) == (404, {"message": "Job not found"})
    assert left == (0,)


@pytest.mark.parametrize("event_type", MUTATIONS)
def test_a_job_of_another_organization_is_not_found(
    event_type: str, ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """It stays as it was."""
    other = sql.execute("insert into organizations (name) values ('Other') returning id::text").fetchone()
    job = new_job(join())
    method, path, body = MUTATIONS[event_type]
    response = ask(method, f"/api/jobs/{job['id']}{path}", join(member_of=[other[0]]), json=body)

    assert response.status_code == 404
    assert sql.execute("select revision from jobs").fetchall() == [(1,)]
    assert sql.execute("select count(*) from documents").fetchone() == (0,)


def test_viewers_may_not_write(ask: Ask, join: Join, new_job: NewJob) -> None:
    """But they may read."""
    job = new_job(join())
    viewer = join("viewer")
    response = ask("PATCH", f"/api/jobs/{job['id']}", viewer, json={})

    assert (response.status_code, response.json()["code"]) == (403, "AUTH_ROLE_READ_ONLY")
    assert ask("GET", f"/api/jobs/{job['id']}", viewer).status_code == 200


def test_members_may_not_flag(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Owners and admins may."""
    member = join("member")
    response = ask("PATCH", f"/api/jobs/{new_job(member)['id']}/flag", member, json={"flagged": True})

    assert (response.status_code, response.json()["code"]) == (403, "AUTH_ROLE_FORBIDDEN")


def test_a_failed_emission_never_fails_the_mutation(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """Without the events' table the job is changed and audited all the same, and the loss is counted."""
    token = join()
    job = new_job(token)
    sql.execute("alter table realtime_events rename to gone")
    response = ask("PATCH", f"/api/jobs/{job['id']}", token, json={"location": "There"})
    audited = sql.execute("select count(*) from audit_logs where event_name = 'job.updated'").fetchone()
    health = ask("GET", "/health").json()

    assert (response.status_code, response.json()["data"]["revision"], audited) == (200, 2, (1,))
    assert health == {"status": "ok", "emitted": 1, "not_emitted": 1, "merged": 0, "not_audited": 0, "removed": 0}


def test_a_failed_audit_row_neither_fails_the_mutation_nor_holds_back_its_event(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """The loss is counted."""
    token = join()
    job = new_job(token)
    sql.execute("alter table audit_logs rename to gone")
    response = ask("PATCH", f"/api/jobs/{job['id']}", token, json={})
    health = ask("GET", "/v1/health").json()

    assert response.status_code == 200
    assert (health["emitted"], health["not_audited"]) == (2, 1)
