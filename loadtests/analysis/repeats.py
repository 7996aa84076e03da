"""Jobs that stand twice on a screen: a list answer that holds the same job more than once.

A view merges by id, so nothing else can repeat a job; a paging that shifts while it is read can.
"""

import numpy as np

from loadtests.analysis.screens import Screens
from loadtests.clients.requests import KeyKind


def repeating_answers(screens: Screens) -> int:
    """Return how many answers to jobs lists, of the whole run, held a job more than once."""
    requests, bodies = screens.requests, screens.bodies
    body = requests.body[requests.is_ok & (requests.kind == KeyKind.JOB_LIST)]
    return int(np.count_nonzero(bodies.items[body] > bodies.recorded(body)))
