"""When a policy flushes, for all lifetimes of a part: what `loadtests.clients.gathering` decides, on columns.

One loop that goes through the signals as the state machine hears them. Nothing is rounded and nothing is assumed about
lifetimes that look alike: the stamps that come out are those of the state machine, to the nanosecond.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from loadtests.analysis.laboratory.arrivals import Masks, Part, Places
from loadtests.analysis.laboratory.compiled import compiled
from loadtests.analysis.stamps import Floats, Ints
from loadtests.clients.policy import Edge, RefreshPolicy

Chances = Callable[[], Floats]
"""What the jitter of batches that begin with each signal of a part is drawn with, in [0, 1)."""

_FAR_NS: Final = 2**62


class _Rule(NamedTuple):
    """A policy as the loop reads it."""

    is_trailing: bool
    is_on_cancel: bool
    is_fixed: bool
    is_leading: bool
    """At once, and a window opens with each flush."""
    drops: bool
    """What comes while that window is open."""
    window_ns: int
    max_wait_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The flushes of a part under a policy, by lifetime and time."""

    owner: Ints
    first: Ints
    """The first signal of the batch, an arrival of the part."""
    last: Ints
    """The last one; those in between that ask for something belong to it."""
    due_ns: Ints
    suppressed: int
    """Signals that asked for something and were dropped."""

    def __len__(self) -> int:
        return len(self.owner)


def schedule(part: Part, policy: RefreshPolicy, chances: Chances) -> Schedule:
    """Return every flush."""
    edge = policy.edge
    owner, first, last, due_ns, suppressed = _gather(
        part.begin,
        part.at_ns,
        part.mask,
        part.look,
        part.every_look_end_ns,
        (policy.jitter_ns * chances()).astype(np.int64) if policy.jitter_ns else np.zeros(0, dtype=np.int64),
        _Rule(
            is_trailing=edge is Edge.TRAILING,
            is_on_cancel=edge is Edge.FLUSH_ON_CANCEL,
            is_fixed=edge is Edge.FIXED_WINDOW,
            is_leading=edge in {Edge.LEADING, Edge.LEADING_AND_TRAILING},
            drops=edge is Edge.LEADING,
            window_ns=policy.window_ns,
            max_wait_ns=_FAR_NS if policy.max_wait_ns is None else policy.max_wait_ns,
        ),
    )
    return Schedule(owner=owner, first=first, last=last, due_ns=due_ns, suppressed=suppressed)


@compiled
def _gather(  # noqa: C901, PLR0912, PLR0917 - one loop over columns, for the compiler
    begin: Ints, at_ns: Ints, mask: Masks, look: Places, look_end_ns: Ints, jitter_ns: Ints, rule: _Rule
) -> tuple[Ints, Ints, Ints, Ints, int]:
    """Return the columns of a `Schedule`; `jitter_ns` is of each arrival as the first of a batch, empty for none."""
    most = np.count_nonzero(mask)
    owners, firsts, lasts, dues_ns = (
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
    )
    count, suppressed = 0, 0
    for owner in range(len(begin) - 1):
        is_pending, first, last = False, 0, 0
        ends_ns, latest_ns, late_ns, open_until_ns = 0, 0, 0, -(2**62)
        stop = begin[owner + 1]
        for each in range(begin[owner], stop + 1):
            if is_pending:
                # What is due comes before what happens then, and in any case before they look away.
                is_away = each == stop or look[each] != look[first]
                due_ns = min(ends_ns, latest_ns) + late_ns
                if due_ns <= (look_end_ns[look[first]] if is_away else at_ns[each]):
                    owners[count], firsts[count], lasts[count], dues_ns[count] = owner, first, last, due_ns
                    count += 1
                    is_pending = False
                    if rule.is_leading:
                        open_until_ns = due_ns + rule.window_ns
                elif is_away:
                    is_pending = False
            if each == stop:
                break
            now_ns = at_ns[each]
            if rule.is_trailing:
                ends_ns = now_ns + rule.window_ns
            elif rule.is_on_cancel:
                if is_pending:
                    ends_ns = min(ends_ns, now_ns)
                else:
                    ends_ns = now_ns if now_ns < open_until_ns else now_ns + rule.window_ns
                open_until_ns = now_ns + rule.window_ns
            elif not is_pending:
                ends_ns = max(now_ns, open_until_ns) + (rule.window_ns if rule.is_fixed else 0)
            if mask[each] == 0 or (rule.drops and not is_pending and now_ns < open_until_ns):
                suppressed += mask[each] != 0
                continue
            if not is_pending:
                is_pending, first = True, each
                latest_ns = now_ns + rule.max_wait_ns
                late_ns = jitter_ns[each] if len(jitter_ns) else 0
            last = each
    return owners[:count], firsts[:count], lasts[:count], dues_ns[:count], suppressed
