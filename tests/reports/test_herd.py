"""What is said of a herd: sentences and tables from numbers by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from loadtests.analysis.quantiles import of_distinct
from reports.herd import crowd_table, herd_exhibit, jitter_table
from reports.input import ReportInput
from reports.metrics import Metrics
from tests.reports.replay_part import replay


def herd_with(**changes: Any) -> dict[str, Any]:
    """Return the metrics of a herd of 500 that took 460 ms, with some changed."""
    jitters = {"0": 500, "300": 199, "1000": 72, "5000": 91}
    return {
        "peak_per_100ms": 500,
        "crowds": 11,
        "crowded_ms": of_distinct(np.full(500, 460.0), distinct=500).to_json(),
        "others_ms": of_distinct(np.full(100, 4.5), distinct=100).to_json(),
        "live_jitter_ms": 0,
        "limit_per_100ms": 250,
        "least_jitter_ms": 300,
        "replayed_over_measured": 1.0,
        "jitters": {key: {"peak": peak, "peak_min": peak - 2, "peak_max": peak + 3} for key, peak in jitters.items()},
        **changes,
    }


def run_with(run: ReportInput, **changes: Any) -> ReportInput:
    """Return a run with that herd."""
    metrics = {**run.results.metrics, "herd": herd_with(**changes)}
    return replace(run, results=replace(run.results, metrics=metrics))


def test_the_herd_is_told_with_its_latency_and_its_remedy(full_run: ReportInput) -> None:
    """Peak, latency in the crowd and otherwise, and the jitter that would do."""
    exhibit = herd_exhibit(run_with(full_run))

    assert exhibit is not None
    said = exhibit.takeaway.replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith("500 re-fetches fell into the densest 100 ms; the API took 460 ms (median)")
    assert "4.5 ms otherwise" in said
    assert said.endswith(
        "A jitter of 300 ms brings the live policy's to half of that without jitter, 250, as a replay of the run "
        "predicts."
    )
    assert exhibit.drawing is not None


def test_a_limit_out_of_reach_or_kept_already_reads_differently(full_run: ReportInput) -> None:
    """No jitter is enough, or none is needed."""
    beyond, kept = (herd_exhibit(run_with(full_run, least_jitter_ms=enough)) for enough in (None, 0))

    assert beyond is not None
    assert kept is not None
    assert beyond.takeaway.endswith("brings the live policy's to half of that without jitter, 250.")
    assert kept.takeaway.endswith("No jitter is needed for half of that without jitter, 250.")


def test_a_rate_that_was_chosen_is_called_so(make_full: Callable[..., ReportInput]) -> None:
    """Half of the peak is only what stands there if nobody chose one."""
    run = make_full()
    chosen = run.scenario.subscribers.model_copy(update={"peak_per_100ms": 250})
    run = replace(run, scenario=run.scenario.model_copy(update={"subscribers": chosen}))
    exhibit = herd_exhibit(run_with(run))

    assert exhibit is not None
    assert "brings the live policy's to at most 250, as" in exhibit.takeaway


def test_a_jitter_that_keeps_the_limit_is_praised(full_run: ReportInput) -> None:
    """The confirming run: nothing is to be brought down any more."""
    exhibit = herd_exhibit(run_with(full_run, peak_per_100ms=213, live_jitter_ms=300))

    assert exhibit is not None
    assert exhibit.takeaway.replace("\N{NO-BREAK SPACE}", " ").endswith(
        "Its jitter of 300 ms kept it to what is wanted: half of that without jitter, 250."
    )


def test_the_figure_and_the_recommendation_say_one_thing(full_run: ReportInput) -> None:
    """The jitter that is recommended, or that it is left as it is."""
    run = run_with(full_run)
    added = {"added_jitter_ms": 400, "is_kept": True, "peak": 180}
    left = {"added_jitter_ms": 0, "is_kept": False, "peak": 500}
    exhibits = [herd_exhibit(replace(run, replay=replay(herd=herd))) for herd in (added, left)]

    assert [
        exhibit.takeaway.replace("\N{NO-BREAK SPACE}", " ").partition(" The setting ")[2]
        for exhibit in exhibits
        if exhibit
    ] == [
        "recommended above has 400 ms of it, and comes to 180.",
        "recommended above leaves it at 500, and says why.",
    ]


def test_a_replay_that_is_off_says_so(full_run: ReportInput) -> None:
    """Two thirds of what was measured."""
    exhibit = herd_exhibit(run_with(full_run, replayed_over_measured=0.64))

    assert exhibit is not None
    assert exhibit.takeaway.endswith("comes to 64\N{NO-BREAK SPACE}% of the measured peak.")


def test_without_a_herd_or_its_replay_there_is_no_figure(full_run: ReportInput) -> None:
    """Nine at once are none; a run too long to replay; a run that was analysed before."""
    assert herd_exhibit(run_with(full_run, peak_per_100ms=9)) is None
    assert herd_exhibit(run_with(full_run, limit_per_100ms=None, jitters={})) is None
    assert herd_exhibit(full_run) is None
    assert crowd_table(full_run.metrics).rows == ()


def test_the_tables_hold_what_is_drawn() -> None:
    """Each jitter with its draws; latency in the crowds and at other times."""
    metrics = Metrics({"herd": herd_with()})

    assert [row[0] for row in jitter_table(metrics).rows] == ["0", "300", "1,000", "5,000"]
    assert jitter_table(metrics).rows[1][1:] == ("199", "197", "202")
    assert [row[:2] for row in crowd_table(metrics).rows] == [("in a crowd", "500"), ("at other times", "100")]
