"""Deleting, bulk status, mitigations, verification, sync, exports and devices: what they answer and refuse."""

import asyncio
import json
import uuid
from collections.abc import Callable

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.pipeline.api.app import build_app
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.export_worker import prepare_next

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]
NewJob = Callable[..., dict[str, object]]

DOCUMENT = {"name": "roof.jpg", "file_path": "a/roof.jpg", "file_size": 12, "mime_type": "image/jpeg"}


def test_a_deleted_job_is_not_found_any_more(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Neither by itself nor in the list, and it cannot be deleted twice."""
    token = join("admin")
    path = f"/api/jobs/{new_job(token)['id']}"
    first, second = ask("DELETE", path, token), ask("DELETE", path, token)

    assert (first.status_code, first.json()["data"]["revision"], second.status_code) == (200, 2, 404)
    assert ask("GET", path, token).status_code == 404
    assert ask("GET", "/api/jobs", token).json()["data"] == []


def test_only_drafts_are_deleted_and_only_by_owners_and_admins(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Anybody else, and anything else, is refused."""
    owner, member = join(), join("member")
    path = f"/api/jobs/{new_job(owner)['id']}"
    by_member = ask("DELETE", path, member)
    ask("PATCH", path, owner, json={"status": "in_progress"})
    begun = ask("DELETE", path, owner)

    assert (by_member.status_code, by_member.json()["code"]) == (403, "AUTH_ROLE_FORBIDDEN")
    assert (begun.status_code, begun.json()["code"]) == (400, "NOT_A_DRAFT")


def test_bulk_status_tells_of_each_job(ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
    """Three jobs change in one transaction, their events are one more; a stranger's job is named as failed."""
    token = join()
    jobs = [str(new_job(token)["id"]) for _ in range(3)]
    stranger = str(uuid.uuid4())
    body = {"job_ids": [*jobs, stranger], "status": "archived"}
    response = ask("POST", "/api/jobs/bulk/status", token, json=body)
    rows = sql.execute(
        "select count(*), count(distinct e.xmin::text), count(distinct a.metadata ->> 'xid') "
        "from realtime_events e join audit_logs a on a.job_id::text = e.entity_id and a.event_name = e.event_type "
        "where e.event_type = 'job.updated'"
    ).fetchone()

    assert response.status_code == 200
    assert response.json()["data"] == {
        "updated": [{"id": job, "status": "archived", "revision": 2} for job in jobs],
        "failed": [{"id": stranger, "message": "Job not found"}],
    }
    assert rows == (3, 1, 1)


@pytest.mark.parametrize(
    "job_ids", [[], "all", ["x"], [str(uuid.uuid4())] * 2, [str(uuid.uuid4()) for _ in range(101)], None]
)
def test_bulk_status_refuses_a_list_that_is_none(job_ids: object, ask: Ask, join: Join) -> None:
    """One to a hundred ids, each once."""
    response = ask("POST", "/api/jobs/bulk/status", join(), json={"job_ids": job_ids, "status": "draft"})

    assert response.status_code == 400
    assert "job_ids" in response.json()["message"]


def test_a_list_counts_mitigations(ask: Ask, join: Join, new_job: NewJob) -> None:
    """And says how ready the job is."""
    token = join()
    job = new_job(token, risk_factor_codes=["height", "weather"])
    path = f"/api/jobs/{job['id']}/mitigations/{job['mitigation_items'][0]['id']}"
    done = [ask("PATCH", path, token, json={"done": done}).json()["data"] for done in (True, True)]
    (item,) = ask("GET", "/api/jobs", token).json()["data"]

    assert [(each["done"], each["mitigations_complete"], each["revision"]) for each in done] == [
        (True, 1, 2),
        (True, 1, 3),
    ]
    assert (item["mitigations_total"], item["mitigations_complete"], item["blockers_count"]) == (2, 1, 1)
    assert (item["readiness_score"], item["readiness_empty_reason"]) == (50, None)


def test_concurrent_toggles_are_all_counted(
    api: Api, runner: asyncio.Runner, join: Join, new_job: NewJob, ask: Ask
) -> None:
    """Five items done at once, one of them twice, are five."""
    token = join()
    job = new_job(token, risk_factor_codes=["height", "weather", "asbestos", "hot_work", "chemicals"])
    items = [item["id"] for item in job["mitigation_items"]]

    async def toggle_all() -> list[int]:
        transport = httpx.ASGITransport(build_app(api))
        async with httpx.AsyncClient(transport=transport, base_url="http://jobs") as client:
            headers = {"Authorization": f"Bearer {token}"}
            responses = await asyncio.gather(
                *(
                    client.patch(f"/api/jobs/{job['id']}/mitigations/{item}", json={"done": True}, headers=headers)
                    for item in [*items, items[0]]
                )
            )
        return [response.status_code for response in responses]

    statuses = runner.run(toggle_all())
    read = ask("GET", f"/api/jobs/{job['id']}", token).json()["data"]

    assert statuses == [200] * 6
    assert (read["mitigations_complete"], read["revision"]) == (5, 7)


def test_reopening_is_told_of_as_such(ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
    """It is declared beside the completion."""
    token = join()
    job = new_job(token, risk_factor_codes=["height"])
    path = f"/api/jobs/{job['id']}/mitigations/{job['mitigation_items'][0]['id']}"
    reopened = [ask("PATCH", path, token, json={"done": done}).json()["data"] for done in (True, False)][1]
    types = sql.execute("select event_type from realtime_events where entity_type = 'mitigation' order by created_at")

    assert (reopened["done"], reopened["completed_at"], reopened["mitigations_complete"]) == (False, None, 0)
    assert types.fetchall() == [("mitigation.completed",), ("mitigation.reopened",)]


def test_new_risk_factors_make_new_mitigations(ask: Ask, join: Join, new_job: NewJob) -> None:
    """What was done for the old ones is gone with them; a score that is given stands."""
    token = join()
    job = new_job(token, risk_factor_codes=["height"])
    path = f"/api/jobs/{job['id']}"
    ask("PATCH", f"{path}/mitigations/{job['mitigation_items'][0]['id']}", token, json={"done": True})
    changed = ask("PATCH", path, token, json={"risk_factor_codes": ["height", "asbestos"]}).json()["data"]
    given = ask("PATCH", path, token, json={"risk_factor_codes": [], "risk_score": 40}).json()["data"]

    assert (changed["risk_score"], changed["mitigations_total"], changed["mitigations_complete"]) == (55, 2, 0)
    assert (given["risk_score"], given["mitigations_total"], given["mitigation_items"]) == (40, 0, [])


def test_rejected_evidence_is_a_violation(ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
    """The audit row is critical, and a notification is ordered in the same transaction."""
    token = join()
    path = f"/api/jobs/{new_job(token)['id']}"
    document = ask("POST", f"{path}/documents", token, json=DOCUMENT).json()["data"]
    verify = f"{path}/evidence/{document['id']}/verify"
    shown = ask("POST", verify, token, json={"status": "rejected"}).json()["data"]
    row = sql.execute(
        "select o.kind, o.entity_id, a.severity, o.xmin::text = a.metadata ->> 'xid' from push_outbox o "
        "join audit_logs a on a.event_name = 'evidence.verified'"
    ).fetchone()

    assert (document["verification_status"], shown["verification_status"]) == ("pending", "rejected")
    assert row == ("compliance_violation", document["id"], "critical", True)


def test_members_may_not_verify(ask: Ask, join: Join, new_job: NewJob) -> None:
    """Owners and admins may; evidence that is not there is not found."""
    owner, member = join(), join("member")
    path = f"/api/jobs/{new_job(owner)['id']}/evidence/{uuid.uuid4()}/verify"
    body = {"status": "verified"}

    assert [ask("POST", path, token, json=body).status_code for token in (member, owner)] == [403, 404]


def test_what_a_device_sends_twice_is_stored_once(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """The answer names the document of the first time; only new ones are told of."""
    token = join()
    job = str(new_job(token)["id"])
    first = {**DOCUMENT, "offline_id": "phone-1", "job_id": job}
    second = {**first, "offline_id": "phone-2"}
    lost = {**first, "offline_id": "phone-3", "job_id": str(uuid.uuid4())}
    sent = [
        ask("POST", "/api/sync/batch", token, json={"operations": operations}).json()["data"]["results"]
        for operations in ([first], [first, second, lost])
    ]
    count = sql.execute("select count(*) from realtime_events where event_type = 'evidence.synced'").fetchone()

    assert [result["outcome"] for result in sent[1]] == ["duplicate", "created", "job_not_found"]
    assert sent[1][0]["document_id"] == sent[0][0]["document_id"]
    assert count == (2,)


@pytest.mark.parametrize(
    ("operations", "named"),
    [
        ([], "operations"),
        ([{"offline_id": "x"}], "misses job_id, name"),
        (["x"], r"operations [0] must be a JSON object"),
        ([{**DOCUMENT, "offline_id": "x", "job_id": "y"}], "must be a UUID"),
    ],
)
def test_a_bad_operation_is_named(operations: object, named: str, ask: Ask, join: Join) -> None:
    """Nothing of its batch is done."""
    response = ask("POST", "/api/sync/batch", join(), json={"operations": operations})

    assert response.status_code == 400
    assert named in response.json()["message"]


def test_an_export_becomes_ready(
    api: Api, runner: asyncio.Runner, ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """Queued first; then its manifest has a digest, which is that of the stored text."""
    token = join()
    job = new_job(token)
    queued = ask("POST", f"/api/jobs/{job['id']}/export/pdf", token)
    before = ask("GET", f"/api/exports/{queued.json()['data']['id']}", token).json()["data"]

    async def prepare_all() -> list[bool]:
        async with api.pool.acquire() as connection:
            return [await prepare_next(api, connection) for _ in range(2)]

    prepared = runner.run(prepare_all())
    after = ask("GET", f"/api/exports/{before['id']}", token).json()["data"]
    manifest = sql.execute(
        "select encode(sha256(convert_to(manifest::text, 'UTF8')), 'hex'), manifest -> 'job' ->> 'id' from exports"
    ).fetchone()

    assert (queued.status_code, before["state"], after["state"]) == (202, "queued", "ready")
    assert prepared == [True, False]
    assert manifest == (after["manifest_sha256"], job["id"])


def test_an_export_asked_for_twice_under_one_key_is_one(ask: Ask, join: Join, new_job: NewJob) -> None:
    """The second answer says that it is the first one's; for another export the key is refused."""
    token = join()
    path = f"/api/jobs/{new_job(token)['id']}/export"
    key = {"Idempotency-Key": "k"}
    first, second = (ask("POST", f"{path}/pdf", token, headers=key) for _ in range(2))
    other = ask("POST", f"{path}/proof-pack", token, headers=key)

    assert (first.status_code, second.status_code, second.headers["X-Idempotency-Replayed"]) == (202, 200, "true")
    assert first.json()["data"]["id"] == second.json()["data"]["id"]
    assert (other.status_code, other.json()["code"]) == (400, "IDEMPOTENCY_KEY_REUSED")


def test_another_organizations_export_is_not_found(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """Neither to look at nor to ask for."""
    token = join()
    job = new_job(token)["id"]
    export = ask("POST", f"/api/jobs/{job}/export/pdf", token).json()["data"]["id"]
    other = sql.execute("insert into organizations (name) values ('Other') returning id::text").fetchone()
    stranger = join(member_of=[other[0]])

    assert ask("GET", f"/api/exports/{export}", stranger).status_code == 404
    assert ask("POST", f"/api/jobs/{job}/export/pdf", stranger).status_code == 404


def test_a_device_belongs_to_whoever_registered_it_last(ask: Ask, join: Join, sql: psycopg.Connection) -> None:
    """A token is a name for one device."""
    first, second = join("viewer"), join()
    token = "AB" * 32
    answers = [ask("POST", "/api/devices", person, json={"token": token}) for person in (first, second, second)]
    rows = sql.execute("select token, count(*) from device_tokens group by 1").fetchall()

    assert [answer.status_code for answer in answers] == [201] * 3
    assert rows == [("ab" * 32, 1)]


@pytest.mark.parametrize("body", [{}, {"token": "xyz"}, {"token": "abc"}, {"token": "ab" * 32, "platform": "tv"}])
def test_a_device_needs_a_token_in_hexadecimal(body: dict[str, str], ask: Ask, join: Join) -> None:
    """Anything else is refused."""
    assert ask("POST", "/api/devices", join(), json=body).status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"event_type": "a"}, {"event_type": "a", "entity_type": "b", "metadata": {"x": "\0"}}]
)
def test_a_logged_event_says_what_and_about_what(body: dict[str, object], ask: Ask, join: Join) -> None:
    """Otherwise it is refused."""
    assert ask("POST", "/api/audit/events", join(), json=body).status_code == 400


def test_a_client_cannot_pass_its_log_off_as_a_mutation(ask: Ask, join: Join, sql: psycopg.Connection) -> None:
    """What it says stands apart from what the API recorded."""
    body = {"event_type": "a", "entity_type": "b", "metadata": {"xid": "7", "request_id": "forged"}}
    response = ask("POST", "/api/audit/events", join(), json=body, headers={"X-Request-ID": "true"})
    metadata = sql.execute("select metadata from audit_logs").fetchone()

    assert response.status_code == 201
    assert metadata == ({"request_id": "true", "client": {"xid": "7", "request_id": "forged"}},)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
OPERATION = st.dictionaries(st.sampled_from(["offline_id", "job_id", *DOCUMENT, "type", "category"]), JSON, max_size=7)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/api/jobs/bulk/status", {"job_ids": JSON, "status": JSON | st.just("draft")}),
        ("/api/sync/batch", {"operations": JSON | st.lists(OPERATION, max_size=2)}),
        ("/api/audit/events", dict.fromkeys(["event_type", "entity_type", "entity_id", "job_id", "metadata"], JSON)),
        ("/api/devices", {"token": JSON, "platform": JSON}),
    ],
)
def test_no_body_breaks_a_route(path: str, fields: dict[str, st.SearchStrategy[object]], ask: Ask, join: Join) -> None:
    """Whatever the fields hold, the request is served or refused."""
    token = join()

    @settings(max_examples=60, deadline=None)
    @given(st.fixed_dictionaries({}, optional=fields))
    def answered(body: dict[str, object]) -> None:
        response = ask("POST", path, token, content=json.dumps(body))
        assert response.status_code in (200, 201, 400), (body, response.text)

    answered()
