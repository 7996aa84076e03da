"""The document metrics.json: its keys, and a synthetic pipeline whose answer is known."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from loadtests.analysis import metric_keys
from loadtests.analysis.analyse import analyse
from loadtests.analysis.metric_keys import METRIC_KEYS, documentation, find_metric
from loadtests.analysis.metric_patterns import pattern_of
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from tests.analysis.literal import MS, Story
from tests.analysis.synthetic_history import history_of, write_history
from tests.analysis.synthetic_pipeline import SyntheticPipeline

PIPELINE = SyntheticPipeline(rounds=60, pollers=8, intervals_s=(10.0, 5.0), jitter_ms=10, lost_share=0.03, members=(1,))


@pytest.fixture(scope="module")
def metrics() -> Mapping[str, Any]:
    """Return what analysis says of the synthetic pipeline."""
    return analyse(history_of(PIPELINE), PIPELINE.scenario, PIPELINE.population).metrics


def test_visibility_is_recovered_exactly() -> None:
    """Pair by pair, pushed and polled, with those healed by a later refresh and those that never were."""
    series = analyse(history_of(PIPELINE), PIPELINE.scenario, PIPELINE.population).series

    assert np.array_equal(np.sort(series.push_visibility_ms), np.sort(PIPELINE.visibility_ms.ravel()))
    assert tuple(series.polling_visibility_ms) == ("5s", "10s")
    for cohort, name in enumerate(("10s", "5s")):
        polled = PIPELINE.poll_visibility_ms(cohort)
        assert np.array_equal(np.sort(series.polling_visibility_ms[name]), np.sort(polled))


def test_loss_is_recovered_exactly(metrics: Mapping[str, Any]) -> None:
    """Each lost signal is missed while live; all but the last of a device are healed."""
    lost = int(PIPELINE.is_lost.sum())
    never = int(np.isinf(PIPELINE.visibility_ms).sum())

    delivery = metrics["delivery"]

    assert lost > 0
    assert delivery["expected"] == PIPELINE.is_lost.size
    assert delivery["missed_live"] == lost
    assert delivery["live_healed"] == lost - never
    assert delivery["delivered_once"] == PIPELINE.is_lost.size - lost
    assert delivery["causes"] == {"lost frame": lost}
    assert metrics["push"]["visibility_ms"]["never"] == never


def test_rates_are_recovered_exactly(metrics: Mapping[str, Any]) -> None:
    """One refresh for each signal, one mutation every 2 s, and polls at their interval."""
    push = metrics["push"]
    minutes = PIPELINE.subscribers * PIPELINE.organizations * metrics["population"]["duration_s"] / 60

    assert push["signals_per_subscriber_minute"] == pytest.approx((~PIPELINE.is_lost).sum() / minutes)
    assert push["wasted_refreshes"] == 0
    assert metrics["polling"]["5s"]["requests_per_subscriber_minute"] == pytest.approx(12)
    assert push["requests_avoided"]["5s"] == pytest.approx(1 - push["requests_per_subscriber_minute"] / 12)
    assert metrics["coalescing"]["ratio"] == 1.0
    assert metrics["mutations"]["acked"] == PIPELINE.mutations


def test_polling_agrees_with_its_closed_form() -> None:
    """With phases spread evenly the median is half an interval and the fetch after the commit."""
    pipeline = SyntheticPipeline(rounds=60, pollers=40, intervals_s=(5.0,))

    polling = analyse(history_of(pipeline), pipeline.scenario, pipeline.population).metrics["polling"]["5s"]

    assert polling["closed_form_p50_ms"] == pipeline.send_ms + pipeline.store_ms + 2500 + pipeline.fetch_ms
    assert polling["p50_over_closed_form"] == pytest.approx(1, abs=0.1)


def test_one_round_more_without_loss_converges() -> None:
    """Nothing is lost, so every view is right."""
    pipeline = SyntheticPipeline(rounds=17, pollers=3, intervals_s=(5.0,))

    metrics = analyse(history_of(pipeline), pipeline.scenario, pipeline.population).metrics

    convergence = metrics["convergence"]
    assert (convergence["views"], convergence["away_views"]) == (23, 0)
    assert (convergence["wrong_views"], convergence["wrong_jobs"], convergence["differences"]["total"]) == (0, 0, 0)


def test_seen_within_one_second_counts_mutations_that_every_device_saw() -> None:
    """Two devices: both saw the first in time, one the second, none is asked about what is off the screen."""
    story = Story().clock().live(0, 1).true_job("job", 3).mutation(0, 100).mutation(1, 2000, revision=3)
    story.body("two", ("job", 2)).body("three", ("job", 3))
    story.fetch(0, 690, 700, "two").fetch(1, 1090, 1100, "two").fetch(0, 2990, 3000, "three")

    seen = story.metrics()["push"]["seen_within_1s"]

    assert seen == {"mutations": 1, "of": 2, "pairs": 3, "of_pairs": 4}


def test_silent_emission_failures_and_double_events_are_counted() -> None:
    """One acked mutation has no event, one has two, and one event has no mutation."""
    story = Story().clock().live(0, 1).true_job("job", 2).mutation(0, 100, has_event=False).mutation(1, 200)
    story.event("again", 206, mutation=1, of=2).event("stray", 300, of=2)  # type: ignore[arg-type]

    mutations = story.metrics()["mutations"]

    assert (mutations["without_event"], mutations["ambiguous"], mutations["events_without_acked"]) == (1, 1, 1)


def test_a_mutation_that_was_cut_off_is_unknown() -> None:
    """Sent, and the run ended before the answer: it may or may not be done."""
    story = Story().clock().live(0, 1).true_job("job", 1).row(Kind.DUE, 100, due_ns=100 * MS, actor=0, flag=2)

    mutations = story.row(Kind.SENT, 101, due_ns=100 * MS, actor=0).metrics()["mutations"]

    assert (mutations["due"], mutations["sent"], mutations["unknown"]) == (1, 1, 1)


def test_a_truth_that_was_not_read_to_its_end_tells_of_nothing_missing() -> None:
    """The first event was read during the run, then the database died: the second is neither phantom nor missing."""
    story = Story().clock().live(0, 1).mutation(0, 100).mutation(1, 300, revision=3, has_event=False)
    story.signal(0, "e0", 110).named("e1", 310, organization=0).signal(0, "e1", 310)

    metrics = story.metrics()

    assert (metrics["delivery"]["phantom"], metrics["mutations"]["without_event"]) == (None, None)


def test_every_key_is_documented_and_every_documented_key_is_there(metrics: Mapping[str, Any]) -> None:
    """The table is the contract."""
    interrupted = Story().clock().live(0, 1).true_job("job", 1).down(0, 100, 200).row(Kind.REFUSED, 150, value=429)
    interrupted.mutation(0, 300).signal(0, "e0", 1500, batch=1).body("new", ("job", 2)).fetch(
        0, 1600, 1900, "new", batch=1
    )
    interrupted.row(Kind.NOT_RENEWED, 160, entity="answers 503", flag=503)
    troubled = {
        key: value
        for key, value in interrupted.metrics().items()
        if key in {"connections", "convergence", "delivery", "push", "sessions"}
    }
    paths = [*_leaves(metrics, ""), *_leaves(troubled, "")]
    documented = [(path, pattern_of(path)) for path in METRIC_KEYS]

    assert [path for path in paths if not any(pattern.match(path) for _, pattern in documented)] == []
    assert [path for path, pattern in documented if not any(pattern.match(leaf) for leaf in paths)] == []


def _leaves(document: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in document.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and path != "health.processes" and "p50" not in value:
            yield from _leaves(value, f"{path}.")
            continue
        yield path
        if isinstance(value, Mapping) and "mean" in value:
            yield f"{path}.mean"


def test_the_document_is_plain_json(metrics: Mapping[str, Any]) -> None:
    """No numpy number, no nan: what is written reads back the same."""
    assert orjson.loads(orjson.dumps(metrics)) == metrics


def test_the_documentation_names_every_key() -> None:
    """As a table."""
    text = documentation()

    assert all(f"`{path}`" in text for path in METRIC_KEYS)


def test_keys_with_dots_are_found() -> None:
    """`0.5s` is one key."""
    assert (
        find_metric("coalescing.efficiency_by_bound.0.5s", {"coalescing": {"efficiency_by_bound": {"0.5s": 0.7}}})
        == 0.7
    )
    with pytest.raises(KeyError, match=re.escape("coalescing.nothing")):
        find_metric("coalescing.nothing", {"coalescing": {}})


def test_a_run_that_died_at_once_still_has_metrics() -> None:
    """Nothing recorded but that it began."""
    story = Story()
    history = History.from_rows([{"kind": Kind.PHASE, "at_ns": 0, "revision": 1}])

    metrics = analyse(history, story.scenario, story.population).metrics

    assert metrics["push"]["visibility_ms"]["p50"] is None
    assert metrics["health"]["reasons"]


def test_an_empty_history_still_has_metrics() -> None:
    """Not even that."""
    story = Story(pollers=[{"interval_s": 5, "count": 1}])

    metrics = analyse(History.from_rows([]), story.scenario, story.population).metrics

    assert metrics["delivery"]["expected"] == 0


def test_shards_of_a_run_are_read_as_one(tmp_path: Path, metrics: Mapping[str, Any]) -> None:
    """Written as a ledger and read back, the metrics are the same."""
    write_history(PIPELINE, tmp_path)

    again = analyse(History.read(tmp_path), PIPELINE.scenario, PIPELINE.population).metrics

    assert again == metrics


def test_the_document_in_the_repository_is_the_one_that_is_printed() -> None:
    """After a change: `loadtests metrics > loadtests/analysis/METRICS.md`."""
    written = Path(metric_keys.__file__).with_name("METRICS.md").read_text(encoding="utf-8")

    assert written == documentation()
