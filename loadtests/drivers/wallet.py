"""The access tokens of the people of one process: minted here, or given and from time to time replaced by fresh ones.

Whoever owns the sessions renews them (`targets.session_keeper`); a driver process hears of each fresh token through its
pipe and tells the devices. So there is no request for a token here, and no refresh token.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from loadtests.processes.lifeline import Message
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import lifetime_of, token_of

Mint = Callable[[str], str]
"""Returns an access token that is good now, for a user id."""

Hear = Callable[[int], None]
"""Is told that there is a fresh token, and for how many ns the one before it is good (negative: it is not)."""

_NS: Final = 1_000_000_000
_LONG_NS: Final = 7 * 24 * 3600 * _NS
"""What is left of a token that does not tell its end."""


class Wallet:
    """Who has which token in this process."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._secret = ""
        self._given: dict[str, str] = {}
        self._listeners: dict[str, list[Hear]] = {}
        if endpoint is not None:
            self.open(endpoint)

    def open(self, endpoint: Endpoint) -> None:
        """Take what signs the target's users in."""
        self._secret = endpoint.jwt_secret
        self._given = dict(endpoint.tokens)

    def hear(self, message: Message) -> bool:
        """Take what the parent says of tokens; return whether that was all of it, so that nobody else needs it."""
        if message["do"] == "tokens":
            self.take(message["tokens"])
            return True
        if message["do"] == "prepare":
            self.open(Endpoint.from_json(message["endpoint"]))
        return False

    @property
    def is_given(self) -> bool:
        """Whether tokens are given, not minted: fresh ones are then told of, and nobody can ask for one."""
        return bool(self._given)

    def minter(self, lifetime_s: float) -> Mint:
        """Return what gives tokens: the newest given ones or, minted, ones that expire then, to the second."""

        def mint(user_id: str) -> str:
            # The wall clock is what a token's `exp` is compared with.
            expires_at_s = round(time.time() + lifetime_s)
            return token_of(user_id, given=self._given, secret=self._secret, expires_at_s=expires_at_s)

        return mint

    def listen(self, user_id: str, hear: Hear) -> None:
        """Tell `hear` of each fresh token of a user; it finds the token where it always does."""
        self._listeners.setdefault(user_id, []).append(hear)

    def take(self, fresh: Mapping[str, str]) -> None:
        """Put fresh tokens in the place of those that were there; what this process has no use for is left out."""
        now_s = time.time()
        for user_id, token in fresh.items():
            if user_id in self._given:
                left_ns = _left_ns(self._given[user_id], now_s)
                self._given[user_id] = token
                for hear in self._listeners.get(user_id, ()):
                    hear(left_ns)


def _left_ns(token: str, now_s: float) -> int:
    lifetime = lifetime_of(token)
    return _LONG_NS if lifetime is None else round((lifetime.expires_at_s - now_s) * _NS)
