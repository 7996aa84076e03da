"""Accounts over HTTP, against the real database: statuses, codes, and what is there afterwards."""

import uuid
from typing import Any

import jwt
import psycopg
import pytest

from tests.pipeline.gateway.conftest import ANON_KEY, SECRET, SERVICE_KEY, Ask, Clock

ALICE = {"email": "alice@example.test", "password": "correct horse"}


def sign_up(ask: Ask, **more: object) -> dict[str, Any]:
    """Return Alice's first session."""
    answer = ask("POST", "/auth/v1/signup", json={**ALICE, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: Any) -> tuple[int, str]:
    """Return status and code of an answer in the older form."""
    assert answer.json()["code"] == answer.status_code
    return answer.status_code, answer.json()["error_code"]


def test_signing_up_begins_a_session(ask: Ask) -> None:
    """The token says what a Supabase token says, and opens the user."""
    session = sign_up(ask, data={"name": "Alice"})
    claims = jwt.decode(session["access_token"], SECRET, ["HS256"], audience="authenticated")
    user = ask("GET", "/auth/v1/user", session["access_token"]).json()

    assert claims["sub"] == session["user"]["id"] == user["id"]
    assert (claims["role"], claims["email"], claims["aal"]) == ("authenticated", "alice@example.test", "aal1")
    assert claims["exp"] - claims["iat"] == session["expires_in"] == 3600
    assert claims["user_metadata"] == user["user_metadata"] == {"name": "Alice"}
    assert user["email_confirmed_at"].endswith("Z")
    assert "password" not in str(user)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**ALICE, "email": "ALICE@example.test "}, 422, "user_already_exists"),
        ({"email": "bob@example.test", "password": "short"}, 422, "weak_password"),
        ({"email": "bob@example.test"}, 400, "validation_failed"),
        ({"email": "bob", "password": "correct horse"}, 400, "validation_failed"),
        ({"email": "b\0b@example.test", "password": "correct horse"}, 400, "validation_failed"),
        ({**ALICE, "email": "bob@example.test", "data": {"x": "\0"}}, 400, "validation_failed"),
        ({**ALICE, "email": "bob@example.test", "data": "x"}, 400, "validation_failed"),
        ([], 400, "bad_json"),
    ],
)
def test_what_is_no_account_is_refused(ask: Ask, body: object, status: int, code: str) -> None:
    """By GoTrue's names."""
    sign_up(ask)

    assert refusal(ask("POST", "/auth/v1/signup", json=body)) == (status, code)


def test_the_password_opens_and_is_stored_as_a_hash(ask: Ask, sql: psycopg.Connection) -> None:
    """A wrong one and an unknown address are refused in the same words."""
    sign_up(ask)
    right = ask("POST", "/auth/v1/token?grant_type=password", json=ALICE)
    wrong = ask("POST", "/auth/v1/token?grant_type=password", json={**ALICE, "password": "wrong horse"})
    unknown = ask("POST", "/auth/v1/token?grant_type=password", json={**ALICE, "email": "bob@example.test"})
    stored = sql.execute("select encrypted_password from auth.users").fetchone()

    assert right.status_code == 200
    assert refusal(wrong) == refusal(unknown) == (400, "invalid_credentials")
    assert wrong.json() == unknown.json()
    assert stored is not None
    assert stored[0].startswith("$scrypt$")


def test_the_answer_has_the_form_of_the_version_asked_for(ask: Ask) -> None:
    """And names it."""
    answer = ask(
        "POST",
        "/auth/v1/token?grant_type=password",
        json=ALICE,
        headers={"x-supabase-api-version": "2024-01-01"},
    )

    assert answer.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"


def test_an_unconfirmed_address_cannot_sign_in(ask: Ask) -> None:
    """An administrator made it without `email_confirm`."""
    ask("POST", "/auth/v1/admin/users", SERVICE_KEY, json=ALICE)

    assert refusal(ask("POST", "/auth/v1/token?grant_type=password", json=ALICE)) == (400, "email_not_confirmed")


def refresh(ask: Ask, token: str) -> Any:
    """Return the answer to a refresh token."""
    return ask("POST", "/auth/v1/token?grant_type=refresh_token", json={"refresh_token": token})


LONG_AGO = "update auth.refresh_tokens set revoked_at = revoked_at - interval '11 seconds'"


def test_a_spent_refresh_token_leads_to_its_successor_while_that_is_unspent(ask: Ask, sql: psycopg.Connection) -> None:
    """However late: who refreshed may not have received what came for it."""
    first = sign_up(ask)["refresh_token"]

    second = refresh(ask, first).json()["refresh_token"]
    sql.execute(LONG_AGO)
    again = refresh(ask, first).json()["refresh_token"]

    assert second != first
    assert again == second
    assert refusal(refresh(ask, "made up")) == (400, "refresh_token_not_found")
    assert refresh(ask, second).status_code == 200


def test_two_tabs_may_refresh_at_once(ask: Ask) -> None:
    """Within ten seconds an older token is no theft, and leads to a pair of its own."""
    first = sign_up(ask)["refresh_token"]
    second = refresh(ask, first).json()["refresh_token"]
    third = refresh(ask, second).json()["refresh_token"]

    assert refresh(ask, first).status_code == refresh(ask, third).status_code == 200


def test_a_refresh_token_that_is_shown_too_late_ends_the_session(ask: Ask, sql: psycopg.Connection) -> None:
    """Its successor is spent as well: somebody has stolen one, and nobody knows which."""
    first = sign_up(ask)["refresh_token"]
    second = refresh(ask, first).json()["refresh_token"]
    third = refresh(ask, second).json()["refresh_token"]
    sql.execute(LONG_AGO)

    late = refresh(ask, first)
    sql.execute(LONG_AGO)

    assert refusal(late) == (400, "refresh_token_already_used")
    assert late.json()["msg"] == "Invalid Refresh Token: Already Used"
    assert refusal(refresh(ask, third)) == (400, "refresh_token_already_used")


