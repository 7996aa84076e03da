"""Isolation of what is fetched: answers that held a job of another organization."""

import numpy as np

from loadtests.analysis.scope import TrueJobs
from loadtests.analysis.screens import Screens
from loadtests.analysis.segments import expand


def leaked_answers(screens: Screens, jobs: TrueJobs) -> int:
    """Return how many answers of the whole run showed a device a job that is not its organization's.

    Only jobs that the truth knows can tell.
    """
    requests, bodies = screens.requests, screens.bodies
    if not len(bodies.item_job) or not len(jobs):
        return 0
    home = np.full(max(int(bodies.item_job.max()), int(jobs.job.max())) + 1, -1, dtype=np.int64)
    home[jobs.job] = jobs.organization
    rows = np.flatnonzero(requests.is_ok)
    organization = screens.devices.organization[requests.device[rows]]
    width = screens.devices.organizations
    # An organization's devices share their bodies: each (body, organization) is looked into once.
    shown, answers = np.unique(requests.body[rows] * width + organization, return_counts=True)
    body, organization = shown // width, shown % width
    owner, position = expand(bodies.recorded(body))
    job_home = home[bodies.item_job[bodies.first[body[owner]] + position]]
    foreign = np.unique(owner[(job_home >= 0) & (job_home != organization[owner])])
    return int(answers[foreign].sum())
