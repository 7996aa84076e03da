"""Each event type of the design has a route that causes it; as built, most of them are never emitted."""

import asyncio
from collections.abc import Callable

import httpx
import psycopg
import pytest

from loadtests.pipeline.api.emission import TYPES_AS_BUILT
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.api.export_worker import prepare_next
from loadtests.pipeline.settings import ApiOptions
from loadtests.wire.event_types import EVENT_TYPES

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]
NewJob = Callable[..., dict[str, object]]
Cause = Callable[[str], tuple[dict[str, str], str]]

DOCUMENT = {"name": "roof.jpg", "file_path": "a/roof.jpg", "file_size": 12, "mime_type": "image/jpeg"}
OFFLINE = {**DOCUMENT, "offline_id": "phone-1"}


@pytest.fixture
def prepare(api: Api, runner: asyncio.Runner) -> Callable[[], bool]:
    """Return a function that prepares one export."""

    async def once() -> bool:
        async with api.pool.acquire() as connection:
            return await prepare_next(api, connection)

    return lambda: runner.run(once())


@pytest.fixture
def cause(ask: Ask, join: Join, new_job: NewJob, prepare: Callable[[], bool]) -> Cause:
    """Return a function that causes an event of a type under the request id `r-1`; it returns the ids involved."""
    token = join()

    def act(event_type: str) -> tuple[dict[str, str], str]:
        headers = {"X-Request-ID": "r-1"}
        if event_type == "job.created":
            body = {"client_name": "C", "client_type": "mixed", "job_type": "other", "location": "L"}
            created = ask("POST", "/api/jobs", token, json=body, headers=headers).json()["data"]
            return {"job_id": created["id"]}, created["id"]
        job = new_job(token, risk_factor_codes=["height"])
        path = f"/api/jobs/{job['id']}"
        ids = {"job_id": str(job["id"])}

        def made(method: str, rest: str, body: object = None) -> httpx.Response:
            response = ask(method, rest, token, json=body, headers=headers)
            assert response.status_code in (200, 201, 202), response.text
            return response

        if event_type in ("job.updated", "job.archived", "job.flagged", "job.deleted"):
            method, rest, body = {
                "job.updated": ("PATCH", "", {"title": "T"}),
                "job.archived": ("POST", "/archive", None),
                "job.flagged": ("PATCH", "/flag", {"flagged": True}),
                "job.deleted": ("DELETE", "", None),
            }[event_type]
            made(method, path + rest, body)
            return ids, ids["job_id"]
        if event_type == "evidence.uploaded":
            document = made("POST", f"{path}/documents", DOCUMENT).json()["data"]["id"]
        elif event_type == "evidence.synced":
            answer = made("POST", "/api/sync/batch", {"operations": [{**OFFLINE, **ids}]}).json()["data"]
            document = answer["results"][0]["document_id"]
        elif event_type == "evidence.verified":
            document = ask("POST", f"{path}/documents", token, json=DOCUMENT).json()["data"]["id"]
            made("POST", f"{path}/evidence/{document}/verify", {"status": "verified"})
        elif event_type == "audit.appended":
            body = {"event_type": "job.viewed", "entity_type": "job", **ids}
            audit = made("POST", "/api/audit/events", body).json()["data"]["id"]
            return {**ids, "event_id": audit}, audit
        elif event_type == "mitigation.completed":
            item = job["mitigation_items"][0]["id"]
            made("PATCH", f"{path}/mitigations/{item}", {"done": True})
            return {**ids, "mitigation_id": item}, item
        else:
            kind = {"export.ready": "pdf", "proof_pack.generated": "proof-pack"}[event_type]
            export = made("POST", f"{path}/export/{kind}").json()["data"]["id"]
            assert prepare()
            return {**ids, "export_id": export}, export
        return {**ids, "document_id": document}, document

    return act


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_type_has_a_route(event_type: str, cause: Cause, sql: psycopg.Connection) -> None:
    """One event of that type, whose payload names what it is about, after the audit row of the same request."""
    ids, entity = cause(event_type)
    rows = sql.execute(
        "select e.event_type, e.entity_id, e.payload - 'status', e.xmin::text::bigint > a.xmin::text::bigint "
        "from realtime_events e left join audit_logs a on a.metadata ->> 'request_id' = e.payload ->> 'request_id' "
        "where e.payload ->> 'request_id' = 'r-1'"
    ).fetchall()

    assert rows == [(event_type, entity, {**ids, "request_id": "r-1"}, True)]


