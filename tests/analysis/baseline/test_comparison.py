"""Push and polling at equal cost and at equal freshness, of a pipeline whose delays are known."""

from typing import Any

import numpy as np
import pytest

from loadtests.analysis.analyse import analyse
from loadtests.analysis.baseline.blocks import cut
from loadtests.analysis.baseline.comparison import Comparison
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, WALL_OFFSET_MS, Story
from tests.analysis.synthetic_history import record_run
from tests.analysis.synthetic_pipeline import SyntheticPipeline


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the comparison of a minute with one change every two seconds, polled every 5 s."""
    plan = SyntheticPipeline(organizations=1, subscribers=4, pollers=3, intervals_s=(5.0,), rounds=30)
    path = record_run(plan, tmp_path_factory.mktemp("comparison") / "run")
    return analyse(History.read(path), plan.scenario, plan.population, replays=False).metrics["comparison"]


def test_push_costs_a_request_for_each_change(comparison: Any) -> None:
    """Thirty a minute; so the interval of equal cost is two seconds."""
    assert comparison["push_requests_per_minute"]["value"] == pytest.approx(30, rel=0.05)
    assert comparison["equal_cost"]["interval_s"]["value"] == pytest.approx(2.0, rel=0.05)


def test_polling_at_that_cost_is_later(comparison: Any) -> None:
    """Stored after 4 ms and fetched in 8: half of 2 s on top, and 19 twentieths for the p95."""
    equal = comparison["equal_cost"]
    interval_s = equal["interval_s"]["value"]

    assert equal["visibility_ms_p50"]["value"] == pytest.approx(12 + 500 * interval_s, abs=2)
    assert equal["visibility_ms_p95"]["value"] == pytest.approx(12 + 950 * interval_s, abs=2)


def test_polling_as_fresh_costs_more(comparison: Any) -> None:
    """Push shows every change after about 527 ms: polling needs an interval of (527 - 12) / 0.95 ms for that p95."""
    p95_ms = comparison["push_visibility_ms_p95"]["value"]
    equal = comparison["equal_freshness"]

    assert equal["interval_s"]["value"] == pytest.approx((p95_ms - 12) / 950, rel=0.01)
    assert equal["requests_per_minute"]["value"] == pytest.approx(60 / equal["interval_s"]["value"])


def test_each_number_has_bounds_around_it(comparison: Any) -> None:
    """Thirty stretches of two seconds: push shows a change sooner than that."""
    assert comparison["blocks"] == 30
    for told in (comparison["push_requests_per_minute"], comparison["equal_cost"]["visibility_ms_p95"]):
        assert told["low"] <= told["value"] <= told["high"]


def test_a_cohort_is_compared_by_stretches_as_long_as_its_interval(comparison: Any) -> None:
    """Twelve of five seconds; a slow cohort does not take the bounds from all the rest."""
    assert comparison["dominance"]["5s"]["blocks"] == 12


def test_polling_is_told_of_the_pairs_that_push_is_told_of() -> None:
    """Two devices are to see a change that is stored after 3 ms, and one that takes a second.

    Polling every second, half of the three pairs have seen theirs after 750 ms and what is ahead of every poller.
    """
    story = Story(organizations={"count": 2, "jobs": 1}, subscribers={"count": 3, "web": 0}).clock()
    homes = [device.organization for device in story.population.subscribers]
    for device, home in enumerate(homes):
        story.live(device, organization=home)
    crowded = max(homes, key=homes.count)
    story.mutation(0, 1000, organization=crowded, job="quick").mutation(1, 1000, organization=1 - crowded, job="slow")
    stored_ns = (2000 + WALL_OFFSET_MS) * MS
    story.row(
        Kind.TRUE_MUTATION, 30_001, entity="slow", actor=1, revision=2, flag=MutationKind.UPDATE, due_ns=stored_ns
    )

    curve = story.metrics()["comparison"]["curve"]

    assert curve[0]["interval_s"] == 1
    assert curve[0]["visibility_ms_p50"] == pytest.approx(3 + 750, abs=1)


def test_push_and_polls_cross_early(comparison: Any) -> None:
    """A tenth of the polls comes sooner than push's debounce is over; the others come later."""
    found = comparison["dominance"]["5s"]

    assert 0.5 in found["better_at"]
    assert 0.95 in found["better_at"]
    assert not [share for share in found["worse_at"] if share > 0.25]


def test_a_stretch_costs_what_it_cost_those_who_were_there() -> None:
    """A device that leaves after 4 s, with two requests in the first of five stretches: none was there in the last."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().lives(0, -1000, 4000).body("page", ("job", 1))
    run = story.fetch(0, 500, 510, "page").fetch(0, 1500, 1510, "page").run()
    compared = Comparison(run, cut(run.window, remembered_s=2, seed=1))

    told = [compared.push_requests_per_minute(weights) for weights in np.eye(5)]

    assert told == [60, 0, None, None, None]


def test_where_nobody_was_to_see_a_change_nothing_is_compared() -> None:
    """No mutation."""
    assert Story().clock().live(0).metrics()["comparison"] == {}
