"""The tokens of a process: minted, or given and replaced."""

import time

import jwt

from loadtests.drivers.wallet import Wallet
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import ALGORITHM, AUDIENCE, mint

S = 1_000_000_000
SECRET = "a secret that is long enough for HS256"
MINTED = Endpoint(api_url="", realtime_url="", anon_key="", service_key="", jwt_secret=SECRET, database_url="")


def ends_in(seconds: float) -> str:
    """Return a token that ends then."""
    return mint(SECRET, role="authenticated", expires_at_s=round(time.time() + seconds))


def test_a_minted_token_lives_as_long_as_it_is_said_to() -> None:
    """To the second, by the wall clock that the target compares it with."""
    wallet = Wallet(MINTED)
    one, later = (
        jwt.decode(wallet.minter(lifetime_s)("u"), SECRET, algorithms=[ALGORITHM], audience=AUDIENCE)
        for lifetime_s in (100, 160)
    )

    assert one["sub"] == "u"
    assert 59 <= later["exp"] - one["exp"] <= 61
    assert not wallet.is_given


def test_a_fresh_token_takes_the_place_of_the_old_one_and_its_owner_hears() -> None:
    """With what the old one had left; who asks later gets the fresh one too."""
    wallet, heard = Wallet(MINTED.with_tokens({"alice": ends_in(30), "bob": ends_in(-5)})), []
    get = wallet.minter(1)
    wallet.listen("alice", lambda left_ns: heard.append(("alice", round(left_ns / S, -1), get("alice"))))
    wallet.listen("bob", lambda left_ns: heard.append(("bob", left_ns < 0, get("bob"))))

    wallet.take({"alice": "fresh a", "bob": "fresh b"})

    assert wallet.is_given
    assert heard == [("alice", 30, "fresh a"), ("bob", True, "fresh b")]


def test_tokens_of_other_peoples_are_left_out() -> None:
    """A process has its own people alone; a minted one is not replaced."""
    wallet = Wallet(MINTED.with_tokens({"alice": "old"}))
    wallet.take({"carol": "fresh"})

    assert jwt.decode(wallet.minter(60)("carol"), SECRET, algorithms=[ALGORITHM], audience=AUDIENCE)["sub"] == "carol"


def test_what_the_parent_says_of_tokens_is_taken_and_all_else_is_left_to_others() -> None:
    """Being prepared tells of tokens among other things, so it is for others too."""
    wallet = Wallet()
    endpoint = MINTED.with_tokens({"alice": "old"})
    said = [
        {"do": "prepare", "endpoint": endpoint.to_json()},
        {"do": "tokens", "tokens": {"alice": "fresh"}},
        {"do": "stop"},
    ]

    assert [wallet.hear(message) for message in said] == [False, True, False]
    assert wallet.minter(1)("alice") == "fresh"
