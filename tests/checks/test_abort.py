"""When a load must end before its time: literal histories in, a reason or none out."""

from loadtests.checks.abort import AbortLimits, Counted, Watch

S = 1_000_000_000


def looked(limits: AbortLimits, *counts: Counted) -> list[bool]:
    """Return after which looks the load must end."""
    watch = Watch(limits)
    return [watch.look(counted) is not None for counted in counts]


def at(second: int, answered: int, errors: int) -> Counted:
    """Return what was counted at a second."""
    return Counted(at_ns=second * S, answered=answered, errors=errors)


def test_a_share_of_errors_beyond_the_limit_ends_the_load() -> None:
    """30 of 100 within ten seconds are more than a fifth; the sentence has both numbers."""
    watch = Watch(AbortLimits(error_share=0.2))

    assert watch.look(at(0, 0, 0)) is None
    assert watch.look(at(10, 100, 30)) == ("30 of 100 requests failed within 10.0 s, 30%, and the limit is 20%")


def test_the_limit_itself_is_allowed() -> None:
    """A fifth is not more than a fifth."""
    assert looked(AbortLimits(error_share=0.2), at(0, 0, 0), at(10, 100, 20)) == [False, False]


def test_a_good_hour_does_not_hide_a_bad_window() -> None:
    """Of 100,100 requests 50 have failed, but they are half of the last hundred."""
    limits = AbortLimits(error_share=0.2)

    assert looked(limits, at(0, 0, 0), at(3600, 100_000, 0), at(3610, 100_100, 50)) == [False, False, True]


def test_what_failed_before_the_window_is_forgotten() -> None:
    """Ten bad seconds that did not reach the limit, then good ones: the old errors do not add up with new ones."""
    limits = AbortLimits(error_share=0.2)
    story = [at(0, 0, 0), at(10, 100, 19), at(20, 200, 19), at(30, 300, 38)]

    assert looked(limits, *story) == [False] * 4


def test_few_answers_say_nothing() -> None:
    """One failure of one is 100 %, of a load that has hardly begun; the twentieth answer is enough."""
    limits = AbortLimits(error_share=0.2)

    assert looked(limits, at(0, 0, 0), at(1, 19, 19), at(2, 20, 19)) == [False, False, True]


def test_slow_mutations_end_the_load() -> None:
    """40 that took 2.5 s each, against 2 s."""
    watch = Watch(AbortLimits(latency_ms=2000))
    watch.look(Counted(at_ns=0))

    assert watch.look(Counted(at_ns=8 * S, mutations=40, latency_ns=40 * 2500 * 1_000_000)) == (
        "40 mutations took 2,500 ms on average within 8.0 s, and the limit is 2,000 ms"
    )


def test_a_backlog_ends_the_load_when_it_lasts() -> None:
    """A large transaction is gone at the next poll; what has stayed for a window is a consumer that cannot follow."""
    limits = AbortLimits(slot_lag_mb=100, window_s=10)
    large, small = 200_000_000, 1_000
    lags = [(0, large), (9, large), (10, small), (11, large), (20, large), (21, large)]

    story = [Counted(at_ns=second * S, slot_lag_bytes=lag) for second, lag in lags]

    assert looked(limits, *story) == [False, False, False, False, False, True]


def test_a_lag_that_is_not_visible_ends_nothing() -> None:
    """A target without its database."""
    assert looked(AbortLimits(slot_lag_mb=1), *(Counted(at_ns=second * S) for second in range(60))) == [False] * 60


def test_it_stays_with_what_it_said() -> None:
    """Even if the target recovers, for the load is over."""
    watch = Watch(AbortLimits(error_share=0.2))
    watch.look(at(0, 0, 0))
    why = watch.look(at(10, 100, 90))

    assert why is not None
    assert watch.look(at(20, 1_000, 90)) == why


def test_without_limits_nothing_is_watched() -> None:
    """The embedded pipeline may be driven to its end."""
    assert AbortLimits().is_idle
    assert looked(AbortLimits(), at(0, 0, 0), at(10, 100, 100)) == [False, False]