def test_signing_out_ends_the_session_and_its_tokens(ask: Ask) -> None:
    """The access token's signature is still good: its session is gone."""
    session = sign_up(ask)
    gone = ask("POST", "/auth/v1/logout?scope=global", session["access_token"])
    user = ask("GET", "/auth/v1/user", session["access_token"])
    refresh = ask("POST", "/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})

    assert gone.status_code == 204
    assert refusal(user) == (403, "session_not_found")
    assert refusal(refresh) == (400, "refresh_token_not_found")


@pytest.mark.parametrize(("scope", "left"), [("local", [403, 200]), ("others", [200, 403]), ("global", [403, 403])])
def test_the_scope_of_signing_out(ask: Ask, scope: str, left: list[int]) -> None:
    """One session, the others, or all."""
    mine = sign_up(ask)["access_token"]
    other = ask("POST", "/auth/v1/token?grant_type=password", json=ALICE).json()["access_token"]
    ask("POST", f"/auth/v1/logout?scope={scope}", mine)

    assert [ask("GET", "/auth/v1/user", token).status_code for token in (mine, other)] == left


def test_a_user_needs_a_good_token(ask: Ask, clock: Clock) -> None:
    """None, an expired one, one of nobody."""
    token = sign_up(ask)["access_token"]
    nobody = jwt.encode({"role": "authenticated", "sub": str(uuid.uuid4()), "exp": 4_000_000_000}, SECRET)
    missing, stranger = ask("GET", "/auth/v1/user"), ask("GET", "/auth/v1/user", nobody)
    clock.ahead_s = 3601

    assert refusal(missing) == (401, "no_authorization")
    assert refusal(stranger) == (403, "user_not_found")
    assert refusal(ask("GET", "/auth/v1/user", token)) == (403, "bad_jwt")
    assert refusal(ask("GET", "/auth/v1/user", ANON_KEY)) == (403, "bad_jwt")


def test_an_administrator_makes_finds_and_removes_users(ask: Ask) -> None:
    """With both kinds of metadata, and an id of their choice."""
    wanted = str(uuid.uuid4())
    made = ask(
        "POST",
        "/auth/v1/admin/users",
        SERVICE_KEY,
        json={**ALICE, "id": wanted, "email_confirm": True, "user_metadata": {"a": 1}, "app_metadata": {"run": "r"}},
    ).json()
    found = ask("GET", f"/auth/v1/admin/users/{wanted}", SERVICE_KEY).json()
    signed_in = ask("POST", "/auth/v1/token?grant_type=password", json=ALICE)
    removed = ask("DELETE", f"/auth/v1/admin/users/{wanted}", SERVICE_KEY)
    again = ask("DELETE", f"/auth/v1/admin/users/{wanted}", SERVICE_KEY)

    assert made == found
    assert made["id"] == wanted
    assert made["user_metadata"] == {"a": 1}
    assert made["app_metadata"] == {"provider": "email", "providers": ["email"], "run": "r"}
    assert signed_in.status_code == removed.status_code == 200
    assert refusal(again) == (404, "user_not_found")
    assert refusal(ask("GET", "/auth/v1/admin/users/17", SERVICE_KEY)) == (404, "validation_failed")


def test_users_come_in_pages(ask: Ask) -> None:
    """The newest first; empty parameters are none, as the official client sends them."""
    for number in range(5):
        ask("POST", "/auth/v1/admin/users", SERVICE_KEY, json={"email": f"{number}@example.test"})

    def page(query: str) -> tuple[list[str], str]:
        answer = ask("GET", f"/auth/v1/admin/users?{query}", SERVICE_KEY)
        return [user["email"][0] for user in answer.json()["users"]], answer.headers["x-total-count"]

    assert page("page=&per_page=") == (["4", "3", "2", "1", "0"], "5")
    assert page("page=2&per_page=2") == (["2", "1"], "5")
    assert page("page=9&per_page=2") == ([], "5")
    assert ask("GET", "/auth/v1/admin/users?page=0", SERVICE_KEY).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "users"), ("GET", "users"), ("GET", "users/1"), ("DELETE", "users/1")]
)
def test_only_the_service_role_administers(ask: Ask, method: str, path: str) -> None:
    """Not the anonymous key, not a user, not nobody."""
    user = sign_up(ask)["access_token"]
    answers = [ask(method, f"/auth/v1/admin/{path}", token) for token in (ANON_KEY, user, None)]

    assert [refusal(answer) for answer in answers] == [
        (403, "not_admin"),
        (403, "not_admin"),
        (401, "no_authorization"),
    ]


def test_a_user_to_whom_an_event_refers_cannot_be_removed(ask: Ask, sql: psycopg.Connection) -> None:
    """As on the real thing: the database refuses, and the answer names no reason."""
    user = sign_up(ask)["user"]["id"]
    sql.execute(
        "with o as (insert into organizations (name) values ('O') returning id) "
        "insert into realtime_events (organization_id, event_type, entity_type, created_by) "
        "select id, 'job.created', 'job', %s from o",
        (user,),
    )

    assert refusal(ask("DELETE", f"/auth/v1/admin/users/{user}", SERVICE_KEY)) == (500, "unexpected_failure")


def test_what_is_not_served_is_told(ask: Ask) -> None:
    """In GoTrue's form."""
    assert refusal(ask("POST", "/auth/v1/magiclink")) == (404, "not_found")
    assert refusal(ask("GET", "/auth/v1/token")) == (404, "not_found")
