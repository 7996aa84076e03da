"""The series that figures are drawn from."""

from collections.abc import Mapping

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.results import Cost, Series
from loadtests.analysis.timeline import timeline
from loadtests.analysis.waterfall import Waterfall


def series(run: Reconstruction, waterfall: Waterfall, costs: Mapping[int, Cost], cohorts: Mapping[str, int]) -> Series:
    """Return all series of a run; `cohorts` gives the index of each cohort by its name, `costs` the cost by index."""
    pairs = run.pairs
    return Series(
        push_visibility_ms=pairs.visibility_ms[pairs.of_subscribers()],
        polling_visibility_ms={name: pairs.visibility_ms[pairs.of_cohort(index)] for name, index in cohorts.items()},
        stages_ms=waterfall.stages_ms,
        push_cost=costs[SUBSCRIBER],
        polling_cost={name: costs[index] for name, index in cohorts.items()},
        timeline=timeline(
            run.mutations, run.signals, run.screens.requests, pairs, devices=run.devices, window=run.window
        ),
    )
