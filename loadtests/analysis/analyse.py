"""The one entry of analysis: a history in, everything that a verdict judges and a report shows out."""

from dataclasses import replace

from loadtests.analysis.laboratory.experiment import affordable_experiment
from loadtests.analysis.metrics import assemble
from loadtests.analysis.reconstruction import reconstruct
from loadtests.analysis.results import Results
from loadtests.history.history import History
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population


def analyse(history: History, scenario: Scenario, population: Population, *, replays: bool = True) -> Results:
    """Return the metrics and series of a run; the same history always yields the same results.

    Without `replays` the run is not tried under other refresh policies: that takes seconds, and no metric needs it.
    """
    run = reconstruct(history, scenario, population)
    results = assemble(run, history, scenario)
    return replace(results, replay=affordable_experiment(run, scenario, history.names)) if replays else results
