"""Each miss has one cause: what the device's own record says, else what others heard, else what the target tells.

In this order of strength, and only from evidence: what was planted is never looked at. Takes the misses alone, which
are few, and who heard what; not the whole account.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.analysis.edges import Edges
from loadtests.analysis.hearing import Hearing
from loadtests.analysis.lanes import Bytes
from loadtests.analysis.silence import Gaps, Missed, MissedRows, silences
from loadtests.analysis.stamps import NEVER, NS_PER_MS, NS_PER_S, Bools, Ints
from loadtests.analysis.target_metrics import Evidence
from loadtests.analysis.why import Why
from loadtests.history.kinds import DownCause

_SPREAD_NS: Final = 100 * NS_PER_MS
"""The members of an organization are told this close together."""
_RECOVERY_NS: Final = 10 * NS_PER_S
"""Rows are lost for up to 7.5 s after a slot, as was measured on the real server; later it is not to blame."""
_USUAL_SHARE: Final = 0.99
"""So many of the events that anybody was told of were told in what counts as the usual time."""
_HEARTBEAT_NS: Final = 35 * NS_PER_S
"""A dead socket is noticed within a heartbeat's interval and its timeout: what lasts longer had a living one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """One entry per (event, device) that was missed, or came late."""

    event: Ints
    device: Ints
    classes: Bytes
    """Its `DeliveryClass`."""
    is_beyond_screen: Bools
    """Whether it was never shown and no page of the device shows it."""
    has_returned: Bools
    """Whether it was never shown, though the device came back later, for long enough, to a page with the job on it."""
    placed_ns: Ints
    deadline_ns: int
    """How long after that it should have been received."""

    def __len__(self) -> int:
        return len(self.event)

    @property
    def until_ns(self) -> Ints:
        """When each should have been received at the latest."""
        until_ns: Ints = self.placed_ns + self.deadline_ns
        return until_ns

    def of(self, chosen: Bools | Ints) -> "Deviations":
        """Return some of them."""
        return Deviations(
            event=self.event[chosen],
            device=self.device[chosen],
            classes=self.classes[chosen],
            is_beyond_screen=self.is_beyond_screen[chosen],
            has_returned=self.has_returned[chosen],
            placed_ns=self.placed_ns[chosen],
            deadline_ns=self.deadline_ns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """Everything that can say something about a miss."""

    placed_ns: Ints
    """When each event was placed."""
    hearing: Hearing
    edges: Edges
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Causes:
    """One entry per deviation."""

    why: Ints
    """A `Why`."""
    edge: Ints
    """The edge of the device's connection that says so, -1 where it was not its own record."""


def causes_of_misses(misses: Deviations, witnesses: Witnesses) -> Causes:
    """Return the cause of each miss."""
    own = _own_record(misses, witnesses)
    present = np.flatnonzero(own.why < 0)
    # Nearly always it is all of them, and then nothing has to be copied.
    found = misses if len(present) == len(misses) else misses.of(present)
    missed = Missed(event=found.event, device=found.device, placed_ns=found.placed_ns)
    own.why[present] = _while_present(missed, found, witnesses)
    return own


def _own_record(misses: Deviations, witnesses: Witnesses) -> Causes:
    """Return what each device's edges say; -1 where it was there when others were told, and so should have been."""
    edges, told_ns = witnesses.edges, witnesses.hearing.told_ns[misses.event]
    edge = edges.at(misses.device, misses.placed_ns)
    is_live = edges.is_live(edge)
    away = edges.away_after(edge)
    away_ns = edges.stamp(away)
    stays = is_live & (away_ns > misses.until_ns)
    # Where nobody was told, those who stayed are the proof that staying would not have helped; where nobody stayed
    # either, whoever was there for the time that events usually take.
    stayed_by = np.bincount(misses.event[stays], minlength=len(witnesses.placed_ns))
    expected_ns = np.where(told_ns == NEVER, misses.placed_ns + _usual_wait_ns(witnesses), told_ns)
    would_have = ((told_ns == NEVER) & (stayed_by[misses.event] > 0)) | (away_ns > expected_ns + _SPREAD_NS)
    is_present = stays | (is_live & would_have)
    began = np.where(is_present, -1, edges.beginning(np.where(is_live, away, edge)))
    return Causes(np.where(is_present, -1, edges.causes(began)), began)


def _usual_wait_ns(witnesses: Witnesses) -> int:
    """Return within what time of its commit an event is told to the first of its organization; 0 where none was."""
    told_ns = witnesses.hearing.told_ns
    wait_ns = (told_ns - witnesses.placed_ns)[told_ns != NEVER]
    return max(0, int(np.quantile(wait_ns, _USUAL_SHARE, method="lower"))) if len(wait_ns) else 0


def _while_present(missed: Missed, misses: Deviations, witnesses: Witnesses) -> Ints:
    """Return the causes of misses that no record of the device explains."""
    if not len(missed):
        return np.empty(0, dtype=np.int64)
    pattern = silences(missed, witnesses.hearing, witnesses.placed_ns)
    missed_by = np.bincount(missed.event, minlength=len(witnesses.placed_ns))
    has_others = ((witnesses.hearing.heard_by + missed_by) > 1)[missed.event]
    feed, channel = (np.full(len(missed), int(Why.UNEXPLAINED), dtype=np.int64) for _ in range(2))
    in_gap, in_row = np.flatnonzero(pattern.of_feed | pattern.is_alone), np.flatnonzero(pattern.of_channel)
    feed[in_gap] = _feed(missed.event[in_gap], pattern.gap[in_gap], pattern.gaps, witnesses.evidence)
    channel[in_row] = _channel(missed.device[in_row], pattern.row[in_row], pattern.rows, witnesses)
    alone = np.where(feed == Why.SILENT_FEED, Why.UNEXPLAINED, feed)
    why = np.select(
        [
            _is_hidden(misses, witnesses.evidence),
            pattern.of_feed,
            pattern.of_channel,
            pattern.is_alone & (alone != Why.UNEXPLAINED),
            has_others,
        ],
        [Why.ROW_LEVEL_SECURITY, feed, channel, alone, Why.LOST_FRAME],
        Why.UNEXPLAINED,
    )
    return why.astype(np.int64)


def _feed(event: Ints, gap: Ints, gaps: Gaps, evidence: Evidence) -> Ints:
    """Return for each missed event what the target's metrics say of the silence of the feed that it is in."""
    numbers, inverse = np.unique(gap, return_inverse=True)
    first_ns, back_ns = gaps.first_ns[numbers], gaps.back_ns[numbers]
    since_ns = np.maximum(gaps.heard_ns[numbers], first_ns - _RECOVERY_NS)
    restarted = evidence.of(Why.DATABASE_RESTARTED).meet(since_ns, back_ns)
    slot_lost = evidence.of(Why.SLOT_LOST).meet(since_ns, back_ns)
    # A discard is counted in rows: fewer than are missing cannot be all of it.
    width = int(event.max(initial=0)) + 1
    events = np.unique(inverse * width + event) // width
    discarded = evidence.of(Why.RATE_LIMITED).amount_in(first_ns, back_ns)
    limited = discarded > 0
    explains = limited & (discarded >= np.bincount(events, minlength=len(numbers)))
    told = np.select(
        [limited & (restarted | slot_lost), restarted, slot_lost, explains],
        [Why.SILENT_FEED, Why.DATABASE_RESTARTED, Why.SLOT_LOST, Why.RATE_LIMITED],
        Why.SILENT_FEED,
    )
    return told.astype(np.int64)[inverse]


def _channel(device: Ints, row: Ints, rows: MissedRows, witnesses: Witnesses) -> Ints:
    """Return what a silent channel was: deaf on a socket that lived, on a socket that had died, or one cannot say."""
    if not len(row):
        return row
    edges = witnesses.edges
    last_ns = rows.last_ns[row]
    end = edges.away_after(edges.at(device, last_ns))
    end_ns = edges.stamp(end)
    is_heard_again = witnesses.hearing.next_received_ns(device, last_ns) < end_ns
    died = np.isin(end, np.flatnonzero(edges.down == DownCause.HEARTBEAT_LOST))
    outlived = (end_ns != NEVER) & (end_ns - rows.first_ns[row] >= _HEARTBEAT_NS)
    return np.select(
        [is_heard_again, died, outlived],
        [Why.DEAF_CHANNEL, Why.SOCKET_DOWN, Why.DEAF_CHANNEL],
        Why.SILENT_CHANNEL,
    ).astype(np.int64)


def _is_hidden(misses: Deviations, evidence: Evidence) -> Bools:
    """Return which misses row-level security explains: it hid as many (row, subscriber) pairs as are missing."""
    hidden = evidence.of(Why.ROW_LEVEL_SECURITY)
    if not len(hidden):
        return np.zeros(len(misses), dtype=np.bool_)
    place = hidden.following(misses.placed_ns)
    asked = hidden.meet(misses.placed_ns, misses.until_ns)
    missing = np.bincount(place[asked], minlength=len(hidden) + 1)
    amount = np.append(hidden.amount, 0)
    is_hidden: Bools = asked & (missing <= amount)[place]
    return is_hidden
