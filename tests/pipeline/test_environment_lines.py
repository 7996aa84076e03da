"""Addresses and keys as lines that a shell or a `.env` reader takes."""

import shlex

from loadtests.pipeline.environment_lines import environment_lines, read_environment_lines
from loadtests.wire.endpoint import Endpoint


def endpoint(
    database_url: str = "postgresql://postgres:pw@127.0.0.1:5432/postgres", supabase_url: str = ""
) -> Endpoint:
    """Return an endpoint with short secrets."""
    return Endpoint(
        api_url="http://127.0.0.1:54321",
        realtime_url="ws://127.0.0.1:54322/realtime/v1/websocket",
        anon_key="anon",
        service_key="service",
        jwt_secret="secret",
        database_url=database_url,
        supabase_url=supabase_url,
    )


def test_each_address_key_and_token_has_a_line() -> None:
    """The names are those of Supabase's own command, and ours beside them."""
    assert environment_lines(endpoint(), ["aaa", "bbb"]) == [
        "API_URL=http://127.0.0.1:54322",
        "DB_URL=postgresql://postgres:pw@127.0.0.1:5432/postgres",
        "JOBS_API_URL=http://127.0.0.1:54321",
        "REALTIME_URL=ws://127.0.0.1:54322/realtime/v1/websocket",
        "ANON_KEY=anon",
        "SERVICE_ROLE_KEY=service",
        "JWT_SECRET=secret",
        "TOKEN_1=aaa",
        "TOKEN_2=bbb",
    ]


def test_a_gateway_is_what_a_client_is_created_with() -> None:
    """Under Supabase's name and under its own; read back, it is the same endpoint."""
    whole = endpoint(supabase_url="http://127.0.0.1:54320")
    lines = environment_lines(whole)

    assert {"API_URL=http://127.0.0.1:54320", "SUPABASE_URL=http://127.0.0.1:54320"} < set(lines)
    assert read_environment_lines("\n".join(lines)) == whole


def test_a_value_that_a_shell_would_split_is_quoted() -> None:
    """An address with a query stays one word."""
    url = "postgresql://host/db?sslmode=require&application_name=a b"
    lines = dict(word.split("=", 1) for word in shlex.split(" ".join(environment_lines(endpoint(url)))))

    assert lines["DB_URL"] == url
