"""How the embedded pipeline can be told to behave, in a scenario."""

from typing import Any, get_type_hints

import pytest
from pydantic import ValidationError

from loadtests.pipeline.settings import ApiOptions
from loadtests.scenario.behaviour import Behaviour
from loadtests.scenario.model import Scenario


def scenario(**target: Any) -> Scenario:
    """Return a scenario with this target."""
    phase = {"name": "steady", "duration_s": 10, "mutations_per_s": 5}
    return Scenario.model_validate(
        {"name": "any", "question": "What is the answer?", "phases": [phase], "deadline_ms": 3000, "target": target}
    )


@pytest.mark.parametrize(
    ("contradiction", "told"),
    [
        ({"as_built": True, "event_limit": "coalesce"}, "today's code only labels"),
        ({"as_built": True, "push_notifications": True}, "today's code notifies nobody"),
        ({"events_per_minute": 0}, "target.events_per_minute"),
        ({"retention_s": 29}, "target.retention_s"),
    ],
)
def test_what_makes_no_sense_is_refused(contradiction: dict[str, Any], told: str) -> None:
    """Nobody finds out after the run that the pipeline did something else."""
    with pytest.raises(ValidationError, match=told):
        scenario(**contradiction)


def test_the_drain_outlasts_what_is_held_back() -> None:
    """What is coalesced is announced at most a minute late, and then has its deadline."""
    assert scenario().effective_drain_s == 4
    assert scenario(event_limit="coalesce").effective_drain_s == 64


def test_the_limit_has_the_pipelines_words() -> None:
    """The scenario repeats them, because it must not import them."""
    assert Behaviour.model_fields["event_limit"].annotation == get_type_hints(ApiOptions)["event_limit"]
