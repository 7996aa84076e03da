"""How subscribers, pollers and mutations are spread over organizations. Pure arithmetic; knows nobody in them."""

import numpy as np
from numpy.typing import NDArray

from loadtests.scenario.model import Scenario


def member_weights(scenario: Scenario) -> NDArray[np.float64]:
    """Return each organization's share of the subscribers; they sum to 1."""
    members, count = scenario.organizations.members, scenario.organizations.count
    if not members:
        return organization_weights(scenario)
    weights = np.resize(np.array(members), count)
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized


def organization_weights(scenario: Scenario) -> NDArray[np.float64]:
    """Return each organization's share of mutations and pollers, and, unless said otherwise, of subscribers.

    They sum to 1.
    """
    count = scenario.organizations.count
    weights = np.ones(count) if scenario.organizations.sizes == "even" else 1.0 / np.arange(1, count + 1)
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized


def spread(count: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return `count` organization indices in proportion to `weights` (largest remainders), in ascending order."""
    exact = weights * count
    whole = np.floor(exact).astype(np.int64)
    missing = count - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:missing]] += 1
    return np.repeat(np.arange(len(weights)), whole)
