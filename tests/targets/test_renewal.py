"""Refresh tokens of a file, exchanged at the pipeline's own gateway."""

import csv
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from loadtests.targets.accounts import Accounts
from loadtests.targets.renewal import renew, write_pair
from loadtests.targets.target import TargetError
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.token_limit import TokenLimit
from tests.targets.test_accounts import PASSWORD, signed_up
from tests.targets.test_session_keeper import TooMany

FILE = """user_id,organization_id,access_token,refresh_token,note
u1,o1,t1,r1,"first, of all"
u2,o1,t2,,
u1,o2,t1,r1,
"""

AT_ONCE: dict[str, Any] = {"limit": TokenLimit(), "wait_until_s": lambda _: None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of some people, which only its owner may read."""
    path = tmp_path / "people.csv"
    path.write_text(FILE, encoding="utf-8")
    path.chmod(0o600)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    """Return the file's lines."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_new_pair_takes_the_old_ones_place_and_nothing_else_changes(path: Path) -> None:
    """In every line of that user; others, other columns and who may read it stay."""
    write_pair(path, "u1", access="T1", refresh="R1")

    assert path.read_text(encoding="utf-8") == FILE.replace("t1,r1", "T1,R1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_refresh_token_becomes_a_pair_that_can_be_refreshed_again(stack: Endpoint, path: Path) -> None:
    """The access token is good at the accounts' API, and the next run finds a refresh token that is not spent."""
    account = {"email": f"{uuid4()}@example.org", "password": "long enough for anybody"}
    headers = {"apikey": stack.anon_key}
    session = httpx.post(f"{stack.supabase_url}/auth/v1/signup", json=account, headers=headers).json()
    with Accounts(stack.supabase_url, stack.anon_key) as accounts:
        renew(path, accounts, {"u1": session["refresh_token"]}, ["u1"], **AT_ONCE)
        first = rows(path)[0]
        renew(path, accounts, {"u1": first["refresh_token"]}, ["u1"], **AT_ONCE)
        second = rows(path)[0]

    assert len({session["refresh_token"], first["refresh_token"], second["refresh_token"]}) == 3
    bearer = {**headers, "authorization": f"Bearer {second['access_token']}"}
    user = httpx.get(f"{stack.supabase_url}/auth/v1/user", headers=bearer).json()
    assert user["email"] == account["email"]


def test_a_token_that_is_not_taken_is_told_by_its_user_and_not_shown(stack: Endpoint, path: Path) -> None:
    """And the file stays as it was."""
    said = r"the token of user u1 could not be refreshed at .* answers 400 \(refresh_token_not_found\); sign in anew"
    with (
        Accounts(stack.supabase_url, stack.anon_key) as accounts,
        pytest.raises(TargetError, match=said) as refused,
    ):
        renew(path, accounts, {"u1": "spent-long-ago"}, ["u1"], **AT_ONCE)

    assert "spent-long-ago" not in str(refused.value)
    assert path.read_text(encoding="utf-8") == FILE


def test_accounts_that_nobody_serves(path: Path) -> None:
    """The address is named."""
    said = r"127\.0\.0\.1:9/auth/v1/token.* cannot be reached \(nothing listens.*check supabase_url"
    with Accounts("http://127.0.0.1:9", "key") as accounts, pytest.raises(TargetError, match=said):
        renew(path, accounts, {"u1": "r1"}, ["u1"], **AT_ONCE)


class NoneAtOnce(TokenLimit):
    """Ten seconds between any two."""

    def start_s(self, place: int) -> float:
        """Return when the request at this place may go."""
        return 10.0 * place


def test_sessions_are_renewed_at_the_pace_of_the_limit(stack: Endpoint, path: Path) -> None:
    """Each waits for its place in it, in the order that was asked for."""
    waits: list[float] = []
    with Accounts(stack.supabase_url, stack.anon_key) as accounts:
        tokens = {user: accounts.sign_in(signed_up(stack), PASSWORD).refresh for user in ("u1", "u2")}
        renew(path, accounts, tokens, ["u2", "u1"], limit=NoneAtOnce(), wait_until_s=waits.append)

    assert waits == [0.0, 10.0]
    assert {row["refresh_token"] for row in rows(path)}.isdisjoint({"", "r1", *tokens.values()})


def test_too_many_tokens_are_told_with_what_helps(path: Path) -> None:
    """Nobody has to sign in anew for that."""
    said = r"answers 429 \(over_request_rate_limit.*\); wait, or give auth\.tokens_per_5_minutes .* is in the file$"
    with ThreadingHTTPServer(("127.0.0.1", 0), TooMany) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with Accounts(url, "key") as accounts, pytest.raises(TargetError, match=said):
            renew(path, accounts, {"u1": "r1"}, ["u1"], **AT_ONCE)
        server.shutdown()
