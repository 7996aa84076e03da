"""What may be written down of what an official client says: its errors quote addresses, whose query holds the key.

The log of a run and the names of its ledger are handed on with the run, so no query of an address stands in them, and
no token. Must know nothing of who says it.
"""

import logging
import re
from typing import Final

_QUERY: Final = re.compile(r"""\?[^\s"'<>?=]+=[^\s"'<>]*""")
_PARAMETER: Final = re.compile(r"""\b(apikey|access_token|token)(["']?\s*[=:]\s*["']?)[^\s"'<>&,;)}]+""", re.IGNORECASE)
_TOKEN: Final = re.compile(r"eyJ[\w.-]*")


def unquoted(text: str) -> str:
    """Return a text without what addresses in it ask, and without tokens."""
    without_queries = _QUERY.sub("?…", text)
    return _TOKEN.sub("…", _PARAMETER.sub(r"\1\2…", without_queries))


class UnquotedFormatter(logging.Formatter):
    """Writes log records, tracebacks included, without what addresses in them ask."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return unquoted(super().format(record))
