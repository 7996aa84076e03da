"""Lists are ordered, paged, filtered and stable byte for byte; nothing shows another organization's rows."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Ask = Callable[..., httpx.Response]
Join = Callable[..., str]
NewJob = Callable[..., dict[str, object]]

ITEM_FIELDS = {
    "id",
    "revision",
    "title",
    "client_name",
    "job_type",
    "location",
    "status",
    "risk_score",
    "risk_level",
    "created_at",
    "updated_at",
    "review_flag",
    "flagged_at",
    "applied_template_id",
    "applied_template_type",
    "assigned_to_id",
    "assigned_to_name",
    "assigned_to_email",
    "readiness_score",
    "readiness_basis",
    "readiness_empty_reason",
    "mitigations_total",
    "mitigations_complete",
    "blockers_count",
    "missing_evidence",
    "pending_attestations",
    "evidence_count",
    "evidence_required",
    "controls_completed",
    "controls_total",
}


def names(response: httpx.Response) -> list[object]:
    """Return the client names of a list, in its order."""
    assert response.status_code == 200, response.text
    return [job["client_name"] for job in response.json()["data"]]


@pytest.fixture
def five(join: Join, new_job: NewJob) -> str:
    """Return the token of somebody whose organization has the jobs A to E, created in this order."""
    token = join()
    for name in "ABCDE":
        new_job(token, client_name=name)
    return token


def test_an_item_has_the_fields_that_clients_read(ask: Ask, five: str) -> None:
    """All of them, and no others."""
    (item,) = ask("GET", "/api/jobs?limit=1", five).json()["data"]

    assert set(item) == ITEM_FIELDS
    assert (item["revision"], item["evidence_count"], item["evidence_required"]) == (1, 0, 5)
    assert item["missing_evidence"]


@pytest.mark.parametrize("size", ["limit", "page_size"])
def test_pages_are_newest_first_and_say_where_they_stand(size: str, ask: Ask, five: str) -> None:
    """Two pages of two and one of one."""
    pages = [ask("GET", f"/v1/jobs?page={page}&{size}=2", five) for page in (1, 2, 3)]

    assert [names(page) for page in pages] == [["E", "D"], ["C", "B"], ["A"]]
    assert [page.json()["pagination"]["hasMore"] for page in pages] == [True, True, False]
    assert pages[2].json()["pagination"] == {
        "page": 3,
        "page_size": 2,
        "limit": 2,
        "total": 5,
        "total_pages": 3,
        "totalPages": 3,
        "cursor": None,
        "hasMore": False,
    }


def test_jobs_created_at_the_same_instant_are_ordered_by_id(ask: Ask, five: str, sql: psycopg.Connection) -> None:
    """So that pages neither repeat nor skip one."""
    sql.execute("update jobs set created_at = '2026-01-01T00:00:00Z'")
    seen = [
        job["id"] for page in range(1, 6) for job in ask("GET", f"/api/jobs?page={page}&limit=1", five).json()["data"]
    ]

    assert seen == sorted(seen)
    assert len(set(seen)) == 5


def test_cursors_lead_through_the_whole_list(ask: Ask, five: str, sql: psycopg.Connection) -> None:
    """From the first page on, with two jobs of the same instant."""
    sql.execute("update jobs set created_at = '2026-01-01T00:00:00Z' where client_name in ('B', 'C')")
    seen, cursor = [], ""
    while cursor is not None:
        page = ask("GET", f"/api/jobs?limit=2&cursor={cursor}", five)
        seen += names(page)
        cursor = page.json()["pagination"]["cursor"]

    assert sorted(map(str, seen)) == ["A", "B", "C", "D", "E"]
    assert seen[:3] == ["E", "D", "A"]


def test_a_page_beyond_the_end_is_empty_and_keeps_the_total(ask: Ask, five: str) -> None:
    """Page 9 of 3."""
    page = ask("GET", "/api/jobs?page=9&limit=2", five).json()

    assert (page["data"], page["pagination"]["total"], page["pagination"]["hasMore"]) == ([], 5, False)


def test_the_request_id_is_the_last_key_and_all_before_it_is_stable(ask: Ask, five: str) -> None:
    """Clients hash the body up to it."""
    bodies = [ask("GET", "/api/jobs", five, headers={"X-Request-ID": name}).content for name in ("one", "two")]
    tails = [b',"request_id":"one"}', b',"request_id":"two"}']

    assert [body.endswith(tail) for body, tail in zip(bodies, tails, strict=True)] == [True, True]
    assert bodies[0].removesuffix(tails[0]) == bodies[1].removesuffix(tails[1])
    assert list(orjson.loads(bodies[0])) == ["data", "pagination", "request_id"]


@pytest.mark.parametrize("query", ["", "page=0", "page=-3", "page=x", "limit=0", "limit=x", "limit=-1", "has_photos=1"])
def test_what_is_no_page_is_the_first_one(query: str, ask: Ask, five: str) -> None:
    """Twenty jobs at most, and unknown parameters are ignored."""
    response = ask("GET", f"/api/jobs?{query}", five)

    assert names(response) == list("EDCBA")
    assert (response.json()["pagination"]["page"], response.json()["pagination"]["limit"]) == (1, 20)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=101", "INVALID_FORMAT"),
        ("page=1002&limit=10", "INVALID_FORMAT"),
        ("status=nonsense", "INVALID_FORMAT"),
        ("risk_level=nonsense", "INVALID_FORMAT"),
        ("sort=nonsense", "INVALID_FORMAT"),
        ("time_range=soon", "INVALID_FORMAT"),
        ("created_after=soon", "INVALID_FORMAT"),
        ("created_before=9999-12-31", "INVALID_FORMAT"),
        ("created_after=0001-01-01T00:00:00%2B23:59", "INVALID_FORMAT"),
        ("cursor=0001-01-01T00:00:00%2B23:59|00000000-0000-4000-8000-000000000000", "INVALID_FORMAT"),
        ("cursor=nonsense", "INVALID_FORMAT"),
        ("sort=status&cursor=2026-01-01T00:00:00Z|x", "PAGINATION_CURSOR_NOT_SUPPORTED"),
    ],
)
def test_what_cannot_be_listed_is_refused(query: str, code: str, ask: Ask, five: str) -> None:
    """400, structured, with an id that is in the header too."""
    response = ask("GET", f"/api/jobs?{query}", five)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.headers["X-Error-ID"] == response.json()["error_id"]
    assert response.headers["X-Request-ID"] == response.json()["request_id"]


AWKWARD = st.one_of(
    st.text(max_size=8),
    st.integers().map(str),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31", "9999-12-31T23:59:59-23:59", "1|2", "asc", "9999d"]),
    st.datetimes().map(lambda stamp: f"{stamp.isoformat()}+00:00|00000000-0000-4000-8000-000000000000"),
)


@pytest.mark.parametrize("path", ["/api/jobs", "/api/audit/events"])
def test_no_query_string_breaks_a_list(path: str, ask: Ask, five: str) -> None:
    """Whatever the parameters hold, the answer is a list or a refusal."""
    names_of_parameters = st.sampled_from(
        [
            "page",
            "limit",
            "page_size",
            "status",
            "risk_level",
            "q",
            "time_range",
            "missing_evidence",
            "created_after",
            "created_before",
            "sort",
            "order",
            "cursor",
            "completed_before",
            "category",
            "severity",
            "job_id",
            "actor_id",
            "start_date",
            "end_date",
            "include_archived",
        ],
    )

    @settings(max_examples=150, deadline=None)
    @given(st.dictionaries(names_of_parameters, AWKWARD, max_size=4))
    def answered(query: dict[str, str]) -> None:
        response = ask("GET", path, five, params=query)
        assert response.status_code in (200, 400), (query, response.text)

    answered()


def test_archived_jobs_are_hidden_unless_asked_for(ask: Ask, five: str) -> None:
    """In the rows and in the total; a single read shows them."""
    job_id = ask("GET", "/api/jobs?limit=1", five).json()["data"][0]["id"]
    ask("POST", f"/api/jobs/{job_id}/archive", five)
    hidden = ask("GET", "/api/jobs", five)

    assert (names(hidden), hidden.json()["pagination"]["total"]) == (["D", "C", "B", "A"], 4)
    assert names(ask("GET", "/api/jobs?include_archived=true", five)) == list("EDCBA")
    assert names(ask("GET", "/api/jobs?status=archived", five)) == ["E"]
    assert ask("GET", f"/api/jobs/{job_id}", five).json()["data"]["status"] == "archived"


@pytest.mark.parametrize("sought", ["roof", "ROOF", "50%", "a_b", "\\"])
def test_a_search_finds_text_as_it_is_written(sought: str, ask: Ask, join: Join, new_job: NewJob) -> None:
    """In any case of letters, and signs that mean something to a pattern mean themselves."""
    token = join()
    new_job(token, description="roof 50% a_b \\", client_name="found")
    new_job(token, description="rof 50 axb /", client_name="other")

    assert names(ask("GET", f"/api/jobs?q={quote(sought)}", token)) == ["found"]


def test_a_search_for_an_id_finds_its_job(ask: Ask, five: str) -> None:
    """Only that one."""
    job = ask("GET", "/api/jobs?page=3&limit=1", five).json()["data"][0]

    assert names(ask("GET", f"/api/jobs?q={job['id']}", five)) == [job["client_name"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=active", ["B"]),
        ("status=on-hold", []),
        ("risk_level=high", ["B"]),
        ("sort=risk_score&limit=3", ["C", "B", "E"]),
        ("sort=risk_asc&limit=3", ["B", "C", "E"]),
        ("sort=oldest", ["A", "D", "B", "C", "E"]),
        ("sort=created_at&order=asc", ["A", "D", "B", "C", "E"]),
        ("missing_evidence=1&limit=2", ["E", "C"]),
        ("created_before=2020-01-31", ["D", "A"]),
        ("created_before=2020-01-30", ["A"]),
        ("created_after=2020-01-31&created_before=2020-01-31", ["D"]),
        ("created_before=2020-01-31T12:00:00%2B00:00", ["A"]),
        ("time_range=7d", ["E", "C", "B"]),
        ("time_range=all&limit=1", ["E"]),
    ],
)
def test_lists_are_filtered_and_sorted_as_asked(
    query: str, expected: list[str], ask: Ask, five: str, sql: psycopg.Connection
) -> None:
    """A date without a time is a whole day in UTC; jobs without a score come last."""
    sql.execute("update jobs set status = 'in_progress', risk_level = 'high', risk_score = 10 where client_name = 'B'")
    sql.execute("update jobs set risk_score = 90 where client_name = 'C'")
    sql.execute("update jobs set created_at = '2020-01-31T12:00Z' where client_name = 'D'")
    sql.execute("update jobs set created_at = '2020-01-30T12:00Z' where client_name = 'A'")
    found = names(ask("GET", f"/api/jobs?{query}", five))

    assert found == expected


def test_an_item_names_the_person_it_is_assigned_to(
    ask: Ask, join: Join, new_job: NewJob, sql: psycopg.Connection
) -> None:
    """By the same statement."""
    token = join()
    person = sql.execute("select id::text from users").fetchone()[0]
    path = f"/api/jobs/{new_job(token)['id']}"
    ask("PATCH", path, token, json={"assigned_to_id": person})
    (item,) = ask("GET", "/api/jobs", token).json()["data"]

    assert (item["assigned_to_id"], item["assigned_to_name"]) == (person, "A Person")


def test_lists_hold_the_own_organization_alone(ask: Ask, five: str, join: Join, sql: psycopg.Connection) -> None:
    """Jobs, documents and audit rows of another one are not there."""
    other = sql.execute("insert into organizations (name) values ('Other') returning id::text").fetchone()[0]
    outsider = join(member_of=[other])
    job_id = ask("GET", "/api/jobs?limit=1", five).json()["data"][0]["id"]

    assert names(ask("GET", "/api/jobs", outsider)) == []
    assert ask("GET", f"/api/jobs/{job_id}", outsider).status_code == 404
    assert ask("GET", f"/api/jobs/{job_id}/documents", outsider).status_code == 404
    assert ask("GET", "/api/audit/events", outsider).json()["data"]["events"] == []


def test_the_audit_log_is_newest_first_with_names(ask: Ask, five: str) -> None:
    """Each row says who, what and which job; the answer is not to be cached."""
    response = ask("GET", "/api/audit/events?limit=2", five)
    page = response.json()["data"]

    assert [event["job_client_name"] for event in page["events"]] == ["E", "D"]
    assert [event["event_name"] for event in page["events"]] == ["job.created"] * 2
    assert page["events"][0]["actor_name"] == "A Person"
    assert page["events"][0]["metadata"]["revision"] == 1
    assert page["stats"] == {"events": 2, "jobs": 2, "actors": 1}
    assert response.headers["Cache-Control"] == "no-store"


def test_audit_pages_skip_no_row_of_the_same_instant(ask: Ask, five: str, sql: psycopg.Connection) -> None:
    """The cursor holds the row's id beside its time."""
    sql.execute("alter table audit_logs disable trigger audit_logs_immutable")
    sql.execute("update audit_logs set created_at = now()")
    seen, cursor = [], ""
    while cursor is not None:
        page = ask("GET", f"/api/audit/events?limit=2&cursor={quote(cursor)}", five).json()["data"]
        seen += [event["id"] for event in page["events"]]
        cursor = page["pagination"]["next_cursor"]

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "status", "count"),
    [
        ("category=operations&severity=info&outcome=success", 200, 5),
        ("severity=critical", 200, 0),
        ("time_range=24h", 200, 5),
        ("time_range=custom&start_date=2020-01-01&end_date=2020-01-02", 200, 0),
        ("time_range=custom", 400, None),
        ("time_range=soon", 400, None),
        ("limit=0", 400, None),
        ("limit=201", 400, None),
        ("job_id=nonsense", 400, None),
        ("time_range=custom&start_date=0001-01-01T00:00:00%2B23:59&end_date=9999-12-31", 400, None),
        ("cursor=nonsense", 400, None),
    ],
)
def test_the_audit_log_is_filtered_or_refuses(query: str, status: int, count: int | None, ask: Ask, five: str) -> None:
    """A filter that means nothing is a 400."""
    response = ask("GET", f"/api/audit/events?{query}", five)

    assert response.status_code == status
    if status == 200:
        assert len(response.json()["data"]["events"]) == count
    else:
        assert response.json()["code"] == "INVALID_FILTER"


def test_audit_rows_of_one_job_can_be_asked_for(ask: Ask, five: str) -> None:
    """By its id."""
    job_id = ask("GET", "/api/jobs?limit=1", five).json()["data"][0]["id"]
    ask("PATCH", f"/api/jobs/{job_id}", five, json={})
    events = ask("GET", f"/api/audit/events?job_id={job_id}", five).json()["data"]["events"]

    assert [event["event_name"] for event in events] == ["job.updated", "job.created"]
