"""A document `replay.json` made by hand: the live policy, a better one, and two that nobody should take."""

from typing import Any

BY_KEY = "edge=trailing,window_ms=500,coalescing=request-key,max_wait_ms=1000"
LEADING = "edge=leading,window_ms=2000,coalescing=entity"
AT_ONCE = "edge=none"


def outcome(policy: str, refreshes: int, mean_ms: float, *, dropped: int = 0) -> dict[str, Any]:
    """Return what a policy came to; an hour of subscribers."""
    return {
        "policy": policy,
        "refreshes": refreshes,
        "refreshes_per_subscriber_minute": refreshes / 60,
        "other_requests": 40,
        "signals_dropped": dropped,
        "staleness_ms": {"p50": 0.0, "p90": 10.0, "p95": None, "p99": None, "max": mean_ms * 30, "mean": mean_ms},
        "shown_after_ms": {
            "p50": 515.0,
            "p90": 700.0,
            "p95": 734.0,
            "p99": None,
            "max": "never" if dropped else 1111.0,
        },
    }


def replay(**changes: Any) -> dict[str, Any]:
    """Return the document, with some keys changed."""
    live = outcome("live", 800, 31.0)
    return {
        "schema": "loadtests.replay/1",
        "subscribers": 200,
        "signals": 2285,
        "seed": 1,
        "check": {
            "recorded": 798,
            "replayed": 800,
            "deviation": 800 / 798 - 1,
            "is_faithful": True,
            "by_model": {"ios_as_built": {"recorded": 798, "replayed": 800}},
            "reasons": ["3 re-fetches failed, and in a replay none does"],
        },
        "recorded": outcome("recorded", 798, 31.2),
        "live": live,
        "design": {**live, "policy": "design"},
        "policies": [
            outcome(BY_KEY, 600, 30.0),
            outcome(LEADING, 300, 4000.0, dropped=50),
            outcome(AT_ONCE, 1000, 0.0),
        ],
        "front": [LEADING, BY_KEY, AT_ONCE],
        "recommended": BY_KEY,
        "prices": [
            {
                "price_s": 0.5,
                "live": {"refreshes": 800, "waited_s": 400.0, "cost_s": 800.0},
                "cheapest": {"refreshes": 700, "waited_s": 50.0, "cost_s": 400.0},
                "greedy": {"refreshes": 700, "waited_s": 450.0, "cost_s": 800.0},
                "regret_over_cheapest": 1.0,
                "regret_over_greedy": 0.0,
            }
        ],
        **changes,
    }
