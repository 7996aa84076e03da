"""What the target told of itself, as stretches of time between two askings."""

import numpy as np

from loadtests.analysis.target_metrics import Stretches, read_evidence
from loadtests.analysis.why import Why
from tests.analysis.literal import MS, Story
from tests.analysis.voices import asked, metric

SKIPPED = 'realtime_replication_poller_changes_skip{reason="rate_limited"}'


def stretches(story: Story, why: Why) -> list[tuple[float, float, int]]:
    """Return (begin, end, amount) of what happened."""
    told = read_evidence(story.history).of(why)
    return [
        (begin_ns / MS, end_ns / MS, amount)
        for begin_ns, end_ns, amount in zip(
            *map(np.ndarray.tolist, (told.begin_ns, told.end_ns, told.amount)), strict=True
        )
    ]


def test_a_counter_grew_between_two_answers() -> None:
    """Told only when it has changed: it was still 3 at 2,000 ms, so it grew after that."""
    story = asked(Story(), 0, 1000, 2000, 3000)
    for at_ms, value in ((0, 3), (3000, 5)):
        metric(story, at_ms, SKIPPED, value)

    assert stretches(story, Why.RATE_LIMITED) == [(2000, 3000, 2)]


def test_an_asking_without_an_answer_makes_the_stretch_longer() -> None:
    """What happened meanwhile happened at any time since the last answer."""
    story = asked(Story(), 0, 1000, 3000)
    for at_ms, name, value in ((2000, "up", 0), (0, SKIPPED, 3), (3000, SKIPPED, 4)):
        metric(story, at_ms, name, value)

    assert stretches(story, Why.RATE_LIMITED) == [(1000, 3000, 1)]


def test_what_was_counted_before_the_first_asking_is_not_known() -> None:
    """It may have been yesterday."""
    assert stretches(metric(asked(Story(), 0, 1000), 0, SKIPPED, 3), Why.RATE_LIMITED) == []


def test_discards_for_another_reason_are_no_rate_limit() -> None:
    """The label says which."""
    story = metric(asked(Story(), 0, 1000), 1000, 'realtime_replication_poller_changes_skip{reason="other"}', 3)

    assert stretches(story, Why.RATE_LIMITED) == []


def test_a_slot_that_another_session_has_was_lost() -> None:
    """First seen at 0, taken over at 1,000, gone at 2,000 ms."""
    story = asked(Story(), 0, 1000, 2000, name="pg_up")
    for at_ms, pid in ((0, 11), (1000, 12), (2000, 0)):
        metric(story, at_ms, 'pg_replication_slot_active_pid{slot_name="realtime_1"}', pid)

    assert stretches(story, Why.SLOT_LOST) == [(0, 1000, 1), (1000, 2000, 1)]


def test_a_run_without_metrics_tells_nothing() -> None:
    """And does not say that nothing happened."""
    evidence = read_evidence(Story().history)

    assert not evidence.polls
    assert len(evidence.of(Why.SLOT_LOST)) == 0


def test_amounts_are_those_of_stretches_with_a_moment_in_common() -> None:
    """Touching is not meeting."""
    told = Stretches(begin_ns=np.array([0, 10, 5]), end_ns=np.array([10, 20, 30]), amount=np.array([1, 2, 4]))
    begin_ns, end_ns = np.array([0, 10, 20, 30, 3]), np.array([5, 12, 25, 40, 4])

    assert told.amount_in(begin_ns, end_ns).tolist() == [1, 6, 4, 0, 1]
    assert told.meet(begin_ns, end_ns).tolist() == [True, True, True, False, True]


def rls(*told: tuple[float, int, int]) -> Story:
    """Return a history in which (at, asked, granted) was told of row-level security."""
    story = Story()
    for at_ms, checks, granted in told:
        metric(
            metric(asked(story, at_ms), at_ms, "realtime_rls_checks", checks), at_ms, "realtime_rls_granted", granted
        )
    return story


def test_what_is_being_asked_about_is_not_hidden() -> None:
    """Four pairs were on their way when the metrics were told; two were never granted."""
    assert stretches(rls((0, 10, 10), (1000, 24, 20), (2000, 30, 30)), Why.ROW_LEVEL_SECURITY) == []
    assert stretches(rls((0, 10, 10), (1000, 24, 20), (2000, 30, 28)), Why.ROW_LEVEL_SECURITY) == [(0, 1000, 2)]


def test_what_was_hidden_before_the_first_asking_is_not_of_the_run() -> None:
    """And a server that was started again begins with nothing."""
    assert stretches(rls((0, 10, 7), (1000, 20, 17)), Why.ROW_LEVEL_SECURITY) == []
    assert stretches(rls((0, 10, 7), (1000, 2, 2), (2000, 9, 8)), Why.ROW_LEVEL_SECURITY) == [(1000, 2000, 1)]


def test_what_a_killed_server_was_asking_about_is_not_hidden() -> None:
    """It had four pairs on their way when it told its last numbers."""
    assert stretches(rls((0, 10, 10), (1000, 24, 20), (2000, 1, 1)), Why.ROW_LEVEL_SECURITY) == []


def test_signs_that_overlap_or_touch_are_of_one_occasion() -> None:
    """A counter and a slot that is gone, then the next loss a second later."""
    told = Stretches(begin_ns=np.array([0, 4, 9, 30]), end_ns=np.array([5, 9, 12, 31]), amount=np.array([1, 1, 1, 1]))

    assert told.occasions == 2
    assert read_evidence(Story().history).of(Why.SLOT_LOST).occasions == 0


def test_numbers_are_told_only_by_who_was_asked() -> None:
    """Null is not 0: nobody answered."""
    silent = Story().clock().live(0, 1).true_job("job", 1).metrics()["target"]
    story = metric(asked(Story().clock().live(0, 1).true_job("job", 1), 0, 1000), 1000, SKIPPED, 3)
    realtime = story.metrics()["target"]
    database = asked(Story().clock().live(0, 1).true_job("job", 1), 0, name="pg_up").metrics()["target"]

    assert set(silent.values()) == {None}
    assert realtime == {"discarded": 3, "hidden": 0, "slots_lost": 0, "database_restarts": None}
    assert database == {"discarded": None, "hidden": None, "slots_lost": 0, "database_restarts": 0}
