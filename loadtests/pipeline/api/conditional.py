"""Entity tags: an answer whose content the client has already is answered without a body.

The tag is a digest of the body without its request id, so two answers have one tag exactly if they show the same.
It spares bytes and nothing else: the list is asked of the database all the same, because only its rows say whether
anything differs. Knows neither routes nor database.
"""

import hashlib
from typing import Final

import orjson

_DIGEST_BYTES: Final = 16


def entity_tag(body: bytes, request_id: str) -> bytes:
    """Return the strong tag of a body (RFC 9110, 8.8.3), whose last key may be the request's id."""
    ending = b',"request_id":%b}' % orjson.dumps(request_id)
    content = memoryview(body)[: -len(ending)] if body.endswith(ending) else body
    return b'"%b"' % hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest().encode()


def is_known(tag: bytes, if_none_match: str | None) -> bool:
    """Return whether a client that sent this `If-None-Match` has it (RFC 9110, 13.1.2: compared weakly)."""
    if if_none_match is None:
        return False
    named = if_none_match.encode("latin-1").split(b",")
    return any(one.strip().removeprefix(b"W/") in {tag, b"*"} for one in named)
