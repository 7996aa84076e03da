"""A backend's own paths and names for what the contract has: a route table, and both directions of its translation.

Everything inside speaks the contract; what leaves and what comes is translated at the edge, and only where a backend
differs. It knows text and JSON, and nothing of jobs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson

from loadtests.wire.pages import PageStyle, first_page

CONTRACT: Final[Mapping[str, str]] = {
    "jobs": "/api/jobs",
    "job": "/api/jobs/{job}",
    "archive": "/api/jobs/{job}/archive",
    "flag": "/api/jobs/{job}/flag",
    "documents": "/api/jobs/{job}/documents",
    "audit": "/api/audit/events",
}
"""The contract's paths by their names."""
_ENVELOPE: Final = "data"
LISTS: Final[Mapping[str, str]] = {"jobs": "", "documents": "", "audit": "events"}
"""The routes that answer lists, and where in the envelope the contract has each list; empty: it is what is wrapped."""


@dataclass(frozen=True)
class Routes:
    """Where a backend differs from the contract; nothing named, nothing translated."""

    paths: Mapping[str, str] = field(default_factory=dict)
    """A name of `CONTRACT` → the backend's path, with `{job}` where the job's id stands."""
    query: Mapping[str, str] = field(default_factory=dict)
    """The contract's query parameter → the backend's."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The contract's field of a job → the backend's, in requests and in answers."""
    envelope: str = _ENVELOPE
    """Dotted path to what an answer wraps; empty: it is bare."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """A name of `LISTS` → dotted path from the top of its answer to the list; empty: the body itself is the list."""
    pages: PageStyle = "page"
    """How the first page is asked for."""
    first_page: int = 1
    """What the backend calls its first page."""

    @cached_property
    def is_plain(self) -> bool:
        """Whether the backend is the contract's, so that answers are read as they come."""
        return not self.fields and not self.lists and self.envelope == _ENVELOPE

    @cached_property
    def _asks_plainly(self) -> bool:
        return not self.query and self.pages == "page" and self.first_page == 1

    @cached_property
    def _patterns(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple(
            (re.compile(re.escape(CONTRACT[name]).replace(r"\{job\}", "(?P<job>[^/]+)") + r"\Z"), path)
            for name, path in self.paths.items()
        )

    @cached_property
    def _inverse(self) -> dict[str, str]:
        return {theirs: ours for ours, theirs in self.fields.items()}

    def path(self, path: str) -> str:
        """Return the backend's path and query for one of the contract's."""
        bare, _, query = path.partition("?")
        for pattern, template in self._patterns:
            found = pattern.match(bare)
            if found is not None:
                bare = template.format(**found.groupdict())
                break
        if query and not self._asks_plainly:
            asked = first_page(parse_qsl(query), self.pages, number=self.first_page)
            query = urlencode([(self.query.get(name, name), value) for name, value in asked])
        # A path of theirs may have parameters of its own, such as an order.
        return f"{bare}{'&' if '?' in bare else '?'}{query}" if query else bare

    def body(self, body: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return a request's body by the backend's names."""
        return None if body is None else {self.fields.get(name, name): value for name, value in body.items()}

    def answer(self, content: bytes, of: str = "") -> bytes:
        """Return an answer in the contract's envelope and by its names; what is no JSON stays as it is.

        `of` is a name of `LISTS`: the answer holds a list, and one that does not have it in its place stays as it is.
        """
        if self.is_plain:
            return content
        try:
            told = orjson.loads(content)
        except orjson.JSONDecodeError:
            return content
        inner = self._list(told, of) if of else self._unwrapped(told)
        if not isinstance(inner, dict | list):
            return content
        inner = self._named(inner)
        return orjson.dumps({_ENVELOPE: {LISTS[of]: inner} if LISTS.get(of) else inner})

    def _list(self, told: Any, of: str) -> list[Any] | None:
        place = self.lists.get(of)
        if place is None:
            place = ".".join(filter(None, (self.envelope, LISTS[of])))
        for key in place.split(".") if place else ():
            told = told.get(key) if isinstance(told, dict) else None
        return told if isinstance(told, list) else None

    def _unwrapped(self, told: Any) -> Any:
        for key in self.envelope.split(".") if self.envelope else ():
            if not isinstance(told, dict) or key not in told:
                return told  # some answers stand bare
            told = told[key]
        return told

    def _named(self, inner: Any) -> Any:
        if isinstance(inner, list):
            return [self._named(each) for each in inner]
        if isinstance(inner, dict):
            return {self._inverse.get(name, name): value for name, value in inner.items()}
        return inner

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "paths": dict(self.paths),
            "query": dict(self.query),
            "fields": dict(self.fields),
            "envelope": self.envelope,
            "lists": dict(self.lists),
            "pages": self.pages,
            "first_page": self.first_page,
        }


def unknown_routes(paths: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a route table's paths, in words."""
    for name, path in paths.items():
        if name not in CONTRACT:
            yield f"unknown route '{name}'; there are: {', '.join(CONTRACT)}"
        elif not path.startswith("/"):
            yield f"{name} = {path!r} must begin with /"
        elif ("{job}" in path) != ("{job}" in CONTRACT[name]):
            must = "must not" if "{job}" in path else "must"
            yield f"{name} = {path!r} {must} have {{job}} where the job's id stands"


def unknown_lists(lists: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the names of lists, in words."""
    for name in lists:
        if name not in LISTS:
            yield f"'{name}' answers no list; there are: {', '.join(LISTS)}"


PLAIN: Final = Routes()
