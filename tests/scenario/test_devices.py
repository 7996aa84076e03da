"""What a scenario may say of its devices, and what is refused by name."""

from typing import Any

import pytest
from pydantic import ValidationError

from loadtests.scenario.devices import Connection, LifecycleStep
from loadtests.scenario.model import Scenario
from loadtests.scenario.vocabulary import Step


def complaint(**keys: Any) -> str:
    """Return why a scenario with these keys is refused."""
    whole = {
        "name": "refused",
        "question": "What is wrong with this?",
        "phases": [{"name": "load", "duration_s": 10, "mutations_per_s": 1}],
        **keys,
    }
    with pytest.raises(ValidationError) as refusal:
        Scenario.model_validate(whole)
    return str(refusal.value)


def test_a_step_has_a_word_for_each_thing_that_people_do() -> None:
    """The words of scenarios are the steps of devices."""
    steps = [LifecycleStep.model_validate({"at_s": 1, "step": step.name.lower()}).kind for step in Step]

    assert steps == list(Step)


def test_models_of_a_step_exist() -> None:
    """A slip of the pen would make a step that nobody does."""
    told = complaint(lifecycle=[{"at_s": 1, "step": "logout", "models": ["iso"]}])

    assert "unknown client model 'iso'; there are: ios, web, hybrid, ios_as_built, web_as_built" in told


def test_a_step_falls_into_the_run() -> None:
    """Load and drain last 16 s here."""
    assert "would come after the run, which lasts 16 s" in complaint(lifecycle=[{"at_s": 17, "step": "logout"}])


def test_a_switch_needs_somewhere_to_go() -> None:
    """One organization is one too few."""
    assert "needs a second organization" in complaint(lifecycle=[{"at_s": 1, "step": "switch"}])


def test_a_token_is_renewed_within_its_life() -> None:
    """A margin as long as the life would make every token old at once; a late renewal may take its time."""
    told = complaint(subscribers={"connection": {"token_lifetime_s": 30, "renewal_margin_s": 30}})

    assert "renewal_margin_s must be shorter than token_lifetime_s" in told
    assert Connection(token_lifetime_s=30, renewal="late", renewal_margin_s=30).renewal == "late"
