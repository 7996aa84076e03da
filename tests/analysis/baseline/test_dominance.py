"""Better, worse or crossing, quantile by quantile."""

import numpy as np

from loadtests.analysis.baseline.blocks import Blocks, cut
from loadtests.analysis.baseline.dominance import Compared, Dominance, Sample, compare
from loadtests.analysis.window import Window

BLOCKS = cut(Window(start_ns=0, end_ns=40_000_000_000, load_ns=0), remembered_s=0, seed=1)


def sample(low: float, high: float, blocks: Blocks = BLOCKS) -> Sample:
    """Return 2,000 values spread evenly, over all stretches alike."""
    values = np.linspace(low, high, 2000)
    return Sample(values=np.random.default_rng(1).permutation(values), block=np.arange(2000) % blocks.count)


def verdict(push: Sample, other: Sample) -> Compared:
    """Return how they compare."""
    return compare(push, other, BLOCKS)


def test_what_is_earlier_everywhere_is_better_everywhere() -> None:
    """And the other way round."""
    assert verdict(sample(0, 1000), sample(500, 6000)).verdict is Dominance.BETTER
    assert verdict(sample(500, 6000), sample(0, 1000)).verdict is Dominance.WORSE


def test_what_crosses_says_where() -> None:
    """Push waits for its debounce at least; a lucky poll does not, an unlucky one waits longer."""
    found = verdict(sample(500, 1000), sample(0, 5000))

    assert found.verdict is Dominance.CROSSING
    assert max(found.worse_at) < 0.13 < min(found.better_at)


def test_a_difference_within_chance_is_none() -> None:
    """The same values in another order."""
    assert verdict(sample(0, 1000), sample(0, 1000)).verdict is Dominance.SAME


def test_chance_rarely_makes_a_verdict() -> None:
    """Forty pairs of samples of one distribution: it errs in some, and not once in each twenty quantiles."""
    thirty = cut(Window(start_ns=0, end_ns=60_000_000_000, load_ns=0), remembered_s=0, seed=1)
    verdicts = []
    for seed in range(40):
        dice = np.random.default_rng(seed)
        push, other = (
            Sample(values=dice.exponential(1000, 600), block=dice.integers(0, thirty.count, 600)) for _ in range(2)
        )
        verdicts.append(compare(push, other, thirty).verdict)

    assert verdicts.count(Dominance.SAME) >= 34


def test_what_never_showed_is_worse_than_what_did() -> None:
    """A tenth of push's changes were never seen: worse at the end, better before."""
    push = sample(0, 100)
    values = np.where(np.random.default_rng(2).random(2000) < 0.1, np.inf, push.values)

    found = verdict(Sample(values=values, block=push.block), sample(1000, 2000))

    assert found.verdict is Dominance.CROSSING
    assert 0.95 in found.worse_at


def test_few_stretches_say_nothing() -> None:
    """Four are too few."""
    few = cut(Window(start_ns=0, end_ns=8_000_000_000, load_ns=0), remembered_s=0, seed=1)

    assert compare(sample(0, 1, few), sample(5, 6, few), few).verdict is None