class TestAsBuilt:
    """Today's code."""

    @pytest.fixture
    def options(self) -> ApiOptions:
        """Return the options of today's code."""
        return ApiOptions(pool_size=3, as_built=True)

    @pytest.mark.parametrize("event_type", [name for name in EVENT_TYPES if name != "job.deleted"])
    def test_only_five_types_are_emitted(self, event_type: str, cause: Cause, sql: psycopg.Connection) -> None:
        """The change is made and audited all the same."""
        cause(event_type)
        count = sql.execute("select count(*) from realtime_events where payload ->> 'request_id' = 'r-1'").fetchone()
        audited = sql.execute("select count(*) from audit_logs where metadata ->> 'request_id' = 'r-1'").fetchone()

        assert count == ((1,) if event_type in TYPES_AS_BUILT else (0,))
        assert audited == (1,)

    def test_an_audited_job_is_never_deleted(self, ask: Ask, join: Join, new_job: NewJob) -> None:
        """And creating it wrote an audit row."""
        token = join()
        response = ask("DELETE", f"/api/jobs/{new_job(token)['id']}", token)

        assert (response.status_code, response.json()["code"]) == (400, "HAS_AUDIT_HISTORY")

    def test_a_new_job_is_announced_before_its_risk_is_known(
        self, join: Join, new_job: NewJob, sql: psycopg.Connection
    ) -> None:
        """The score is a later transaction, a revision of its own, and nobody is told of it."""
        token = join()
        job = new_job(token, risk_factor_codes=["height"])
        order = sql.execute(
            "select e.xmin::text::bigint < j.xmin::text::bigint, j.revision, (a.metadata -> 'revision')::int "
            "from jobs j join realtime_events e on e.entity_id = j.id::text "
            "join audit_logs a on a.job_id = j.id order by a.ledger_seq"
        ).fetchall()

        assert order == [(True, 2, 1), (True, 2, 2)]
        assert (job["risk_score"], job["risk_level"], len(job["mitigation_items"])) == (25, "medium", 1)

    def test_the_score_has_an_audit_row_of_its_own(self, join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
        """Of nobody's doing and in the score's own transaction; the creation's row says that there was none yet."""
        new_job(join(), risk_factor_codes=["height"])
        rows = sql.execute(
            "select a.event_name, a.actor_id is null, a.metadata -> 'scored', "
            "a.metadata ->> 'xid' = j.xmin::text, a.xmin = j.xmin "
            "from audit_logs a join jobs j on j.id = a.job_id order by a.ledger_seq"
        ).fetchall()

        assert rows == [
            ("job.created", False, False, False, False),
            ("job.risk_scored", True, None, True, True),
        ]

    def test_nobody_is_notified(self, cause: Cause, sql: psycopg.Connection) -> None:
        """Notifications are designed, not built."""
        cause("job.flagged")

        assert sql.execute("select count(*) from push_outbox").fetchone() == (0,)


def test_a_new_job_is_announced_with_its_risk(join: Join, new_job: NewJob, sql: psycopg.Connection) -> None:
    """As designed the score is part of the creation: whoever asks again sees it."""
    job = new_job(join(), risk_factor_codes=["height", "electrical", "unheard of"])
    order = sql.execute(
        "select j.xmin::text = a.metadata ->> 'xid', j.revision, e.xmin::text::bigint > j.xmin::text::bigint "
        "from jobs j join realtime_events e on e.entity_id = j.id::text join audit_logs a on a.job_id = j.id"
    ).fetchall()

    assert order == [(True, 1, True)]
    assert (job["risk_score"], job["risk_level"]) == (50, "high")
    assert job["risk_score_detail"]["factors"] == [
        {"code": "height", "weight": 25},
        {"code": "electrical", "weight": 25},
    ]
    assert [item["factor_code"] for item in job["mitigation_items"]] == ["electrical", "height"]


@pytest.mark.parametrize(
    ("event_type", "kind"), [("job.flagged", "job_flagged"), ("proof_pack.generated", "proof_pack_ready")]
)
def test_important_changes_order_a_notification_in_their_own_transaction(
    event_type: str, kind: str, cause: Cause, sql: psycopg.Connection
) -> None:
    """There is none without the other."""
    ids, entity = cause(event_type)
    rows = sql.execute(
        "select o.kind, o.job_id::text, o.entity_id, o.xmin::text = a.metadata ->> 'xid' from push_outbox o "
        "join audit_logs a on a.metadata ->> 'request_id' = 'r-1'"
    ).fetchall()

    assert rows == [(kind, ids["job_id"], entity, True)]


@pytest.mark.parametrize("event_type", ["job.created", "job.updated", "evidence.verified", "export.ready"])
def test_other_changes_notify_nobody(event_type: str, cause: Cause, sql: psycopg.Connection) -> None:
    """A person's pocket is for what matters."""
    cause(event_type)

    assert sql.execute("select count(*) from push_outbox").fetchone() == (0,)
