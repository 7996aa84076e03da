"""The series of the runs made by hand: a lively timeline, plausible latencies, devices that are live or are not."""

import numpy as np

from loadtests.analysis.results import Cost, Series, States, Timeline


def timeline_of(bins: int, warm_up: int, random: np.random.Generator) -> Timeline:
    """Return a lively timeline in bins of one second."""
    middle = 600 + 40 * random.standard_normal(bins)
    return Timeline(
        bin_s=1.0,
        begin_s=np.arange(-warm_up, bins - warm_up, dtype=np.float64),
        writes=random.poisson(10, bins),
        signals=random.poisson(50, bins),
        refreshes=random.poisson(44, bins),
        polls=random.poisson(9, bins),
        visibility_ms_p50=middle,
        visibility_ms_p95=middle + 180 + 90 * random.random(bins),
    )


def empty_timeline() -> Timeline:
    """Return a timeline without a bin."""
    counts, numbers = np.empty(0, dtype=np.int64), np.empty(0)
    return Timeline(
        bin_s=1.0,
        begin_s=numbers,
        writes=counts,
        signals=counts,
        refreshes=counts,
        polls=counts,
        visibility_ms_p50=numbers,
        visibility_ms_p95=numbers,
    )


def live_throughout(bins: int, devices: int, away: float = 0.0) -> States:
    """Return subscribers that were live all the time, but for those who were away from 10 s on."""
    begin_s = np.arange(-5, bins - 5, dtype=np.float64)
    looked_away = np.where(begin_s >= 10, away, 0.0)
    return States(
        bin_s=1.0,
        begin_s=begin_s,
        live=devices - looked_away,
        away=looked_away,
        not_live=begin_s * 0,
        logged_out=begin_s * 0,
    )


def full_series(pairs: int = 2250) -> Series:
    """Return what a healthy run of some ten mutations a second looks like."""
    random = np.random.default_rng(7)
    stages = {
        "send_delay": random.exponential(1.2, pairs),
        "emission_delay": 4 + random.exponential(2, pairs),
        "signal_latency": 2 + random.exponential(6, pairs),
        "debounce_wait": 500 + np.where(random.random(pairs) < 0.2, random.uniform(0, 420, pairs), 1.5),
        "queued": random.exponential(0.8, pairs),
        "refresh_latency": 8 + random.gamma(2, 9, pairs),
    }
    visibility_ms = np.sum(list(stages.values()), axis=0)
    return Series(
        push_visibility_ms=visibility_ms,
        client_visibility_ms={"ios": visibility_ms[::2], "web_as_built": visibility_ms[1::2] * 2},
        polling_visibility_ms={
            "5s": random.uniform(10, 5030, pairs * 3 // 10),
            "10s": random.uniform(10, 10_030, pairs * 3 // 10),
        },
        stages_ms=stages,
        push_cost=Cost(refreshes=11.4, requests=13.2, bytes=171_000.0, signals=15.1),
        polling_cost={
            "5s": Cost(refreshes=12.0, requests=12.0, bytes=148_000.0, signals=0.0),
            "10s": Cost(refreshes=6.0, requests=6.0, bytes=74_000.0, signals=0.0),
        },
        timeline=timeline_of(50, 5, random),
        states=live_throughout(50, 200, away=40.0),
    )
