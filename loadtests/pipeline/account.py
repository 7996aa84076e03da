"""Which account runs PostgreSQL, and what that account can reach: PostgreSQL refuses to run as root.

Asks the operating system by trying; knows nothing of clusters or binaries.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of this machine, other than the one that we run as."""

    name: str
    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        """Make this user the owner of `paths`."""
        for path in paths:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def unprivileged_account() -> Account | None:
    """Return whom to run PostgreSQL as: None for ourselves, another user when we are root.

    initdb looks its user up by name, so that the account must be one that the machine knows.

    Raises:
        LookupError: we are root and the machine has none of the usual accounts.

    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise LookupError(
        "PostgreSQL does not run as root, and this machine has neither a user 'postgres' nor 'nobody' to run it as: "
        "create one (useradd --system postgres), or start as an ordinary user"
    )


def process_identity(account: Account | None) -> dict[str, Any]:
    """Return the arguments with which `subprocess` starts a process as `account`."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def can_reach(path: Path, account: Account | None) -> bool:
    """Tell whether `account` may enter or execute `path`, all folders above it included."""
    answer = subprocess.run(["test", "-x", str(path)], check=False, cwd="/", **process_identity(account))  # noqa: S603, S607 - `test` is wherever the machine has it
    return answer.returncode == 0
