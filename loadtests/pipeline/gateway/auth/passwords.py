"""Passwords at rest: scrypt with a salt each, because the PostgreSQL that we bring has no pgcrypto.

Pure but for the salt; a hash takes some 40 ms on purpose, so callers keep it off their event loop.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Final

LEAST_LENGTH: Final = 6
_COST: Final = 1 << 14
_BLOCK: Final = 8
_LANES: Final = 1
_MEMORY_BYTES: Final = 64 * 1024 * 1024
_SALT_BYTES: Final = 16


def hash_password(password: str) -> str:
    """Return `$scrypt$cost,block,lanes$salt$hash`, with a new salt."""
    salt = secrets.token_bytes(_SALT_BYTES)
    parameters = f"{_COST},{_BLOCK},{_LANES}"
    digest = _derive(password, salt, (_COST, _BLOCK, _LANES))
    return f"$scrypt${parameters}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def is_password(password: str, stored: str | None) -> bool:
    """Tell whether `password` is the one that `stored` was made of; a user without a password has none that fits."""
    if stored is None or not stored.startswith("$scrypt$"):
        return False
    _, _, parameters, salt, digest = stored.split("$")
    cost, block, lanes = (int(number) for number in parameters.split(","))
    return hmac.compare_digest(_derive(password, b64decode(salt), (cost, block, lanes)), b64decode(digest))


def _derive(password: str, salt: bytes, parameters: tuple[int, int, int]) -> bytes:
    cost, block, lanes = parameters
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY_BYTES, dklen=32)
