"""Sessions kept alive at the pipeline's own gateway, in the thread that does it in a run."""

import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.targets.accounts import Accounts, Pair
from loadtests.targets.session_keeper import SessionKeeper, keep_nothing
from loadtests.targets.session_plan import Session
from loadtests.targets.target import Renewal
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.token_limit import TokenLimit
from tests.targets.test_accounts import PASSWORD, signed_up

FAST = TokenLimit(1e6)
DEADLINE_S = 30


@pytest.fixture
def ending(stack: Endpoint) -> Session:
    """Return the session of somebody whose access token ends at once."""
    with Accounts(stack.supabase_url, stack.anon_key) as accounts:
        pair = accounts.sign_in(signed_up(stack), PASSWORD)
    now_s = int(time.time())
    return Session(user_id="u", token=pair.access, refresh_token=pair.refresh, expires_at_s=now_s + 1, lasts_s=3600)


def kept(stack: Endpoint, *sessions: Session, url: str = "", keep=keep_nothing) -> SessionKeeper:  # type: ignore[no-untyped-def]
    """Return who keeps these sessions."""
    accounts = Accounts(url or stack.supabase_url, stack.anon_key)
    return SessionKeeper(accounts, sessions, limit=FAST, margin_s=60, keep=keep)


def first_news(keeper: SessionKeeper) -> list[Renewal]:
    """Return what is told first."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (news := keeper.news()) and keeper.trouble() is None:
        assert time.monotonic() < deadline_s
    return news


def test_a_session_is_renewed_and_its_pair_kept_before_it_is_told(stack: Endpoint, ending: Session) -> None:
    """The fresh token is everybody's from then on, and lasts: there is no second renewal."""
    pairs: list[tuple[str, Pair]] = []
    old = replace(ending, token="old")
    keeper = kept(stack, old, keep=lambda user_id, pair: pairs.append((user_id, pair)))
    keeper.start()
    try:
        (told,) = first_news(keeper)
    finally:
        keeper.stop()

    assert (told.user_id, told.status, told.is_over, told.why) == ("u", 200, False, "")
    assert told.left_s <= 1
    ((user_id, pair),) = pairs
    assert (user_id, pair.access) == ("u", told.token)
    assert keeper.tokens() == {"u": told.token}
    assert told.token != old.token
    assert keeper.news() == []
    assert told.token not in repr(told)


def test_a_session_that_is_refused_is_over_and_told(stack: Endpoint, ending: Session) -> None:
    """Once, with the reason; the old token stays what it was."""
    keeper = kept(stack, replace(ending, refresh_token="made-up"))
    keeper.start()
    try:
        (told,) = first_news(keeper)
    finally:
        keeper.stop()

    assert (told.token, told.status, told.is_over) == ("", 400, True)
    assert told.why == "the accounts' API answers 400 (refresh_token_not_found)"
    assert keeper.tokens() == {"u": ending.token}
    assert (keeper.news(), keeper.trouble()) == ([], None)


def test_accounts_that_cannot_be_reached_are_asked_again(stack: Endpoint, ending: Session) -> None:
    """The session is not over; each attempt is told."""
    keeper = kept(stack, ending, url="http://127.0.0.1:9")
    keeper.start()
    try:
        (told,) = first_news(keeper)
    finally:
        keeper.stop()

    assert (told.token, told.status, told.is_over) == ("", 0, False)
    assert "cannot be reached" in told.why


def test_a_pair_that_cannot_be_kept_ends_the_run(stack: Endpoint, ending: Session, tmp_path: Path) -> None:
    """The file would hold a spent refresh token, and nobody would know."""

    def keep(_user_id: str, _pair: Pair) -> None:
        (tmp_path / "nowhere" / "people.csv").write_text("x", encoding="utf-8")

    keeper = kept(stack, ending, keep=keep)
    keeper.start()
    try:
        assert first_news(keeper) == []
    finally:
        keeper.stop()

    assert str(keeper.trouble()).startswith("the run's sessions are renewed no more: FileNotFoundError: ")


class TooMany(BaseHTTPRequestHandler):
    """Accounts that give nobody a token for a minute."""

    def do_POST(self) -> None:
        """Refuse as GoTrue does."""
        self.send_response(429)
        self.send_header("Retry-After", "60")
        self.end_headers()
        self.wfile.write(b'{"code": "over_request_rate_limit", "message": "Request rate limit reached"}')

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_a_limit_holds_for_all_who_come_from_here(stack: Endpoint, ending: Session) -> None:
    """Nobody is asked for until the time that the project asks for is over."""
    with ThreadingHTTPServer(("127.0.0.1", 0), TooMany) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        other = replace(ending, user_id="v", expires_at_s=ending.expires_at_s + 1)
        keeper = kept(stack, ending, other, url=f"http://127.0.0.1:{server.server_port}")
        keeper.start()
        try:
            (told,) = first_news(keeper)
        finally:
            keeper.stop()
            server.shutdown()

    assert (told.status, told.is_over) == (429, False)
    assert "over_request_rate_limit" in told.why
    assert keeper._free_at_s - time.time() > 50
    assert keeper.news() == []


def test_sessions_that_last_are_left_alone(stack: Endpoint, ending: Session) -> None:
    """Though their turn would come first by name: another one's ends, and theirs does not."""
    lasting = replace(ending, user_id="a", token="lasting", expires_at_s=int(time.time()) + 3600)
    keeper = kept(stack, ending, lasting)
    keeper.start()
    try:
        told = first_news(keeper)
    finally:
        keeper.stop()

    assert [each.user_id for each in told + keeper.news()] == ["u"]
    assert keeper.tokens()["a"] == "lasting"
