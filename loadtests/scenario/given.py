"""People who exist already: organizations and users that a run was given instead of making its own.

Identifiers alone, no token: this stands in the run directory. Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Who takes part, organization by organization, in the order of the run's organizations."""

    organizations: tuple[str, ...]
    authors: tuple[str, ...]
    """Who changes the jobs of each organization."""
    members: tuple[tuple[str, ...], ...]
    """Who has devices in each organization; with more devices than members, some have several."""
    jobs: tuple[tuple[str, ...], ...] = ()
    """The jobs of each organization that exist before the start, oldest first."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return cls(
            organizations=tuple(value["organizations"]),
            authors=tuple(value["authors"]),
            members=tuple(map(tuple, value["members"])),
            jobs=tuple(map(tuple, value["jobs"])),
        )

    def member(self, organization: int, device: int) -> str:
        """Return the user behind a device, the `device`-th of all."""
        members = self.members[organization]
        return members[device % len(members)]
