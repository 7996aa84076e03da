"""From where the truth about events is known: what the database holds or, where nobody may read it, agreement.

By agreement the truth is the union of what the subscribers received: what none of them received is not known, and
neither is a row that is no row. Knows the ledger's rows and nothing of what is counted.
"""

import numpy as np

from loadtests.history.history import History, Rows
from loadtests.history.kinds import ROW, Kind, TruthSource


def truth_source(history: History) -> TruthSource:
    """Return who told the truth of a run; a run of before the question was asked read the database."""
    rows = history.of(Kind.TRUTH)
    return TruthSource(int(rows["flag"][-1])) if len(rows) else TruthSource.DATABASE


def true_events(history: History) -> Rows:
    """Return the TRUE_EVENT rows of a run, by agreement those that frames amount to.

    A frame tells the commit, to the millisecond, and not the `created_at` before it: both are the commit then.
    """
    if truth_source(history) is not TruthSource.AGREEMENT:
        return history.of(Kind.TRUE_EVENT)
    named = history.of(Kind.EVENT_NAMED)
    named = named[named["revision"] >= 0]
    _, first = np.unique(named["entity"], return_index=True)
    named = named[np.sort(first)]
    rows = np.zeros(len(named), dtype=ROW)
    rows["kind"], rows["at_ns"], rows["entity"] = Kind.TRUE_EVENT, named["at_ns"], named["entity"]
    rows["actor"], rows["flag"] = named["revision"], named["flag"]
    rows["due_ns"] = rows["value"] = named["value"]
    rows["revision"] = named["due_ns"] - 1
    return rows
