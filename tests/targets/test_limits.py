"""What the owner of a target allows."""

import pytest
from pydantic import ValidationError

from loadtests.checks.abort import AbortLimits
from loadtests.checks.guard import Caps
from loadtests.scenario.abort import Abort
from loadtests.targets.limits import Limits


def test_the_defaults_suit_a_first_look() -> None:
    """200 connections are what the free plan has."""
    assert Limits().caps == Caps(connections=200, mutations=10_000, mutations_per_s=50, duration_s=3600)
    assert Limits().abort.error_share == 0.2


def test_an_unknown_cap_is_refused_by_its_name() -> None:
    """Whoever misspells a cap believes that there is one."""
    with pytest.raises(ValidationError, match="connection"):
        Limits.model_validate({"connection": 5})


def test_of_two_limits_the_stricter_holds() -> None:
    """The scenario's and the owner's; what neither sets is no limit."""
    told = AbortLimits.strictest(Abort(error_share=0.5, latency_ms=100), Abort(error_share=0.2))

    assert (told.error_share, told.latency_ms, told.slot_lag_mb) == (0.2, 100, None)
