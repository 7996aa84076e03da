"""The recommendation in words: one statement of requests, staleness and the herd."""

from typing import Any

from reports.advice import recommendation, rule, words_of
from tests.reports.replay_part import AT_ONCE, BY_KEY, outcome, replay

SPREAD = f"{BY_KEY},jitter_ms=300"


def plain(text: str) -> str:
    """Return a text with plain spaces."""
    return text.replace("\u00a0", " ")


def herd(**changes: Any) -> dict[str, Any]:
    """Return the herd of 500 that 300 ms of jitter bring to 193, with some keys changed."""
    return {
        "limit_per_100ms": 250,
        "is_chosen": False,
        "live_peak": 500,
        "peak": 193,
        "is_kept": True,
        "added_jitter_ms": 300,
        "without_added_jitter": {**outcome(BY_KEY, 600, 30.0), "peak": 500},
        "with_enough_jitter": None,
        **changes,
    }


def spread(**changes: Any) -> dict[str, Any]:
    """Return a replay that recommends a policy with jitter for its herd."""
    document = replay(recommended=SPREAD, herd=herd(**changes))
    return {**document, "policies": [*document["policies"], outcome(SPREAD, 600, 45.0)]}


def test_a_policy_has_words() -> None:
    """As one would say it."""
    assert plain(words_of(BY_KEY)) == "trailing 500 ms, at most 1 s, by request key"
    assert words_of(AT_ONCE) == "every event by itself"
    assert words_of("hybrid") == "hybrid"


def test_one_setting_is_recommended_with_what_it_would_change() -> None:
    """In requests and in staleness, and by which rule."""
    told = plain(recommendation(replay()))

    assert told.startswith("Choose trailing 500 ms, at most 1 s, by request key: 25 % fewer re-fetches than live")
    assert "10.0 instead of 13.3 per subscriber and minute" in told
    assert "stale for 30 ms instead of 31 ms on average" in told


def test_where_nothing_beats_the_live_policy_it_is_kept() -> None:
    """Nothing is recommended for its own sake."""
    assert recommendation(replay(recommended=None)).startswith("Keep the live policy: no other costs fewer requests")


def test_a_policy_of_a_name_with_jitter_has_words_too() -> None:
    """The live one, and only spread."""
    assert plain(words_of("live,jitter_ms=1500")) == "the live policy, up to 1.5 s of jitter"


def test_a_herd_is_part_of_the_recommendation() -> None:
    """How dense it is, and what its jitter costs: the difference to the same policy without it."""
    told = plain(recommendation(spread()))

    assert told.startswith("Choose trailing 500 ms, at most 1 s, up to 300 ms of jitter, by request key: 25 % fewer")
    assert "193 of them in the densest 100 ms instead of 500, screens stale for 45 ms instead of 31 ms" in told
    assert told.endswith(
        "The jitter of 300 ms is for the herd: without it 500 would come in the densest 100 ms, and screens would be "
        "stale for 30 ms instead of 45 ms on average and for 900 ms instead of 1.35 s at worst."
    )


def test_a_jitter_of_its_own_is_not_what_was_added() -> None:
    """It had 100 ms before."""
    own = {**outcome(f"{BY_KEY},jitter_ms=100", 600, 30.0), "peak": 400}

    assert "is for the herd: with 100 ms of it 400 would come" in plain(
        recommendation(spread(without_added_jitter=own))
    )


def test_jitter_that_would_cost_something_is_told_and_not_recommended() -> None:
    """Nobody chose a rate: what the figure says of jitter stands beside its price."""
    enough = {**outcome(SPREAD, 600, 160.0), "peak": 193, "jitter_ms": 300}
    told = plain(
        recommendation(replay(herd=herd(peak=500, is_kept=False, added_jitter_ms=0, with_enough_jitter=enough)))
    )

    assert "500 of them in the densest 100 ms, as live" in told
    assert told.endswith(
        "Its herd stays as it is, 500 re-fetches in the densest 100 ms: up to 300 ms of jitter would bring that to "
        "193, and leave screens stale for 160 ms instead of 30 ms on average and for 4.80 s instead of 900 ms at worst."
    )


def test_the_live_policy_is_kept_with_what_jitter_would_cost_it() -> None:
    """Or with the word that none is enough."""
    enough = {**outcome("live,jitter_ms=300", 800, 160.0), "peak": 193, "jitter_ms": 300}
    left = {"peak": 500, "is_kept": False, "added_jitter_ms": 0}
    kept = plain(recommendation(replay(recommended=None, herd=herd(**left, with_enough_jitter=enough))))
    beyond = plain(recommendation(replay(recommended=None, herd=herd(**left))))

    assert kept.startswith("Keep the live policy")
    assert "stale for 160 ms instead of 31 ms on average" in kept
    assert beyond.endswith(
        "No jitter that was replayed brings its densest 100 ms, 500 re-fetches, to 250 in every draw."
    )


def test_a_rate_that_was_chosen_reads_differently_in_the_rule() -> None:
    """Then staleness is no bound; without a herd there is only the first half."""
    assert "the rate that the scenario chose" in rule(spread(is_chosen=True))
    assert "half of what the live policy makes" in rule(spread())
    assert rule(replay()).endswith("no more signals are dropped.")


def test_as_many_requests_are_not_fewer() -> None:
    """Nor are more of them."""
    same, more = (replay(recommended=AT_ONCE, policies=[outcome(AT_ONCE, count, 0.0)]) for count in (800, 1000))

    assert "as many re-fetches as live" in recommendation(same)
    assert "25 % more re-fetches than live" in plain(recommendation(more))
