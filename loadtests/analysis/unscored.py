"""Screens that showed a new job before it had its risk score, and when they showed the score.

From answers alone: an answer holds the job without a score, and only a later version of the job can bring it. Knows
nothing of how a pipeline scores, nor of who told the device to ask again.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.pairs import Pairs
from loadtests.analysis.screens import Screens
from loadtests.analysis.stamps import NEVER, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """One entry per screen that showed the job without its score."""

    pair: Ints
    """Which pair (create, device) it is."""
    scored_ns: Ints
    """When the screen showed the score; NEVER if it did not before the end of the drain."""


def screens_without_score(pairs: Pairs, chosen: Ints, *, job: Ints, screens: Screens) -> Unscored:
    """Return those of the chosen pairs, all visible, whose first answer held the job without a score.

    `job` is each chosen pair's.
    """
    requests, bodies, revisions = screens.requests, screens.bodies, screens.sightings.revision
    item = bodies.item(requests.body[pairs.request[chosen]], job) if len(chosen) else chosen
    # What an archive showed has no item: there was no job to look at.
    shown = np.flatnonzero(item >= 0)
    shown = shown[~bodies.is_scored[item[shown]]]
    pair, job, level = chosen[shown], job[shown], bodies.revision[item[shown]]
    view = screens.sightings.view(pairs.device[pair], job)
    scored_ns = np.full(len(pair), NEVER, dtype=np.int64)
    open_ = np.arange(len(pair))
    # Each round asks for the next version that the device saw: few jobs have many, and one that has the score ends it.
    while len(open_):
        request = revisions.first_at_least(view[open_], level[open_] + 1)
        open_, request = open_[request >= 0], request[request >= 0]
        item = bodies.item(requests.body[request], job[open_])
        is_scored = bodies.is_scored[item]
        scored_ns[open_[is_scored]] = requests.answered_ns[request[is_scored]]
        level[open_] = bodies.revision[item]
        open_ = open_[~is_scored]
    return Unscored(pair=pair, scored_ns=scored_ns)
