"""The words of `[abort]`."""

import pytest
from pydantic import ValidationError

from loadtests.scenario.abort import Abort


def test_left_out_it_ends_nothing() -> None:
    """The embedded pipeline may be driven to its end."""
    assert Abort().model_dump(exclude_none=True) == {}


@pytest.mark.parametrize("keys", [{"error_share": 1.5}, {"latency_ms": 0}, {"slot_lag_mb": -1}])
def test_what_could_never_be_meant_is_refused(keys: dict[str, float]) -> None:
    """More than all, and less than something."""
    with pytest.raises(ValidationError):
        Abort.model_validate(keys)
