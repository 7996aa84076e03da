"""Where the time went, pair by pair."""

import numpy as np

from loadtests.analysis.analyse import analyse
from loadtests.analysis.waterfall import STAGES, Waterfall, follow_refreshes
from tests.analysis.literal import Story
from tests.analysis.synthetic_history import history_of
from tests.analysis.synthetic_pipeline import SyntheticPipeline


def waterfall_of(story: Story) -> Waterfall:
    """Return the waterfall of a story."""
    run = story.run()
    return follow_refreshes(
        run.pairs, run.mutations, events=run.events, signals=run.signals, requests=run.screens.requests
    )


def story_of_one() -> Story:
    """Return one mutation due at 100 ms: sent 101, committed 105."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).true_job("job", 2)
    return story.mutation(0, 100).body("new", ("job", 2))


def test_the_stages_follow_the_refresh_that_made_it_visible() -> None:
    """Received 112, flushed 612, requested 615, answered 640."""
    story = story_of_one().signal(0, "e0", 112, batch=1).fetch(0, 615, 640, "new", batch=1, wanted_ms=612)

    waterfall = waterfall_of(story)

    assert {stage: values.tolist() for stage, values in waterfall.stages_ms.items()} == {
        "send_delay": [1.0],
        "emission_delay": [4.0],
        "signal_latency": [7.0],
        "debounce_wait": [500.0],
        "queued": [3.0],
        "refresh_latency": [25.0],
    }


def test_a_pair_made_visible_by_another_refresh_has_a_single_stage() -> None:
    """A flush that its own event was not part of got there first: committed 105 to answered 300."""
    story = story_of_one().signal(0, "e0", 112, batch=2).fetch(0, 290, 300, "new", batch=1, wanted_ms=288)
    story.fetch(0, 615, 640, "new", batch=2, wanted_ms=612)

    waterfall = waterfall_of(story)

    assert len(waterfall.own) == 0
    assert waterfall.committed_to_answered_ms.tolist() == [195.0]


def test_a_signal_before_its_commit_stamp_is_kept_as_negative() -> None:
    """The clocks are off by more than the signal took: -1 ms stays -1 ms."""
    story = story_of_one().signal(0, "e0", 104, batch=1).fetch(0, 615, 640, "new", batch=1, wanted_ms=604)

    assert waterfall_of(story).stages_ms["signal_latency"].tolist() == [-1.0]


def test_stages_add_up_to_the_visibility_latency_of_every_pair() -> None:
    """In integers of nanoseconds the sum is exact; in milliseconds it is to the last rounding."""
    pipeline = SyntheticPipeline(rounds=30, jitter_ms=20, lost_share=0.1)
    results = analyse(history_of(pipeline), pipeline.scenario, pipeline.population)
    stages = results.series.stages_ms

    total = np.sum(list(stages.values()), axis=0)

    assert tuple(stages) == STAGES
    assert len(total) == int((~pipeline.is_lost).sum())
    assert np.allclose(np.sort(total), np.sort(pipeline.visibility_ms[~pipeline.is_lost]), rtol=0, atol=1e-6)
