"""From a path to the application that serves it: each path is walked once, segment by segment.

The framework's router tries one regular expression after another and wraps each request in a few coroutines more,
through all of which every answer of the database would pass. Knows nothing of what is served.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(slots=True)
class _Segment:
    """What may follow after a part of a path."""

    literal: "dict[str, _Segment]" = field(default_factory=dict)
    anything: "_Segment | None" = None
    """What follows after a segment that is a parameter."""
    app: ASGIApp | None = None
    names: tuple[str, ...] = ()
    """The names of the parameters on the way here."""


class Router:
    """Serves paths such as `/jobs/{id}`; where a segment could be both, a literal one comes before a parameter."""

    def __init__(self, routes: Mapping[str, ASGIApp], *, otherwise: ASGIApp) -> None:
        """`otherwise` serves every other path."""
        self._otherwise = otherwise
        self._root = _Segment()
        for path, app in routes.items():
            _enter(self._root, path, app)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand a request over, with its `path_params`."""
        values: list[str] = []
        found = _find(self._root, scope["path"].split("/"), 0, values)
        if found is None or found.app is None:
            return self._otherwise(scope, receive, send)
        scope["path_params"] = dict(zip(found.names, values, strict=True))
        return found.app(scope, receive, send)


def _enter(root: _Segment, path: str, app: ASGIApp) -> None:
    at, names = root, []
    for segment in path.split("/"):
        if segment.startswith("{"):
            names.append(segment[1:-1])
            at.anything = at.anything or _Segment()
            at = at.anything
        else:
            at = at.literal.setdefault(segment, _Segment())
    at.app, at.names = app, tuple(names)


def _find(begin: _Segment, segments: list[str], at: int, values: list[str]) -> _Segment | None:
    """Return where the rest of a path leads, and add what its parameters are to `values`."""
    if at == len(segments):
        return None if begin.app is None else begin
    segment = segments[at]
    literal = begin.literal.get(segment)
    if literal is not None and (found := _find(literal, segments, at + 1, values)) is not None:
        return found
    if begin.anything is None or not segment:
        return None
    values.append(segment)
    found = _find(begin.anything, segments, at + 1, values)
    if found is None:
        values.pop()
    return found
