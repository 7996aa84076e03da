"""The run in bins of time."""

import numpy as np

from loadtests.analysis.timeline import timeline
from loadtests.history.kinds import Kind
from tests.analysis.literal import Story

PHASES = [
    {"name": "warm-up", "duration_s": 2, "mutations_per_s": 1, "warm_up": True},
    {"name": "load", "duration_s": 3, "mutations_per_s": 1},
]


def test_bins_begin_at_the_window_and_reach_back_into_the_warm_up() -> None:
    """One write in the warm-up, one at 1 s of the window; the second one's pairs were visible after 600 and 700 ms."""
    story = Story(phases=PHASES).clock().live(0, 1).true_job("job", 3).mutation(0, 500).mutation(1, 3000, revision=3)
    story._rows[0]["revision"] = 1
    story.row(Kind.PHASE, 2000, value=1).row(Kind.ENDED, 5000)
    story.body("two", ("job", 2)).body("three", ("job", 3)).signal(0, "e1", 3010, batch=1)
    story.fetch(0, 3590, 3600, "three", batch=1).fetch(1, 3690, 3700, "three")
    run = story.run()

    line = timeline(run.mutations, run.signals, run.screens.requests, run.pairs, devices=run.devices, window=run.window)

    assert line.begin_s.tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert line.writes.tolist() == [1, 0, 0, 1, 0]
    assert line.signals.tolist() == [0, 0, 0, 1, 0]
    assert line.refreshes.tolist() == [0, 0, 0, 2, 0]
    assert line.polls.tolist() == [0, 0, 0, 0, 0]
    assert line.visibility_ms_p95[[0, 3]].tolist() == [3200.0, 700.0]
    assert line.visibility_ms_p50[3] == 600.0
    assert np.isnan(line.visibility_ms_p50[1])


def test_who_does_not_look_does_not_wait() -> None:
    """One saw the change after 600 ms; the other was away, and when it looked again nothing was shown."""
    story = Story(phases=PHASES[1:]).clock().live(0, 1).away(1, 500, 9000).true_job("job", 2).mutation(0, 1000)
    run = story.body("new", ("job", 2)).fetch(0, 1590, 1600, "new").run()

    line = timeline(run.mutations, run.signals, run.screens.requests, run.pairs, devices=run.devices, window=run.window)

    assert line.visibility_ms_p95[1] == 600.0
