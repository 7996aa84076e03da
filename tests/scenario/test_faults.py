"""Faults in a scenario: the parameters that a kind takes, and what is refused."""

from typing import Any, get_args

import msgspec
import pytest
from pydantic import ValidationError

from loadtests.pipeline.faults import kinds
from loadtests.scenario.faults import SHAPES, Fault, FaultKind
from loadtests.scenario.model import Scenario

QUESTION = {"name": "any", "question": "What is the answer?"}
STEADY = {"name": "steady", "duration_s": 10, "mutations_per_s": 5}


def complaint(**keys: Any) -> str:
    """Return what is wrong with a fault."""
    with pytest.raises(ValidationError) as caught:
        Fault.model_validate({"at_s": 1.0, **keys})
    return str(caught.value)


def test_a_fault_tells_only_the_parameters_that_it_has() -> None:
    """They are what the target is sent."""
    fault = Fault.model_validate({"at_s": 1.0, "kind": "delay", "count": 3, "ms": 250})

    assert fault.parameters == {"count": 3, "ms": 250}


def test_a_fault_survives_the_manifest() -> None:
    """As the scenario does."""
    told = Scenario.model_validate(
        {**QUESTION, "phases": [STEADY], "faults": [{"at_s": 1, "kind": "close", "code": 1012, "share": 0.5}]}
    )

    assert Scenario.model_validate(told.model_dump(mode="json")) == told


def test_an_unknown_kind_is_refused() -> None:
    """The known ones are named."""
    assert "'drop'" in complaint(kind="dorp")


def test_a_parameter_of_another_kind_is_refused() -> None:
    """Those that it takes are named."""
    assert "'close' has no count; its parameters: code, share" in complaint(kind="close", code=1012, count=2)


def test_a_missing_parameter_is_refused() -> None:
    """By name, or as a choice."""
    assert "'delay' needs ms" in complaint(kind="delay", count=1)
    assert "'drop' needs count or share" in complaint(kind="drop")


def test_a_fault_after_the_load_is_refused() -> None:
    """It would never be seen."""
    with pytest.raises(ValidationError, match="would come after the load"):
        Scenario.model_validate({**QUESTION, "phases": [STEADY], "faults": [{"at_s": 10, "kind": "slot_lost"}]})


def test_the_words_are_the_pipelines() -> None:
    """The scenario repeats the pipeline's kinds and parameters, which it must not import."""
    theirs = {
        str(kind.__struct_config__.tag): {field.name for field in msgspec.structs.fields(kind)} - {"seed"}
        for kind in get_args(kinds.Fault)
    }

    assert set(get_args(FaultKind)) == set(SHAPES) == set(theirs)
    assert {kind: set(shape.allowed) for kind, shape in SHAPES.items()} == theirs
