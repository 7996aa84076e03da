"""What the placeholders of one case stand for: ids, tokens, and the organizations that it has for itself.

Knows the notation of the recordings, nothing of sockets or databases.
"""

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt

from tests.conformance.cases import Case

ORGANIZATIONS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
_KEY_LIVES_S = 10 * 365 * 24 * 3600
_TOKEN_LIVES_S = 3600


class Names:
    """The placeholders of one case, and what they came to mean while it was played."""

    def __init__(self, case: Case, secret: str) -> None:
        self._claims = case.claims
        self._secret = secret
        self._bound: dict[str, Any] = {}
        # Organizations and users of its own, so that cases can run side by side.
        self._own = {recorded: str(uuid.uuid4()) for recorded in ORGANIZATIONS}
        self._users: dict[str, str] = {}
        self.first_end_ns: int | None = None
        """When the first of the tokens ends that were made to end within the case, CLOCK_MONOTONIC."""

    def organization(self, recorded: str) -> str:
        """Return the organization that stands for a recorded one."""
        return self._own[recorded]

    def user(self, name: str) -> str:
        """Return the id of a user of this case."""
        return self._users.setdefault(name, str(uuid.uuid4()))

    def to_send(self, value: Any) -> Any:
        """Return a step's value with all placeholders filled in."""
        match value:
            case dict():
                return {key: self.to_send(one) for key, one in value.items()}
            case list():
                return [self.to_send(one) for one in value]
            case str():
                return self.foreign(self._fill(value))
            case _:
                return value

    def foreign(self, text: str) -> str:
        """Put this case's organizations in place of the recorded ones."""
        for recorded, own in self._own.items():
            text = text.replace(recorded, own)
        return text

    def recorded(self, text: str) -> str:
        """Put the recorded organizations back."""
        for recorded, own in self._own.items():
            text = text.replace(own, recorded)
        return text

    def bind(self, name: str, value: Any) -> bool:
        """Let a placeholder mean a value; return whether it may: it always means the same."""
        return bool(self._bound.setdefault(name, value) == value)

    def copy_of_bound(self) -> dict[str, Any]:
        """Return what is bound, to go back to with `forget`."""
        return dict(self._bound)

    def forget(self, bound: Mapping[str, Any]) -> None:
        """Go back to what was bound before an attempt."""
        self._bound = dict(bound)

    def _fill(self, text: str) -> str:
        if re.fullmatch(r"\$uuid\d+", text):
            return str(self._bound.setdefault(text, str(uuid.uuid4())))
        if text.startswith("$repeat:"):
            _, character, count = text.split(":")
            return character * int(count)
        if text.startswith("$jwt:"):
            return str(self._bound.setdefault(text, self._mint(text)))
        return text

    def _mint(self, text: str) -> str:
        """Return the token that a placeholder describes; two texts never give the same one."""
        who, *modifiers = text.partition("#")[0].split(":")[1:]
        now_s = time.time_ns() // 10**9
        is_user = who.startswith("user")
        claims: dict[str, Any] = {
            "aud": "authenticated",
            "role": "authenticated" if is_user else who,
            "exp": now_s + (_TOKEN_LIVES_S if is_user else _KEY_LIVES_S),
            "jti": str(uuid.uuid4()),
        }
        if is_user:
            claims["sub"] = self.user(who)
        secret, algorithm = self._secret, "HS256"
        for modifier in modifiers:
            seconds = re.search(r"_(\d+)s$", modifier)
            if modifier == "bad_signature":
                secret = "another secret, of at least thirty-two bytes"
            elif modifier == "alg_none":
                secret, algorithm = "", "none"
            elif modifier.startswith("no_"):
                del claims[modifier.removeprefix("no_")]
            elif modifier.startswith("role_"):
                claims["role"] = modifier.removeprefix("role_")
            elif seconds is not None and modifier.startswith("expires_in"):
                claims["exp"] = now_s + int(seconds[1])
                end_ns = time.monotonic_ns() + claims["exp"] * 10**9 - time.time_ns()
                self.first_end_ns = end_ns if self.first_end_ns is None else min(self.first_end_ns, end_ns)
            elif seconds is not None and modifier.startswith("expired"):
                claims["exp"] = now_s - int(seconds[1])
            else:
                raise ValueError(f"{text}: unknown modifier {modifier!r}")
        return jwt.encode(claims, secret, algorithm=algorithm)
