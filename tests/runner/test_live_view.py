"""Visibility so far, from ledgers that are still being written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loadtests.history.kinds import Kind
from loadtests.history.ledger import Ledger
from loadtests.runner.live_view import LiveView

MS = 1_000_000
SECOND = 1000 * MS


@dataclass(frozen=True, slots=True)
class Drivers:
    """The ledgers of mutators and swarm, written as they write them."""

    mutators: Ledger
    swarm: Ledger
    bodies: set[str] = field(default_factory=set)
    """Those that the swarm has told the items of."""

    def change(self, mutation: int, job: str, revision: int, *, due_ns: int) -> None:
        """One mutation is due and acknowledged."""
        self.mutators.record(Kind.DUE, due_ns, due_ns=due_ns, actor=mutation)
        self.mutators.record(Kind.ACKED, due_ns + MS, actor=mutation, revision=revision, entity=self.mutators.name(job))

    def answer(self, device: int, body: str, items: dict[str, int], *, at_ns: int) -> None:
        """One device fetches a list of jobs with these revisions."""
        number = self.swarm.name(body)
        for job, revision in items.items() if body not in self.bodies else ():
            self.swarm.record(Kind.BODY_ITEM, at_ns, value=number, revision=revision, entity=self.swarm.name(job))
        self.bodies.add(body)
        self.swarm.record(Kind.ANSWERED, at_ns, actor=device, entity=number)


@pytest.fixture
def drivers(tmp_path: Path) -> Iterator[Drivers]:
    """Return the open ledgers of a run."""
    with (
        Ledger(tmp_path / "mutators-0.ledger", capacity_rows=1000) as mutators,
        Ledger(tmp_path / "swarm-0.ledger", capacity_rows=1000) as swarm,
    ):
        yield Drivers(mutators, swarm)


@pytest.fixture
def view(tmp_path: Path, drivers: Drivers) -> LiveView:
    """Return a view of those ledgers; devices from index 5 on are pollers."""
    assert drivers.swarm.rows == 0
    return LiveView(tmp_path, subscribers=5)


def test_nothing_seen_is_nothing_said(view: LiveView) -> None:
    """The terminal shows a dash."""
    assert view.visibility_ms_p95() is None


def test_a_change_counts_from_when_it_was_due(drivers: Drivers, view: LiveView) -> None:
    """Until the first answer that shows it."""
    drivers.change(0, "job", 2, due_ns=SECOND)
    drivers.answer(0, "body", {"job": 2}, at_ns=SECOND + 600 * MS)

    assert view.visibility_ms_p95() == 600


def test_ledgers_are_followed_as_they_grow(drivers: Drivers, view: LiveView) -> None:
    """Each row is read once."""
    drivers.change(0, "job", 2, due_ns=SECOND)
    before = view.visibility_ms_p95()
    drivers.answer(0, "body", {"job": 2}, at_ns=SECOND + 600 * MS)
    after = [view.visibility_ms_p95(), view.visibility_ms_p95()]

    assert before is None
    assert after == [600, 600]


def test_a_change_becomes_visible_once_per_device(drivers: Drivers, view: LiveView) -> None:
    """Fetching the same page again shows nothing new."""
    drivers.change(0, "job", 2, due_ns=SECOND)
    for device, at_ns in ((0, 600), (0, 9000), (1, 600)):
        drivers.answer(device, "body", {"job": 2}, at_ns=SECOND + at_ns * MS)

    assert view.visibility_ms_p95() == 600


def test_an_answer_shows_all_changes_that_it_skipped(drivers: Drivers, view: LiveView) -> None:
    """Two changes of one job became visible together: the older one waited longest, and is not forgotten."""
    drivers.answer(0, "before", {"job": 1}, at_ns=SECOND)
    drivers.change(0, "job", 2, due_ns=2 * SECOND)
    drivers.change(1, "job", 3, due_ns=4 * SECOND)
    drivers.answer(0, "after", {"job": 3}, at_ns=5 * SECOND)

    assert view.visibility_ms_p95() == pytest.approx(2900)


def test_revisions_may_be_times_that_lie_millions_apart(drivers: Drivers, view: LiveView) -> None:
    """Of a backend that counts none: only those that mutations made are looked at, not all numbers between."""
    drivers.answer(0, "before", {"job": 1}, at_ns=SECOND)
    drivers.change(0, "job", 2_000_000_000, due_ns=2 * SECOND)
    drivers.change(1, "job", 2_000_002_000, due_ns=4 * SECOND)
    drivers.answer(0, "after", {"job": 2_000_002_000}, at_ns=5 * SECOND)

    assert view.visibility_ms_p95() == pytest.approx(2900)


def test_pollers_do_not_count(drivers: Drivers, view: LiveView) -> None:
    """The number is that of push."""
    drivers.change(0, "job", 2, due_ns=SECOND)
    drivers.answer(5, "body", {"job": 2}, at_ns=SECOND + 4000 * MS)

    assert view.visibility_ms_p95() is None


def test_only_the_last_half_minute_counts(drivers: Drivers, view: LiveView) -> None:
    """What was slow at the start does not stay on the screen."""
    drivers.change(0, "job", 2, due_ns=SECOND)
    drivers.answer(0, "one", {"job": 2}, at_ns=3 * SECOND)
    slow = view.visibility_ms_p95()
    drivers.change(1, "job", 3, due_ns=50 * SECOND)
    drivers.answer(0, "two", {"job": 3}, at_ns=50 * SECOND + 500 * MS)

    assert (slow, view.visibility_ms_p95()) == (2000, 500)


def test_what_was_there_before_is_no_change(drivers: Drivers, view: LiveView) -> None:
    """The catch-up fetch shows jobs that nobody changed in this run."""
    drivers.answer(0, "body", {"job": 1, "other": 1}, at_ns=SECOND)

    assert view.visibility_ms_p95() is None
