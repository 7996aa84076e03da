"""The one entry of analysis: a history in, everything that a verdict judges and a report shows out."""

from loadtests.analysis.metrics import assemble
from loadtests.analysis.reconstruction import reconstruct
from loadtests.analysis.results import Results
from loadtests.history.history import History
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population


def analyse(history: History, scenario: Scenario, population: Population) -> Results:
    """Return the metrics and series of a run; the same history always yields the same results."""
    return assemble(reconstruct(history, scenario, population), history, scenario)
