"""How many requests devices make at most: each number against its arithmetic by hand."""

from typing import Any

import pytest

from loadtests.checks.expected_fetches import fetched_apart_from_signals, keys_per_signal, share_of
from loadtests.checks.presence import stints
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind


def population(mix: dict[str, float] | None = None, **subscribers: Any) -> Population:
    """Return ten devices of one organization with four jobs, and 100 s of the given mix."""
    phase = {"name": "steady", "duration_s": 100, "mutations_per_s": 1, "mix": mix or {"update": 1}}
    none = dict.fromkeys(("ios", "web", "hybrid", "ios_as_built", "web_as_built"), 0)
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "What is the answer?",
            "organizations": {"jobs": 4},
            "subscribers": {"count": 10, **none, "web_open_job": 0, "web_open_audit": 0, **subscribers},
            "phases": [phase],
        }
    )
    return Population(scenario, seed=1, run_id="any")


def asked(whom: Population) -> float:
    """Return the keys of a signal in the only phase."""
    return keys_per_signal(whom, whom.scenario.phases[0])


def test_a_signal_asks_for_the_list() -> None:
    """Of both apps as designed; the web app as built invalidates keys of nobody's."""
    assert asked(population(ios=1)) == 1
    assert asked(population(web=1)) == 1
    assert asked(population(web_as_built=1)) == 0
    assert asked(population(ios=1, web_as_built=1)) == 0.5


def test_an_open_job_is_fetched_when_it_is_hit() -> None:
    """One of four jobs: a quarter of the signals asks for a second key."""
    assert asked(population(web=1, web_open_job=1)) == pytest.approx(1.25)


def test_a_document_asks_for_those_of_any_open_job() -> None:
    """The event's entity is the document, not its job."""
    assert asked(population({"document": 1}, web=1, web_open_job=1)) == pytest.approx(2)


def test_logins_fetch_all_that_is_open() -> None:
    """A list, a job with its documents, and an audit feed, ten times; hybrids poll once a minute beside it."""
    web = population(web=1, web_open_job=1, web_open_audit=1)
    hybrid = population(hybrid=1)

    assert fetched_apart_from_signals(web, list(stints(web))) == 10 * 4
    assert fetched_apart_from_signals(hybrid, list(stints(hybrid))) == pytest.approx(10 * (1 + 106 / 60))


def test_a_share_is_of_all_weights() -> None:
    """Weights are relative."""
    phase = population({"create": 1, "update": 2, "flag": 1}, ios=1).scenario.phases[0]

    assert share_of(phase, MutationKind.CREATE) == 0.25
    assert share_of(phase, MutationKind.CREATE, MutationKind.FLAG) == 0.5
