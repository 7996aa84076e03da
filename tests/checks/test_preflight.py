"""Which limits a load hits, when, and what would fit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.checks.expected_load import ExpectedLoad, expect
from loadtests.checks.preflight import Finding, Severity, compare, discards, refused
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.wire.plans import PlanName


def load(count: int, rate: float, *, duration_s: float = 300, **keys: Any) -> ExpectedLoad:
    """Return the load of `count` subscribers of one organization at `rate` mutations/s."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "What is the answer?",
            "subscribers": {"count": count, "control": 0, **keys.pop("subscribers", {})},
            "phases": [{"name": "steady", "duration_s": duration_s, "mutations_per_s": rate, **keys.pop("phase", {})}],
            **keys,
        }
    )
    return expect(Population(scenario, seed=1, run_id="any"))


def finding(limit: str, plan: PlanName, *arguments: float, **keys: Any) -> Finding:
    """Return what is found of one limit."""
    (found,) = [each for each in compare(load(int(arguments[0]), arguments[1], **keys), plan) if each.limit == limit]
    return found


def test_four_hundred_members_at_five_mutations_a_second_lose_most_on_the_pro_plan() -> None:
    """2,000 deliveries/s against 500: from the first minute on, and 1.25 mutations/s or 100 members are the bound."""
    found = finding("messages/s", "pro", 400, 5)

    assert found.severity is Severity.REFUSED
    assert "5 mutations/s x 400 receivers = 2,000 deliveries/s" in found.arithmetic
    assert "against 500/s as a mean over 60 s in buckets of 5 s" in found.arithmetic
    assert "silently discarded from the first minute on" in found.says
    assert found.from_s is not None
    assert found.from_s < 60
    assert found.fits[0].startswith("fewer than 1.25 mutations/s")
    assert found.fits[1] == "fewer than 100 subscribers for these 5 mutations/s"
    assert found.fits[2] == "plan pro-no-cap or team"
    assert refused(compare(load(400, 5), "pro")) == (found,)


def test_the_control_group_counts_against_the_plan() -> None:
    """200 connections are what the free plan has: 198 devices and three official clients are one too many."""
    group = {"subscribers": {"control": 3}}
    found = finding("connections", "free", 198, 0.1, **group)
    messages = finding("messages/s", "pro", 397, 5, **group)

    assert (found.expected, found.allowed, found.severity) == (201, 200, Severity.WARNED)
    assert found.arithmetic == "201 WebSockets at once, of 198 subscribers and 3 official clients, against 200"
    assert found.fits[0] == "at most 197 subscribers"
    assert finding("connections", "free", 197, 0.1, **group).severity is Severity.FINE
    assert "5 mutations/s x 400 receivers = 2,000 deliveries/s" in messages.arithmetic
    assert messages.fits[1] == "fewer than 97 subscribers for these 5 mutations/s"


def test_what_would_fit_fits() -> None:
    """A little below the bound nothing is certain to be discarded; with room for chance nothing is likely to be."""
    assert finding("messages/s", "pro", 400, 1.24).severity is Severity.WARNED
    assert finding("messages/s", "pro", 400, 0.88).severity is Severity.FINE
    assert finding("messages/s", "pro", 99, 5, phase={"arrivals": "even"}).severity is Severity.FINE


def test_the_limit_itself_is_too_much() -> None:
    """The server discards while the mean is at the limit or above."""
    assert finding("messages/s", "pro", 100, 5).severity is Severity.REFUSED


def test_a_short_burst_fits_into_the_minute() -> None:
    """2,000/s for 10 s are a mean of 333 over 60 s; for 30 s they are 1,000."""
    assert finding("messages/s", "pro", 400, 5, duration_s=10).severity is not Severity.REFUSED
    assert finding("messages/s", "pro", 400, 5, duration_s=30).severity is Severity.REFUSED


def test_a_later_phase_is_named_with_its_minute() -> None:
    """Two calm minutes, then a storm."""
    phases = [
        {"name": "calm", "duration_s": 120, "mutations_per_s": 0.1},
        {"name": "storm", "duration_s": 60, "mutations_per_s": 50},
    ]
    (found,) = [each for each in compare(load(400, 1, phases=phases), "pro") if each.limit == "messages/s"]

    assert "from minute 3 on" in found.says
    assert "in phase 'storm'" in found.says


def test_a_plan_without_limits_refuses_nothing() -> None:
    """The embedded default."""
    told = compare(load(2000, 500), "unlimited")

    assert refused(told) == ()
    assert {each.says for each in told if each.allowed is None and each.limit.endswith("/s")} == {
        "the plan sets no limit"
    }


def test_too_many_connections_are_told_with_the_plans_that_have_room() -> None:
    """300 on the free plan: 100 are refused, and the paid one has 500."""
    found = finding("connections", "free", 300, 0.01)

    assert found.severity is Severity.WARNED
    assert found.says.startswith("100 devices are refused with HTTP 429")
    assert found.fits == ("at most 200 subscribers", "plan pro or pro-no-cap or team")
    assert finding("connections", "free", 200, 0.01).severity is Severity.FINE


def test_a_storm_of_joins_is_told() -> None:
    """500 a second for 15 s are a mean of 125 over a minute; what comes at once is through before anybody looks."""
    storm = {"lifecycle": [{"at_s": 100, "step": "login", "within_s": 20}]}
    found = finding("joins/s", "free", 10_000, 0, **storm)

    assert found.severity is Severity.WARNED
    assert "after 11" in found.says
    assert finding("joins/s", "pro", 10_000, 0, **storm).severity is Severity.FINE
    at_once = {"lifecycle": [{"at_s": 100, "step": "login"}]}
    assert finding("joins/s", "free", 10_000, 0, **at_once).severity is Severity.FINE


def test_a_month_s_quota_is_told_with_its_price() -> None:
    """1,000 members at 2.4 mutations/s for an hour are 8.64 million messages: four packages, and one of connections."""
    found = finding("monthly quota", "team", 1000, 2.4, duration_s=3600)

    assert found.severity is Severity.WARNED
    assert found.says == "this run alone goes beyond what the plan includes: $20.00"
    assert "8,640,000 messages of 5,000,000; 1,000 peak connections of 500" in found.arithmetic


def test_a_pool_of_mutators_that_is_too_small_is_told() -> None:
    """50 users at 200/s have a quarter of a second for each mutation."""
    found = finding("mutators", "unlimited", 0, 200)

    assert found.severity is Severity.WARNED
    assert found.fits == ("--set mutators.users=201",)


@given(st.floats(0, 1000), st.integers(1, 1000))
def test_less_than_the_limit_is_never_discarded_and_the_limit_for_a_minute_always(rate: float, limit: int) -> None:
    """For any constant rate over three minutes."""
    told = discards(np.full(180, rate), limit, begins_s=0)

    if rate < limit - 0.01:
        assert told.share == 0
    if rate >= limit:
        assert told.from_s is not None
        assert told.from_s <= 60
        assert 0 < told.share < 1


def test_losses_come_in_runs_of_five_seconds_and_more() -> None:
    """2,000/s against 500: a quarter gets through in the long run, less the overshoot of each bucket."""
    told = discards(np.full(3600, 2000.0), 500, begins_s=0)

    assert told.share == pytest.approx(0.75, abs=0.03)


def test_without_a_mutation_nobody_has_to_keep_up() -> None:
    """Rather than for an infinite time."""
    found = finding("mutators", "unlimited", 1, 0)

    assert found.says == "nothing is written, and nobody has to keep up"
