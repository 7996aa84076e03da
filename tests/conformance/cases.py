"""Recorded cases as values: what each needs of the world, and its steps.

The files are recordings of the real server, `realtime-vectors/1`; their keys keep their names here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

VECTORS = Path(__file__).parent / "vectors"
Step = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One recorded exchange."""

    group: str
    name: str
    vsn: str
    tenant: Literal["warm", "cold", "any"]
    members: Mapping[str, tuple[str, ...]]
    """For each user the organizations that have it as a member."""
    claims: Mapping[str, Mapping[str, Any]]
    alone: bool
    """Whether nothing else may happen beside it."""
    steps: tuple[Step, ...]
    cleanup: tuple[Step, ...]

    @property
    def id(self) -> str:
        """Its name among all cases."""
        return f"{self.group}-{self.name}-{self.vsn}"

    @property
    def is_about_silence(self) -> bool:
        """Whether it waits for the socket's idle limit."""
        return any("wait_ms" in step or step.get("expect_close") == {"code": 1000} for step in self.steps)

    @property
    def restarts_the_database(self) -> bool:
        """Whether it takes the database away from everybody."""
        return any("database" in step for step in self.steps)

    @property
    def is_about_expiry(self) -> bool:
        """Whether it waits for a token to expire, which no knob can hasten."""
        return any("expires_in" in name for name in self.claims)


def load(directory: Path = VECTORS) -> list[Case]:
    """Return all cases of all files; numbers with a fraction are decimals, so that they compare exactly."""
    return [
        _case(case)
        for path in sorted(directory.glob("*.json"))
        for case in decode(path.read_text(encoding="utf-8"))["cases"]
    ]


def decode(text: str | bytes) -> Any:
    """Return JSON with its numbers as they are written."""
    return json.loads(text, parse_float=Decimal)


def _case(case: Mapping[str, Any]) -> Case:
    given = case["given"]
    state = given["state"]
    return Case(
        group=case["group"],
        name=case["name"],
        vsn=case["vsn"],
        tenant=state["tenant"],
        members={user: tuple(organizations) for user, organizations in state["members"].items()},
        claims=given["claims"],
        alone=given["alone"],
        steps=tuple(case["steps"]),
        cleanup=tuple(case.get("cleanup") or ()),
    )
