"""Where the allow-list of hosts lies, and what it holds: a file of one's own, never a part of a scenario or a target.

Whoever runs load tests writes it by hand, once for each host that may be put under load.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtests.checks.guard import GuardError, read_allowed

FILE_NAME: Final = "allowed-hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """The hosts that may be put under load."""

    hosts: frozenset[str]
    where: str
    """The files that were looked for, for messages."""


def default_places(working_directory: Path, configuration: Path) -> tuple[Path, ...]:
    """Return where allow-lists lie: beside the work, and in the user's configuration."""
    return (working_directory / f"{FILE_NAME}.txt", configuration / "loadtests" / FILE_NAME)


def read_allow_list(places: Sequence[Path], *, must_exist: bool = False) -> AllowList:
    """Read all of the files that exist; a host in any of them is allowed.

    Raises:
        GuardError: a file cannot be read, or was named and does not exist.

    """
    hosts: set[str] = set()
    for place in places:
        try:
            hosts |= read_allowed(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if must_exist:
                raise GuardError(f"there is no allow-list {place}: write one, a host on each line") from None
        except (OSError, UnicodeDecodeError) as error:
            raise GuardError(f"the allow-list {place} cannot be read: {error}") from error
    return AllowList(hosts=frozenset(hosts), where=" or ".join(map(str, places)))
