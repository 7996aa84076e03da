"""The plans are those of Supabase's documentation."""

from typing import get_args

from loadtests.pipeline.realtime.plans import PLANS, Plan
from loadtests.pipeline.settings import PlanName


def test_every_plan_that_can_be_chosen_has_limits() -> None:
    """And no other."""
    assert set(PLANS) == set(get_args(PlanName))


def test_limits_of_the_paid_plan() -> None:
    """500 of everything, and 100 channels for each connection."""
    expected = Plan(connections=500, messages_per_s=500, joins_per_s=500, channels_per_connection=100)

    assert PLANS["pro"] == expected


def test_unlimited_limits_nothing() -> None:
    """The default: a load test on the embedded pipeline is not cut short."""
    expected = Plan(connections=None, messages_per_s=None, joins_per_s=None, channels_per_connection=None)

    assert PLANS["unlimited"] == expected
