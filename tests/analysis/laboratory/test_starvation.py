"""How long signals wait for quiet: batches by hand, and the theory beside chance."""

import math
from random import Random
from statistics import fmean, stdev

import pytest

from loadtests.analysis.laboratory.starvation import (
    Batches,
    even_wait_s,
    longest_by_device,
    poisson_wait_s,
    read_batches,
)
from loadtests.clients.gathering import Gatherer
from loadtests.clients.policy import Coalescing, RefreshPolicy
from loadtests.clients.requests import RequestKey
from loadtests.clients.signals import Signal, Subject
from loadtests.history.kinds import Kind
from tests.analysis.literal import Story

S = 1_000_000_000
MS = 1_000_000


def batches_of(story: Story) -> Batches:
    """Return the batches of a story."""
    return read_batches(story.run(), story.history)


def test_a_batch_waits_from_its_first_signal_to_its_flush() -> None:
    """Two signals in one batch, the second 300 ms after the first, and a flush 500 ms after that."""
    story = Story().clock().live(0).mutation(0, 1000).mutation(1, 1300)
    story.signal(0, "e0", 1010, batch=1).signal(0, "e1", 1310, batch=1).row(Kind.FLUSH, 1810, actor=0, value=1)

    batches = batches_of(story)

    assert batches.waited_ns.tolist() == [800 * MS]
    assert batches.is_flushed.tolist() == [True]
    assert (batches.last_ns - batches.first_ns).tolist() == [300 * MS]


def test_a_batch_that_is_never_flushed_waits_until_nobody_looks() -> None:
    """Somebody looks away 2 s after the signal: it has waited at least so long."""
    story = Story().clock().live(0).away(0, 3010, 9000).mutation(0, 1000).signal(0, "e0", 1010, batch=1)

    batches = batches_of(story)

    assert batches.is_flushed.tolist() == [False]
    assert batches.waited_ns.tolist() == [2000 * MS]


def test_each_device_has_its_longest_wait() -> None:
    """Device 0 waited 500 and 900 ms, device 1 once 600 ms."""
    story = Story().clock().live(0, 1).mutation(0, 1000).mutation(1, 5000)
    story.signal(0, "e0", 1000, batch=1).row(Kind.FLUSH, 1500, actor=0, value=1)
    story.signal(0, "e1", 5000, batch=2).row(Kind.FLUSH, 5900, actor=0, value=2)
    story.signal(1, "e0", 1000, batch=3).row(Kind.FLUSH, 1600, actor=1, value=3)

    batches = batches_of(story)
    device, longest_ns = longest_by_device(batches, batches.is_flushed)

    assert dict(zip(device.tolist(), longest_ns.tolist(), strict=True)) == {0: 900 * MS, 1: 600 * MS}


@pytest.mark.parametrize("events_per_s", [0.5, 1.0, 2.0, 5.0])
def test_the_theory_is_what_a_debounce_does_under_chance(events_per_s: float) -> None:
    """The clients' own gatherer, 4,000 batches of random events: the mean lies within four standard errors."""
    dice = Random(7)  # noqa: S311 - dice, no secret
    waits_s = _waits_s(events_per_s, window_s=0.5, batches=4000, random=dice)

    error_s = stdev(waits_s) / math.sqrt(len(waits_s))

    assert fmean(waits_s) == pytest.approx(poisson_wait_s(events_per_s, 0.5), abs=4 * error_s)


def _waits_s(events_per_s: float, *, window_s: float, batches: int, random: Random) -> list[float]:
    gatherer = Gatherer(
        RefreshPolicy(round(window_s * S), Coalescing.ENTITY), iter(range(1, batches + 2)), random.random
    )
    signal = Signal(subject=Subject.JOB, is_upload=False, entity="job:1", entity_id="1")
    keys = (RequestKey.job_list(limit=25),)
    now_ns, first_ns, waits_s = 0, 0, []
    while len(waits_s) < batches:
        now_ns += round(random.expovariate(events_per_s) * S)
        due_ns = gatherer.due_ns()
        if due_ns is not None and due_ns <= now_ns:
            gatherer.take(due_ns)
            waits_s.append((due_ns - first_ns) / S)
        if not gatherer.is_pending:
            first_ns = now_ns
        gatherer.signal(signal, keys, now_ns)
    return waits_s


def test_without_events_a_batch_waits_for_its_window() -> None:
    """And at 20 events a second, for eleven minutes on average."""
    assert poisson_wait_s(0.0, 0.5) == 0.5
    assert poisson_wait_s(20.0, 0.5) == pytest.approx(1101.3, rel=1e-4)
    assert poisson_wait_s(2000.0, 0.5) == math.inf


def test_even_events_starve_it_or_do_not() -> None:
    """Every 0.6 s leaves a window of 0.5 s alone; every 0.4 s never does."""
    assert even_wait_s(1 / 0.6, 0.5) == 0.5
    assert even_wait_s(1 / 0.4, 0.5) == math.inf
