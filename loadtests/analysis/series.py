"""The series that figures are drawn from."""

from collections.abc import Mapping

from loadtests.analysis.client_models import models_of
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.results import Cost, Series
from loadtests.analysis.states import device_states
from loadtests.analysis.timeline import timeline
from loadtests.analysis.watched import counted_pairs
from loadtests.analysis.waterfall import Waterfall


def series(run: Reconstruction, waterfall: Waterfall, costs: Mapping[int, Cost], cohorts: Mapping[str, int]) -> Series:
    """Return all series of a run; `cohorts` gives the index of each cohort by its name, `costs` the cost by index."""
    pairs = run.pairs
    return Series(
        push_visibility_ms=pairs.visibility_ms[pairs.of_subscribers()],
        polling_visibility_ms={name: pairs.visibility_ms[pairs.of_cohort(index)] for name, index in cohorts.items()},
        client_visibility_ms={
            model.key: pairs.visibility_ms[counted_pairs(pairs, run.devices.model == int(model))]
            for model in models_of(run)
        },
        stages_ms=waterfall.stages_ms,
        push_cost=costs[SUBSCRIBER],
        polling_cost={name: costs[index] for name, index in cohorts.items()},
        timeline=timeline(
            run.mutations, run.signals, run.screens.requests, pairs, devices=run.devices, window=run.window
        ),
        states=device_states(run.presence, run.devices, run.window),
    )
