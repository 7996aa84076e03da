"""The history: all shards of a run as one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, Kind
from loadtests.history.ledger import Ledger


def test_shards_merge_by_time_and_share_one_dictionary(tmp_path: Path) -> None:
    """Both shards call their first name 0; a body that an item names is translated too."""
    with Ledger(tmp_path / "swarm-0.ledger", capacity_rows=10) as first:
        first.record(Kind.SIGNAL, 30, entity=first.name("event-b"))
        first.record(Kind.SIGNAL, 10, entity=first.name("event-a"))
    with Ledger(tmp_path / "swarm-1.ledger", capacity_rows=10) as second:
        second.record(Kind.SIGNAL, 20, entity=second.name("event-a"))
        second.record(Kind.BODY_ITEM, 40, value=second.name("body"), entity=second.name("job"))
        second.record(Kind.FLUSH, 50, value=0)

    history = History.read(tmp_path)

    signals = history.of(Kind.SIGNAL)
    assert [history.names[number] for number in signals["entity"]] == ["event-a", "event-a", "event-b"]
    item = history.of(Kind.BODY_ITEM)[0]
    assert (history.names[item["value"]], history.names[item["entity"]]) == ("body", "job")
    flush = history.of(Kind.FLUSH)[0]
    assert (flush["entity"], flush["value"]) == (NO_ENTITY, 0)
    assert history.number("event-b") == 0
    assert history.number("nobody") == NO_ENTITY


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=30))
def test_equal_stamps_keep_the_order_in_which_one_process_wrote_them(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[int, int]]
) -> None:
    """Whatever the stamps and shards, nothing is lost and no process is reordered within one stamp."""
    directory = tmp_path_factory.mktemp("run")
    ledgers = [Ledger(directory / f"swarm-{shard}.ledger", capacity_rows=40) for shard in range(3)]
    for number, (shard, at_ns) in enumerate(written):
        ledgers[shard].record(Kind.FLUSH, at_ns, actor=shard, value=number)
    for ledger in ledgers:
        ledger.close()

    rows = History.read(directory).rows

    assert rows["at_ns"].tolist() == sorted(at_ns for _, at_ns in written)
    for shard in range(3):
        own = [(int(row["at_ns"]), int(row["value"])) for row in rows if row["actor"] == shard]
        assert own == sorted(own)


def test_a_directory_without_ledgers_is_an_empty_history(tmp_path: Path) -> None:
    """The run died before its first process wrote anything."""
    history = History.read(tmp_path)

    assert (len(history.rows), history.names) == (0, ())


def test_a_history_cannot_be_changed() -> None:
    """It is what happened."""
    history = History.from_rows([{"kind": Kind.FLUSH, "at_ns": 1}])

    with pytest.raises(ValueError, match="read-only"):
        history.rows["at_ns"][0] = 2


def test_literal_rows_may_only_have_columns_of_the_ledger() -> None:
    """A misspelt column in a test is no column."""
    with pytest.raises(AssertionError):
        History.from_rows([{"kind": Kind.FLUSH, "at": 1}])
