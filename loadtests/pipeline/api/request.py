"""An HTTP request as the handlers see it: a thin view of what the server hands over.

The framework's own request wrapper searches all headers at each look and would cost as much as a statement. Knows
nothing of what is asked for.
"""

from collections.abc import Mapping

from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope


class Request:
    """One request; its body is read once, chunk by chunk."""

    __slots__ = ("_headers", "_query_string", "method", "path_params", "receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path_params: Mapping[str, str] = scope.get("path_params", {})
        self.receive = receive
        self._query_string: bytes = scope["query_string"]
        # Of several headers of one name the first counts.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def header(self, name: bytes) -> str | None:
        """Return a header by its name in lower case; None if it is not there."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def query_params(self) -> QueryParams:
        """The parameters of the query string."""
        return QueryParams(self._query_string)

    def query_param(self, name: str) -> str | None:
        """Return one parameter of the query string; few requests have any, and parsing nothing costs as much."""
        return self.query_params.get(name) if self._query_string else None
