"""Refresh tokens from the CSV file: exchanged for new access tokens, and the file written anew.

A refresh token is good once. What came for it stands in the file before anything else is done, or the next run would
find a spent one.
"""

import csv
import os
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path

from loadtests.targets.accounts import Accounts, NoPairError
from loadtests.targets.session_plan import is_final
from loadtests.targets.target import TargetError
from loadtests.wire.token_limit import TokenLimit


def renew(
    path: Path,
    accounts: Accounts,
    refresh_tokens: Mapping[str, str],
    users: Iterable[str],
    *,
    limit: TokenLimit,
    wait_until_s: Callable[[float], None],
) -> None:
    """Exchange the refresh tokens of these users at the limit's pace, and write each new pair into the file at once.

    `wait_until_s` waits until so many seconds after the first request.

    Raises:
        TargetError: the project gave none; the text says whose.

    """
    for place, user in enumerate(users):
        wait_until_s(limit.start_s(place))
        try:
            pair = accounts.refresh(refresh_tokens[user])
        except NoPairError as error:
            helps = _what_helps(error.status)
            raise TargetError(
                f"auth.csv: the token of user {user} could not be refreshed at {accounts.url}: {error}; {helps}"
            ) from error
        write_pair(path, user, access=pair.access, refresh=pair.refresh)


def _what_helps(status: int) -> str:
    """Return what to do about an answer that brought no pair."""
    if is_final(status):
        return "sign in anew and write both tokens into the file"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "wait, or give auth.tokens_per_5_minutes as the project has it; what was exchanged so far is in the file"
    return "try again; what was exchanged so far is in the file" if status else "check supabase_url"


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
