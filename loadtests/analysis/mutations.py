"""One table of all mutations: when due, dispatched, sent and acked, what came of it, and what would show it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.analysis.clock import Clock
from loadtests.analysis.stamps import UNKNOWN, Bools, Ints
from loadtests.analysis.window import Window
from loadtests.history.history import History, Rows
from loadtests.history.kinds import NO_ENTITY, NOBODY, Kind
from loadtests.scenario.vocabulary import MutationKind


class Fate(IntEnum):
    """What the mutator knows of a mutation in the end."""

    UNDER_WAY = 0
    ACKED = 1
    FAILED = 2
    UNKNOWN = 3
    UNSENT = 4


_FATES: Final = {
    Kind.ACKED: Fate.ACKED,
    Kind.FAILED: Fate.FAILED,
    Kind.UNKNOWN: Fate.UNKNOWN,
    Kind.UNSENT: Fate.UNSENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutations:
    """One entry per mutation; the index is the mutation's in the schedule."""

    due_ns: Ints
    dispatched_ns: Ints
    sent_ns: Ints
    acked_ns: Ints
    stored_ns: Ints
    """Its own commit."""
    fate: Ints
    unsent: Ints
    """An `Unsent` reason, 0 for what was sent."""
    kind: Ints
    organization: Ints
    author: Ints
    """The device of whoever made it, NOBODY for a colleague without one."""
    job: Ints
    revision: Ints
    """The job's revision that shows it; 0: not known, or a document."""
    document: Ints
    """Ordinal of the document in its job; 0: not known, or no document."""
    risk_factors: Ints
    """How many it gave; with some, its job is to have a score."""
    is_done: Bools
    """Acked, or found in the database."""
    in_window: Bools

    def __len__(self) -> int:
        return len(self.due_ns)

    @property
    def effective_ns(self) -> Ints:
        """When the change took effect: stored, or as near as is known."""
        known = np.where(self.stored_ns != UNKNOWN, self.stored_ns, self.acked_ns)
        return np.where(known != UNKNOWN, known, self.sent_ns)

    @property
    def promised_ns(self) -> Ints:
        """From when on a screen should show it: acked, or when it took effect if nobody was told."""
        return np.where(self.acked_ns != UNKNOWN, self.acked_ns, self.effective_ns)

    @property
    def is_showable(self) -> Bools:
        """Whether it was done and it is known what would show it."""
        has_version = np.where(
            self.kind == MutationKind.DOCUMENT,
            self.document > 0,
            (self.revision > 0) | (self.kind == MutationKind.ARCHIVE),
        )
        is_showable: Bools = self.is_done & has_version & (self.job != NO_ENTITY)
        return is_showable


def read_mutations(history: History, clock: Clock, window: Window) -> Mutations:
    """Return all mutations that were dispatched."""
    dispatched = history.of(Kind.DUE)
    sent = history.of(Kind.SENT)
    ends = history.of(*_FATES)
    true = history.of(Kind.TRUE_MUTATION)
    count = int(max(rows["actor"].max(initial=-1) for rows in (dispatched, sent, ends, true))) + 1
    acked = ends[ends["kind"] == Kind.ACKED]
    unsent = ends[ends["kind"] == Kind.UNSENT]
    fate_of_kind = np.zeros(max(Kind) + 1, dtype=np.int64)
    for kind, end in _FATES.items():
        fate_of_kind[kind] = end
    due_ns = _column(count, UNKNOWN, (sent, sent["due_ns"]), (dispatched, dispatched["due_ns"]))
    is_true = _column(count, 0, (true, np.ones(len(true)))) > 0
    fate = _column(count, Fate.UNDER_WAY, (ends, fate_of_kind[ends["kind"]]))
    return Mutations(
        due_ns=due_ns,
        dispatched_ns=_column(count, UNKNOWN, (dispatched, dispatched["at_ns"])),
        sent_ns=_column(count, UNKNOWN, (sent, sent["at_ns"])),
        acked_ns=_column(count, UNKNOWN, (acked, acked["at_ns"])),
        stored_ns=_column(count, UNKNOWN, (true, clock.monotonic_ns(true["due_ns"]))),
        fate=fate,
        unsent=_column(count, 0, (unsent, unsent["value"])),
        kind=_column(count, 0, (dispatched, dispatched["flag"]), (true, true["flag"])),
        organization=_column(count, -1, (dispatched, dispatched["value"])),
        author=_column(count, NOBODY, (dispatched, dispatched["revision"] - 1)),
        job=_job_names(count, dispatched, sent, acked, true),
        revision=_column(count, 0, (acked, acked["revision"]), (true, true["revision"])),
        document=_column(count, 0, (true, true["value"])),
        risk_factors=_column(count, 0, (sent, sent["value"])),
        is_done=(fate == Fate.ACKED) | is_true,
        in_window=window.holds(due_ns),
    )


def _column(count: int, missing: int, *sources: tuple[Rows, NDArray[np.generic]]) -> Ints:
    """Return one value per mutation; later sources tell better than earlier ones."""
    column = np.full(count, missing, dtype=np.int64)
    for rows, values in sources:
        column[rows["actor"]] = values
    return column


def _job_names(count: int, *sources: Rows) -> Ints:
    named = [rows[rows["entity"] != NO_ENTITY] for rows in sources]
    return _column(count, NO_ENTITY, *((rows, rows["entity"]) for rows in named))
