"""Request keys: where a refresh fetches from."""

import pytest

from loadtests.clients.requests import AUDIT_LIMIT, PAGE_LIMIT, KeyKind, RequestKey


@pytest.mark.parametrize(
    ("key", "kind", "path"),
    [
        (RequestKey.job_list(limit=PAGE_LIMIT), KeyKind.JOB_LIST, "/api/jobs?page=1&limit=25"),
        (RequestKey.job("x"), KeyKind.JOB, "/api/jobs/x"),
        (RequestKey.job("41"), KeyKind.JOB, "/api/jobs/41"),
        (RequestKey.job("WO 12/7"), KeyKind.JOB, "/api/jobs/WO%2012%2F7"),
        (RequestKey.documents("x"), KeyKind.DOCUMENTS, "/api/jobs/x/documents"),
        (RequestKey.audit(limit=AUDIT_LIMIT), KeyKind.AUDIT, "/api/audit/events?limit=50"),
    ],
)
def test_a_key_is_a_route_of_the_contract(key: RequestKey, kind: KeyKind, path: str) -> None:
    """With the page sizes that the clients ask for."""
    assert (key.kind, key.path) == (kind, path)


def test_equal_keys_are_one() -> None:
    """Two refreshes of one key do the same work."""
    assert len({RequestKey.job("x"), RequestKey.job("x"), RequestKey.job("y"), RequestKey.documents("x")}) == 3
