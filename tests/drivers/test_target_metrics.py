"""Asking the target: a real Realtime, a real database, and how often what they tell is written."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from loadtests.drivers.target_metrics import (
    SLOT_LAG,
    DatabaseMetrics,
    NoAnswer,
    RealtimeMetrics,
    Source,
    TargetMetrics,
    TellsNothing,
    Told,
)
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.history.ledger import Ledger
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.prometheus import Series

SLOT = Series("pg_replication_slot_active_pid", (("slot_name", "realtime_test"),))
MAKE_SLOT = "select pg_create_logical_replication_slot('realtime_test', 'pgoutput', true)"


class Script:
    """A source that answers as it is written."""

    up = "up"

    def __init__(self, *answers: Told | Exception) -> None:
        self._answers = iter(answers)
        self.is_closed = False

    def ask(self) -> Told:
        """Give the next answer, the last one for ever."""
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return an empty ledger."""
    with Ledger(tmp_path / "runner.ledger", capacity_rows=100) as ledger:
        yield ledger


def asked(ledger: Ledger, source: Source, times: int) -> list[tuple[str, int, int]]:
    """Ask so many times; return (series, whole part, billionths) as they were recorded."""
    metrics = TargetMetrics([source], every_s=0)
    for _ in range(times):
        metrics.ask_all()
    metrics.record(ledger)
    rows = History.read(ledger.path.parent)
    return [(rows.names[row["entity"]], int(row["value"]), int(row["due_ns"])) for row in rows.of(Kind.TARGET_METRIC)]


def told(**values: float) -> Sequence[tuple[Series, float]]:
    """Return an answer."""
    return [(Series(name), value) for name, value in values.items()]


def test_only_what_has_changed_is_written(ledger: Ledger) -> None:
    """Beside the fact that there was an answer."""
    script = Script(told(a=1, b=0), told(a=1, b=0), told(a=2, b=0))

    assert asked(ledger, script, 3) == [("up", 1, 0), ("a", 1, 0), ("b", 0, 0), ("up", 1, 0), ("up", 1, 0), ("a", 2, 0)]


def test_fractions_are_kept_and_what_is_no_number_is_left_out(ledger: Ledger) -> None:
    """Nothing is rounded to the whole."""
    script = Script(told(seconds=1.25, below=-0.5, unknown=float("nan"), all=float("inf")))

    assert asked(ledger, script, 1) == [("up", 1, 0), ("seconds", 1, 250_000_000), ("below", -1, 500_000_000)]


def test_no_answer_is_written_and_asked_again(ledger: Ledger) -> None:
    """It may be back the next time, with the same numbers."""
    assert asked(ledger, Script(told(a=1), NoAnswer(), told(a=1)), 3) == [
        ("up", 1, 0),
        ("a", 1, 0),
        ("up", 0, 0),
        ("up", 1, 0),
    ]


def test_who_tells_nothing_is_not_asked_again(ledger: Ledger) -> None:
    """A hosted target: the record looks as if nobody had been asked."""
    script = Script(TellsNothing("404"))

    assert asked(ledger, script, 3) == []
    assert script.is_closed


def test_the_last_asking_comes_when_it_is_told_to_stop(ledger: Ledger) -> None:
    """What was lost just before the end has been counted by then."""
    metrics = TargetMetrics([Script(told(a=1), told(a=2))], every_s=3600)
    metrics.start()
    metrics.stop()
    metrics.record(ledger)
    rows = History.read(ledger.path.parent).of(Kind.TARGET_METRIC)

    assert rows["value"].tolist() == [1, 1, 1, 2]


def test_a_running_realtime_tells_its_counters(stack: Endpoint) -> None:
    """Under the names that causes are found by."""
    names = {str(series) for series, _ in RealtimeMetrics(stack).ask()}

    assert 'realtime_replication_poller_changes_skip{reason="rate_limited"}' in names
    assert {"realtime_replication_reconnects", "realtime_rls_checks", "realtime_rls_granted"} <= names
    assert not any("_bucket" in name for name in names)


def test_a_wrong_key_is_told_nothing(stack: Endpoint) -> None:
    """As a hosted project tells nobody."""
    with pytest.raises(TellsNothing, match="403"):
        RealtimeMetrics(replace(stack, service_key=stack.anon_key)).ask()


def test_nobody_there_is_no_answer(stack: Endpoint) -> None:
    """Neither Realtime nor the database: port 1 is closed."""
    with pytest.raises(NoAnswer):
        RealtimeMetrics(replace(stack, realtime_url="ws://127.0.0.1:1/realtime/v1/websocket")).ask()
    with pytest.raises(NoAnswer):
        DatabaseMetrics("postgresql://nobody@127.0.0.1:1/none").ask()


def test_a_slot_is_told_until_it_is_gone_and_then_as_gone(database: str) -> None:
    """With the process that has it; and since when the server runs."""
    metrics = DatabaseMetrics(database)
    before = dict(metrics.ask())
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MAKE_SLOT)
        during, pid = dict(metrics.ask()), connection.info.backend_pid
        connection.execute("select pg_drop_replication_slot('realtime_test')")
    after = dict(metrics.ask())
    metrics.close()

    assert SLOT not in before
    assert (during[SLOT], after[SLOT]) == (pid, 0)
    assert before[Series("pg_postmaster_start_time_seconds")] == after[Series("pg_postmaster_start_time_seconds")] > 1e9


def test_what_a_slot_has_not_consumed_is_told(database: str) -> None:
    """A slot that nobody reads lags by every write; one that is gone lags by nothing."""
    metrics = DatabaseMetrics(database)
    lag = Series(SLOT_LAG, (("slot_name", "realtime_test"),))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MAKE_SLOT)
        before = dict(metrics.ask())[lag]
        connection.execute("create table backlog as select repeat('x', 1000) from generate_series(1, 2000)")
        behind = dict(metrics.ask())[lag]
        connection.execute("select pg_drop_replication_slot('realtime_test')")
    gone = dict(metrics.ask())[lag]
    metrics.close()

    assert behind - before > 1_000_000
    assert gone == 0


def test_the_largest_of_a_series_is_the_last_that_was_told(ledger: Ledger) -> None:
    """Over all its labels; nothing before it was ever told."""
    slots = [Series(SLOT_LAG, (("slot_name", name),)) for name in "ab"]
    metrics = TargetMetrics([Script([(slots[0], 5.0), (slots[1], 9.0)], [(slots[0], 5.0), (slots[1], 2.0)])], every_s=0)
    told_before = metrics.largest(SLOT_LAG)
    largest = []
    for _ in range(2):
        metrics.ask_all()
        metrics.record(ledger)
        largest.append(metrics.largest(SLOT_LAG))

    assert (told_before, largest) == (None, [9, 5])
