"""The ledger: what is written is what is read, even after the worst."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.history.history import TornLedgerError, read_names, read_rows
from loadtests.history.kinds import NO_ENTITY, ROW, Kind
from loadtests.history.ledger import NAMES_SUFFIX, Ledger, LedgerFullError

int64 = st.integers(-(2**63), 2**63 - 1)
int32 = st.integers(-(2**31), 2**31 - 1)
fields = st.fixed_dictionaries(
    {
        "actor": int32,
        "entity": int32,
        "revision": int32,
        "value": int64,
        "due_ns": int64,
        "flag": st.integers(0, 2**16 - 1),
    }
)
KILLED_WRITER = """
import sys
from pathlib import Path
from loadtests.history.kinds import Kind
from loadtests.history.ledger import Ledger

ledger = Ledger(Path(sys.argv[1]), capacity_rows=1_000_000)
row = 0
while True:
    ledger.record(Kind.SIGNAL, row, entity=ledger.name(f"event-{row}"), value=row)
    row += 1
    if row == 5000:
        print("writing", flush=True)
"""


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), int64, fields), max_size=20))
def test_what_is_recorded_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, recorded: list[tuple[Kind, int, dict[str, int]]]
) -> None:
    """Every field of every kind, to the last bit, while the ledger is open and after it was closed."""
    path = tmp_path_factory.mktemp("ledger") / "shard.ledger"
    with Ledger(path, capacity_rows=50) as ledger:
        for kind, at_ns, columns in recorded:
            ledger.record(kind, at_ns, **columns)
        open_rows = read_rows(path)

    rows = read_rows(path)

    told = [{"at_ns": at_ns, "kind": kind, **columns} for kind, at_ns, columns in recorded]
    assert [{name: int(row[name]) for name in row.dtype.names} for row in rows] == told
    assert open_rows.tolist() == rows.tolist()
    assert path.stat().st_size == len(recorded) * ROW.itemsize


def test_a_row_has_forty_bytes_and_its_kind_stands_last() -> None:
    """A torn row is an unwritten one."""
    assert ROW.itemsize == 40
    assert ROW.names is not None
    assert ROW.names[-1] == "kind"


def test_a_full_ledger_raises_and_drops_nothing(tmp_path: Path) -> None:
    """Three rows fit; the fourth is refused, and the three are there."""
    ledger = Ledger(tmp_path / "shard.ledger", capacity_rows=3)
    for at_ns in range(3):
        ledger.record(Kind.FLUSH, at_ns)

    with pytest.raises(LedgerFullError, match=r"shard\.ledger is full after 3 rows"):
        ledger.record(Kind.FLUSH, 3)

    ledger.close()
    assert read_rows(ledger.path)["at_ns"].tolist() == [0, 1, 2]


def test_a_ledger_never_overwrites_another(tmp_path: Path) -> None:
    """The file must not exist."""
    Ledger(tmp_path / "shard.ledger", capacity_rows=1).close()

    with pytest.raises(FileExistsError):
        Ledger(tmp_path / "shard.ledger", capacity_rows=1)


def test_names_are_numbered_in_the_order_of_their_first_use(tmp_path: Path) -> None:
    """A name is in the file before any row can use it, and a line break cannot split it."""
    ledger = Ledger(tmp_path / "shard.ledger", capacity_rows=1)
    numbers = [ledger.name(text) for text in ("a", "b", "a", "two\nlines")]

    assert numbers == [0, 1, 0, 2]
    assert read_names(ledger.path.with_suffix(NAMES_SUFFIX)) == ["a", "b", "two lines"]
    ledger.close()


def test_a_torn_last_name_is_left_out(tmp_path: Path) -> None:
    """Killed in the middle of the line: no row used that name yet."""
    path = tmp_path / "shard.names"
    path.write_text("a\nb\ntor", encoding="utf-8")

    assert read_names(path) == ["a", "b"]


def test_an_unwritten_tail_is_cut_off(tmp_path: Path) -> None:
    """Also one that begins with a row torn before its kind was written."""
    path = tmp_path / "shard.ledger"
    rows = np.zeros(1000, dtype=ROW)
    rows["kind"][:3] = Kind.FLUSH
    rows["at_ns"][3] = 77
    rows.tofile(path)

    assert len(read_rows(path)) == 3


def test_an_empty_ledger_has_no_rows(tmp_path: Path) -> None:
    """Closed before anything was recorded."""
    ledger = Ledger(tmp_path / "shard.ledger", capacity_rows=10)
    ledger.close()

    assert len(read_rows(ledger.path)) == 0


def test_a_hole_is_damage_and_not_a_tail(tmp_path: Path) -> None:
    """No writer leaves rows behind an unwritten one."""
    path = tmp_path / "shard.ledger"
    rows = np.zeros(8, dtype=ROW)
    rows["kind"] = Kind.FLUSH
    rows["kind"][1] = 0
    rows.tofile(path)

    with pytest.raises(TornLedgerError, match="holes"):
        read_rows(path)


@pytest.mark.e2e
def test_rows_survive_sigkill_of_their_writer(tmp_path: Path) -> None:
    """Killed while it writes as fast as it can: every row is whole, in order, and has its name."""
    path = tmp_path / "shard.ledger"
    writer = subprocess.Popen([sys.executable, "-c", KILLED_WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    with writer.stdout as output:
        output.readline()
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()

    rows, names = read_rows(path), read_names(path.with_suffix(NAMES_SUFFIX))

    assert len(rows) >= 5000
    assert (rows["value"] == np.arange(len(rows))).all()
    assert (rows["entity"] != NO_ENTITY).all()
    assert [names[entity] for entity in rows["entity"][-3:]] == [f"event-{row}" for row in rows["value"][-3:]]
