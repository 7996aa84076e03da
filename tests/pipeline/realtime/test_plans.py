"""The plans are those of Supabase's documentation."""

from typing import get_args

from loadtests.pipeline.realtime.plans import PLANS, Plan
from loadtests.pipeline.settings import PlanName


def test_every_plan_that_can_be_chosen_has_limits() -> None:
    """And no other."""
    assert set(PLANS) == set(get_args(PlanName))


def test_limits_of_the_paid_plan() -> None:
    """500 of everything and 50 of presence, and 100 channels for each connection."""
    expected = Plan(
        connections=500,
        messages_per_s=500,
        joins_per_s=500,
        channels_per_connection=100,
        presence_messages_per_s=50,
    )

    assert PLANS["pro"] == expected


def test_the_free_plan_alone_has_small_payloads() -> None:
    """256 KB; every other has 3 MB."""
    assert {name: plan.payload_kb for name, plan in PLANS.items() if plan.payload_kb != 3000} == {"free": 256}


def test_unlimited_limits_no_project() -> None:
    """The default: a load test on the embedded pipeline is not cut short. One channel may do what it may everywhere."""
    plan = PLANS["unlimited"]
    of_the_project = (
        plan.connections,
        plan.messages_per_s,
        plan.joins_per_s,
        plan.channels_per_connection,
        plan.presence_messages_per_s,
    )

    assert set(of_the_project) == {None}
    assert (plan.presence_calls, plan.payload_kb) == (5, 3000)
