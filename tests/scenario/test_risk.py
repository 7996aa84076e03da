"""Which mutations give risk factors: a pure function of the seed."""

import numpy as np

from loadtests.pipeline.api.risk import FACTORS
from loadtests.scenario.model import Scenario
from loadtests.scenario.risk import RISK_FACTOR_CODES, codes_of, draw_risk_factors
from loadtests.scenario.schedule import Schedule, draw_schedule
from loadtests.scenario.vocabulary import MutationKind


def schedule(share: float) -> Schedule:
    """Return two thousand mutations of all kinds."""
    keys = {"name": "any", "question": "What is risky here?", "mutators": {"risk_factors": share}}
    phase = {"name": "load", "duration_s": 100, "mutations_per_s": 20, "arrivals": "even"}
    return draw_schedule(Scenario.model_validate({**keys, "phases": [phase]}), seed=3)


def test_the_codes_are_those_that_the_jobs_api_weighs() -> None:
    """The scenario repeats them, because it must not import them."""
    assert tuple(FACTORS) == RISK_FACTOR_CODES


def test_only_creates_and_updates_have_risk_factors_and_about_as_many_as_asked() -> None:
    """0.3 of them, one to three factors each."""
    drawn = schedule(0.3)
    may_have = np.isin(drawn.kind, [MutationKind.CREATE, MutationKind.UPDATE])
    numbers = np.array([len(codes_of(int(bits))) for bits in drawn.risk_factors])

    assert set(numbers[may_have]) == {0, 1, 2, 3}
    assert set(numbers[~may_have]) == {0}
    assert abs(np.mean(numbers[may_have] > 0) - 0.3) < 0.05


def test_none_and_all_are_exact() -> None:
    """At the ends of the share chance decides nothing."""
    kind = np.full(500, MutationKind.CREATE, dtype=np.uint8)
    bits = {share: draw_risk_factors(kind, share, np.random.default_rng(1)) for share in (0.0, 1.0)}

    assert not bits[0.0].any()
    assert bits[1.0].all()


def test_another_share_moves_nothing_else() -> None:
    """The same mutations are due at the same time, and what was risky stays so when more of them are."""
    few, many = schedule(0.1), schedule(0.6)

    assert all(np.array_equal(getattr(few, name), getattr(many, name)) for name in ("due_ns", "kind", "pick"))
    assert np.array_equal(many.risk_factors[few.risk_factors > 0], few.risk_factors[few.risk_factors > 0])


def test_bits_stand_for_codes_in_their_order() -> None:
    """The lowest bit is the first code."""
    assert codes_of(0) == ()
    assert codes_of(0b10_0000_0001) == ("height", "weather")
