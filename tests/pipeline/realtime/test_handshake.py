"""The handshake's outcomes, as recorded from the real server."""

import json

import pytest

from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.handshake import Accepted, Refused, examine
from loadtests.wire.phoenix import Vsn
from loadtests.wire.tokens import mint

SECRET = "a secret of at least thirty-two bytes"
NOW_S = 1_800_000_000
ANON = mint(SECRET, role="anon", expires_at_s=NOW_S + 60)
EXPIRED = mint(SECRET, role="anon", expires_at_s=NOW_S - 100)
FORGED = mint("b" * 40, role="anon", expires_at_s=NOW_S + 60)


def outcome(query: str, headers: dict[str, str] | None = None) -> Accepted | Refused:
    """Return the decision about a request."""
    return examine(query, headers or {}, verifier=TokenVerifier(SECRET), now_s=NOW_S)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("vsn=1.0.0", "API key is missing"),
        ("apikey=&vsn=2.0.0", "The token provided is not a valid JWT"),
        ("apikey=garbage", "The token provided is not a valid JWT"),
        (f"apikey={FORGED}", "Failed to validate JWT signature"),
        (f"apikey={EXPIRED}", "Token has expired"),
    ],
)
def test_bad_keys_are_unauthorized(query: str, error: str) -> None:
    """401 with the reason as JSON."""
    refused = outcome(query)

    assert isinstance(refused, Refused)
    assert (refused.status, json.loads(refused.body)) == (401, {"error": error})


@pytest.mark.parametrize("vsn", ["3.0.0", "2.1.0", "1.1.0", "2.0", "2", "", "2.0.0-rc.1", "2.0.01", "v2.0.0", "2.0.0 "])
def test_unknown_serialization_is_forbidden(vsn: str) -> None:
    """403 with an empty body, at once and before the key is looked at."""
    assert outcome(f"vsn={vsn}") == Refused(status=403, body=b"", is_delayed=False)


@pytest.mark.parametrize(
    ("host", "is_found"),
    [("tenant-a.localhost:4000", True), ("tenant-a", True), ("tenant-b.localhost", False), ("", False)],
)
def test_first_label_of_the_host_is_the_tenant(host: str, is_found: bool) -> None:  # noqa: FBT001 - a table
    """404 for any other, before the key is looked at."""
    decision = examine("apikey=garbage", {"host": host}, verifier=TokenVerifier(SECRET), now_s=NOW_S, tenant="tenant-a")

    assert isinstance(decision, Refused)
    assert decision.status == (401 if is_found else 404)
    assert is_found or json.loads(decision.body) == {"error": "Tenant not found"}


@pytest.mark.parametrize(
    ("query", "vsn"),
    [
        (f"apikey={ANON}", Vsn.V1),
        (f"apikey={ANON}&vsn=1.0.0", Vsn.V1),
        (f"vsn=2.0.0&apikey={ANON}", Vsn.V2),
        (f"vsn=1.0.7&apikey={ANON}", Vsn.V1),
        (f"vsn=2.0.10%2Bbuild&apikey={ANON}", Vsn.V2),
    ],
)
def test_good_key_is_accepted(query: str, vsn: Vsn) -> None:
    """Without `vsn` the serialization is 1.0.0."""
    assert outcome(query) == Accepted(vsn=vsn, apikey=ANON)


def test_header_wins_over_the_query() -> None:
    """`x-api-key` is looked at first."""
    assert outcome("apikey=garbage", {"x-api-key": ANON}) == Accepted(vsn=Vsn.V1, apikey=ANON)
