"""Who makes each mutation: a colleague without a device, or somebody whose own device receives its event.

Pure, and drawn from the seed. A share of authors with devices shows the self-echo: none of the product's clients
looks at who caused an event, so its author's device fetches what it has just written.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.scenario.population import Population
from loadtests.scenario.schedule import Schedule
from loadtests.scenario.vocabulary import MutationKind

NO_DEVICE: Final = -1


def draw_authors(population: Population, schedule: Schedule) -> NDArray[np.int32]:
    """Return for each mutation the index of the subscriber who makes it, NO_DEVICE for a colleague without one.

    A flag is always a colleague's: the jobs API lets mere members flag nothing.
    """
    share = population.scenario.mutators.own_devices
    authors = np.full(len(schedule), NO_DEVICE, dtype=np.int32)
    homes = np.array([device.organization for device in population.subscribers], dtype=np.int64)
    if not share or not len(homes):
        return authors
    random = np.random.default_rng([population.seed, 8])
    chance, pick = random.random(len(schedule)), random.random(len(schedule))
    members = [np.flatnonzero(homes == organization) for organization in range(population.organizations)]
    for index in np.flatnonzero((chance < share) & (schedule.kind != MutationKind.FLAG)):
        devices = members[int(schedule.organization[index])]
        if len(devices):
            authors[index] = devices[int(pick[index] * len(devices))]
    return authors
