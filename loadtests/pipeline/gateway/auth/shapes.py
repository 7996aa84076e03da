"""What GoTrue's answers look like: a user, a session, and the claims of its token. Pure: rows in, JSON out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson

from loadtests.pipeline.api.database import Row
from loadtests.wire.tokens import ALGORITHM

USER_COLUMNS = """
id::text, aud, role, email, encrypted_password, email_confirmed_at, last_sign_in_at,
raw_app_meta_data::text as app_metadata, raw_user_meta_data::text as user_metadata, created_at, updated_at
"""


def user_json(row: Row) -> dict[str, Any]:
    """Return a user as the client reads it."""
    confirmed_at = _iso(row["email_confirmed_at"])
    created_at, updated_at = _iso(row["created_at"]), _iso(row["updated_at"])
    identity_data = {"email": row["email"], "email_verified": confirmed_at is not None, "sub": row["id"]}
    return {
        "id": row["id"],
        "aud": row["aud"],
        "role": row["role"],
        "email": row["email"] or "",
        "email_confirmed_at": confirmed_at,
        "phone": "",
        "confirmed_at": confirmed_at,
        "last_sign_in_at": _iso(row["last_sign_in_at"]),
        "app_metadata": orjson.loads(row["app_metadata"]),
        "user_metadata": orjson.loads(row["user_metadata"]),
        "identities": [
            {
                "identity_id": row["id"],
                "id": row["id"],
                "user_id": row["id"],
                "identity_data": identity_data,
                "provider": "email",
                "last_sign_in_at": _iso(row["last_sign_in_at"]),
                "created_at": created_at,
                "updated_at": updated_at,
                "email": row["email"],
            }
        ],
        "created_at": created_at,
        "updated_at": updated_at,
        "is_anonymous": False,
    }


def session_json(
    user: Mapping[str, Any],
    *,
    session_id: str,
    refresh_token: str,
    now_s: int,
    lifetime_s: int,
    secret: str,
    issuer: str,
) -> dict[str, Any]:
    """Return a session with a signed access token that is valid for `lifetime_s` from Unix time `now_s`."""
    claims = {
        "iss": issuer,
        "sub": user["id"],
        "aud": user["aud"],
        "exp": now_s + lifetime_s,
        "iat": now_s,
        "email": user["email"],
        "phone": "",
        "app_metadata": user["app_metadata"],
        "user_metadata": user["user_metadata"],
        "role": user["role"],
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now_s}],
        "session_id": session_id,
        "is_anonymous": False,
    }
    return {
        "access_token": jwt.encode(claims, secret, algorithm=ALGORITHM),
        "token_type": "bearer",
        "expires_in": lifetime_s,
        "expires_at": now_s + lifetime_s,
        "refresh_token": refresh_token,
        "user": user,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
