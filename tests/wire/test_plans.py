"""The plans are those of Supabase's documentation."""

from typing import get_args

from loadtests.wire.plans import PLANS, Plan, PlanName, Price


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
        price=Price(messages_included=5_000_000, connections_included=500, charges_beyond=False),
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


def test_whole_packages_are_charged_beyond_what_is_included() -> None:
    """15 million messages are ten packages beyond the five million of the plan; 501 connections are one."""
    price = PLANS["team"].price
    assert price is not None

    assert price.cents(15_000_000, 500) == 10 * 250
    assert price.cents(5_000_001, 501) == 250 + 1_000
    assert price.cents(5_000_000, 500) == 0


def test_a_spend_cap_charges_nothing_and_holds_to_the_quota() -> None:
    """Neither does the free plan, which has less in it."""
    free, pro = PLANS["free"].price, PLANS["pro"].price
    assert free is not None
    assert pro is not None

    assert (free.cents(10**9, 10**6), pro.cents(10**9, 10**6)) == (0, 0)
    assert free.exceeds(2_000_001, 1)
    assert not pro.exceeds(5_000_000, 500)
