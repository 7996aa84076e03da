"""Refresh tokens from the CSV file: exchanged for new access tokens, and the file written anew.

A refresh token is good once. What came for it stands in the file before anything else is done, or the next run would
find a spent one.
"""

import csv
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from loadtests.targets.answers import answered, read_json, unanswered
from loadtests.targets.target import TargetError

_TIMEOUT_S: Final = 10.0
_CONNECT_S: Final = 5.0


class Sessions:
    """A project's sessions, renewed with what the file has of them."""

    def __init__(self, supabase_url: str, anon_key: str, *, verify: Any = True) -> None:
        self._url = f"{supabase_url}/auth/v1/token?grant_type=refresh_token"
        self._headers = {"apikey": anon_key}
        self._verify = verify

    def renew(self, path: Path, refresh_tokens: Mapping[str, str], users: Iterable[str]) -> None:
        """Exchange the refresh tokens of these users, and write each new pair into the file at once.

        Raises:
            TargetError: the project gave none; the text says whose.

        """
        with httpx.Client(
            trust_env=False, timeout=httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_S), verify=self._verify
        ) as client:
            for user in users:
                access, refresh = self._exchange(client, user, refresh_tokens[user])
                write_pair(path, user, access=access, refresh=refresh)

    def _exchange(self, client: httpx.Client, user: str, refresh_token: str) -> tuple[str, str]:
        try:
            answer = client.post(self._url, json={"refresh_token": refresh_token}, headers=self._headers)
        except httpx.HTTPError as error:
            told = unanswered(self._url, error)
            raise TargetError(f"{self._url} cannot be reached: {told.says}; check supabase_url") from error
        pair = read_json(answer.content)
        if answer.is_success and isinstance(pair, dict) and pair.get("access_token") and pair.get("refresh_token"):
            return str(pair["access_token"]), str(pair["refresh_token"])
        told = answered(self._url, answer)
        raise TargetError(
            f"auth.csv: the token of user {user} could not be refreshed: the accounts' API answers {told.status} "
            f"({told.says}); sign in anew and write both tokens into the file"
        )


def write_pair(path: Path, user: str, *, access: str, refresh: str) -> None:
    """Write a user's new tokens into the file; everything else in it stays. It is replaced whole, or not at all."""
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows, columns = list(reader), reader.fieldnames
    assert columns is not None, "it was read before"
    for row in rows:
        if row["user_id"].strip() == user:
            row |= {"access_token": access, "refresh_token": refresh}
    fresh = path.with_name(f"{path.name}.new")
    # Nobody else may read it, from its first byte on.
    with open(fresh, "w", encoding="utf-8", newline="", opener=_for_its_owner) as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
