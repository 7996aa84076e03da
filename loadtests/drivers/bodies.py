"""What re-fetches answer: each distinct body is parsed and recorded once, and is a number from then on.

Devices of one organization that fetch the same page get the same bytes, except for the request's own id at the very
end, which is left out of the comparison.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from loadtests.clients.requests import KeyKind
from loadtests.history.kinds import ItemFlag, Kind
from loadtests.history.ledger import Ledger
from loadtests.wire.revisions import TOLD, Revisions

_REQUEST_ID: Final = b',"request_id":'
_REQUEST_ID_BYTES_MAX: Final = 128
"""A trailing request id is no longer than this; a key of that name further ahead belongs to the content."""


class MalformedBodyError(ValueError):
    """A successful answer that is not what the jobs API answers."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """One job, document or audit entry of a body; absent columns have their defaults."""

    id: str | int
    """As it came; in the ledger it is text."""
    revision: int | str | None = 0
    updated_at: str | None = None
    evidence_count: int = 0
    status: str | None = None
    archived_at: str | None = None
    review_flag: bool | None = None
    risk_score: float | None = None

    @property
    def flags(self) -> ItemFlag:
        """The properties that a screen shows."""
        flags = ItemFlag(0)
        if self.archived_at is not None or self.status == "archived":
            flags |= ItemFlag.ARCHIVED
        if self.review_flag:
            flags |= ItemFlag.FLAGGED
        if self.risk_score is not None:
            flags |= ItemFlag.SCORED
        return flags


class _List(msgspec.Struct, gc=False):
    data: list[Item]


class _One(msgspec.Struct, gc=False):
    data: Item


class _Entry(msgspec.Struct, gc=False):
    """An audit entry is only counted, so not even its id is of interest."""


class _Events(msgspec.Struct, gc=False):
    events: list[_Entry]


class _Audit(msgspec.Struct, gc=False):
    data: _Events


class Bodies:
    """Numbers of bodies; BODY and BODY_ITEM rows are written at the first sight of each."""

    def __init__(self, ledger: Ledger, revisions: Revisions = TOLD) -> None:
        self._ledger = ledger
        self._revisions = revisions
        self._known: dict[tuple[KeyKind, bytes], int] = {}

    def number(self, kind: KeyKind, body: bytes, at_ns: int) -> int:
        """Return the name of this body in the ledger.

        Raises:
            MalformedBodyError: the body is not what this kind of key answers.

        """
        digest = hashlib.sha256(memoryview(body)[: _content_bytes(body)]).digest()
        known = self._known.get((kind, digest))
        if known is not None:
            return known
        items, recorded = _parse(kind, body)
        revisions = _revisions(kind, recorded, self._revisions)
        # One empty list is another body for documents than for jobs, though it has the same bytes.
        number = self._ledger.name(f"{digest.hex()}/{kind.name.lower()}")
        self._ledger.record(Kind.BODY, at_ns, entity=number, value=len(body), revision=items, flag=kind)
        self._record_items(number, recorded, revisions, at_ns)
        self._known[kind, digest] = number
        return number

    def _record_items(self, number: int, items: list[Item], revisions: list[int], at_ns: int) -> None:
        ledger = self._ledger
        for position, (item, revision) in enumerate(zip(items, revisions, strict=True)):
            ledger.record(
                Kind.BODY_ITEM,
                at_ns,
                actor=position,
                entity=ledger.name(str(item.id)),
                revision=revision,
                value=number,
                due_ns=item.evidence_count,
                flag=item.flags,
            )


def _content_bytes(body: bytes) -> int:
    """Return where the trailing request id begins, or the whole length when there is none."""
    begin = body.rfind(_REQUEST_ID, max(0, len(body) - _REQUEST_ID_BYTES_MAX))
    return len(body) if begin < 0 else begin


def _parse(kind: KeyKind, body: bytes) -> tuple[int, list[Item]]:
    """Return how many items a body has, and those that are worth a row."""
    try:
        return _PARSERS[kind](body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBodyError(f"{kind.name.lower()}: {error}; the answer begins with {body[:80]!r}") from error


def _revisions(kind: KeyKind, items: list[Item], revisions: Revisions) -> list[int]:
    """Return the revision of each item."""
    try:
        return [revisions.of(item.revision, item.updated_at) for item in items]
    except ValueError as error:
        raise MalformedBodyError(f"{kind.name.lower()}: a job's revision or updated_at: {error}") from error


def _parse_list(body: bytes) -> tuple[int, list[Item]]:
    items = _LIST.decode(body).data
    return len(items), items


def _parse_documents(body: bytes) -> tuple[int, list[Item]]:
    items = [Item(item.id) for item in _LIST.decode(body).data]
    return len(items), items


def _parse_one(body: bytes) -> tuple[int, list[Item]]:
    return 1, [_ONE.decode(body).data]


def _parse_audit(body: bytes) -> tuple[int, list[Item]]:
    return len(_AUDIT.decode(body).data.events), []


_LIST: Final = msgspec.json.Decoder(_List)
_ONE: Final = msgspec.json.Decoder(_One)
_AUDIT: Final = msgspec.json.Decoder(_Audit)
_PARSERS: Final[Mapping[KeyKind, Callable[[bytes], tuple[int, list[Item]]]]] = {
    KeyKind.JOB_LIST: _parse_list,
    KeyKind.JOB: _parse_one,
    KeyKind.DOCUMENTS: _parse_documents,
    KeyKind.AUDIT: _parse_audit,
}
