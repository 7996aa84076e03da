"""Who makes each mutation."""

from typing import Any

import numpy as np

from loadtests.scenario.authors import NO_DEVICE, draw_authors
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.schedule import draw_schedule
from loadtests.scenario.vocabulary import MutationKind


def authors(share: float, **phase: Any) -> tuple[Population, Any, Any]:
    """Return population, schedule and authors of some 1,000 mutations in three organizations of four devices."""
    scenario = Scenario.model_validate(
        {
            "name": "authors",
            "question": "Who changes what?",
            "organizations": {"count": 3},
            "subscribers": {"count": 12},
            "mutators": {"own_devices": share},
            "phases": [{"name": "load", "duration_s": 100, "mutations_per_s": 10, "arrivals": "even", **phase}],
        }
    )
    population = Population(scenario, 1, "run")
    schedule = draw_schedule(scenario, 1)
    return population, schedule, draw_authors(population, schedule)


def test_by_default_nobody_writes_who_has_a_device() -> None:
    """Each pair of a mutation and a device is one of two people."""
    _, _, chosen = authors(0)

    assert set(chosen.tolist()) == {NO_DEVICE}


def test_an_author_belongs_to_the_organization() -> None:
    """And each of its devices has its turn."""
    population, schedule, chosen = authors(1.0, mix={"update": 1})
    homes = np.array([device.organization for device in population.subscribers])

    assert (homes[chosen] == schedule.organization).all()
    assert set(chosen.tolist()) == set(range(12))


def test_a_share_of_the_mutations_has_such_an_author() -> None:
    """Half of a thousand, give or take; flags are left to those who may."""
    _, schedule, chosen = authors(0.5, mix={"update": 1, "flag": 1})
    is_own = chosen != NO_DEVICE

    assert not is_own[schedule.kind == MutationKind.FLAG].any()
    assert 0.4 < is_own[schedule.kind == MutationKind.UPDATE].mean() < 0.6
