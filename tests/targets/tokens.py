"""Access tokens that say when they were issued and when they end, as GoTrue's do."""

import jwt

from loadtests.wire.tokens import ALGORITHM

SECRET = "a secret that is long enough for it"


def token(*, issued_s: int, expires_s: int, subject: str = "u") -> str:
    """Return one."""
    return jwt.encode({"iat": issued_s, "exp": expires_s, "sub": subject}, SECRET, algorithm=ALGORITHM)
