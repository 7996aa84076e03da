"""What an answered re-fetch costs the database: the statements that the embedded jobs API makes for it.

Counted on that API, and tested there against the statements that reach PostgreSQL. Another target's own number is not
known; for it this is what the embedded API would have made. A stale replica, which is a fault, is left out.
"""

import numpy as np

from loadtests.analysis.answers import Bodies, Requests
from loadtests.analysis.stamps import Bools, Ints
from loadtests.clients.requests import KeyKind


def statements(requests: Requests, bodies: Bodies, answered: Ints) -> Ints:
    """Return how many statements each of the answered re-fetches cost.

    Who is a member, and what was asked for. An empty list is counted once more and an empty list of documents asks
    whether its job exists; a job with a score has mitigations, which are read for the job alone.
    """
    kind, body = requests.kind[answered], requests.body[answered]
    is_list = (kind == KeyKind.JOB_LIST) | (kind == KeyKind.DOCUMENTS)
    is_empty = is_list & (bodies.items[body] == 0)
    has_mitigations = (kind == KeyKind.JOB) & _has_score(bodies, body)
    reads: Ints = 2 + is_empty.astype(np.int64) + has_mitigations
    return reads


def _has_score(bodies: Bodies, body: Ints) -> Bools:
    owner, item = bodies.items_of(body)
    has_score = np.zeros(len(body), dtype=np.bool_)
    has_score[owner[bodies.is_scored[item]]] = True
    return has_score
