"""The project's key stands before both services."""

import pytest

from tests.pipeline.gateway.conftest import ANON_KEY, SERVICE_KEY, Ask


@pytest.mark.parametrize("path", ["/auth/v1/health", "/rest/v1/organizations"])
def test_without_a_key_nothing_is_served(ask: Ask, path: str) -> None:
    """The gateway says which of the two it is."""
    missing = ask("GET", path, headers={"apikey": ""})
    wrong = ask("GET", path, headers={"apikey": "somebody else's"})

    assert (missing.status_code, missing.json()["message"]) == (401, "No API key found in request")
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Invalid API key")


@pytest.mark.parametrize("key", [ANON_KEY, SERVICE_KEY])
def test_either_key_opens_as_header_or_in_the_query(ask: Ask, key: str) -> None:
    """As Supabase's own gateway takes them; the query parameter is then no filter."""
    by_header = ask("GET", "/rest/v1/organizations", headers={"apikey": key})
    by_query = ask("GET", f"/rest/v1/organizations?apikey={key}", headers={"apikey": ""})

    assert (by_header.status_code, by_query.status_code) == (200, 200)


def test_a_path_without_a_service_is_told(ask: Ask) -> None:
    """Storage and functions are not served."""
    answer = ask("GET", "/storage/v1/bucket")

    assert answer.status_code == 404
    assert answer.json()["message"] == "no Route matched with those values: /storage/v1/bucket"
