"""Visibility so far, while a run lives: a glance for the terminal, taken from the ledgers as they grow.

An estimate on a sample of devices and the last half minute. The report's numbers come from the analysis alone.
"""

from bisect import bisect_right, insort
from collections import defaultdict, deque
from pathlib import Path

import numpy as np

from loadtests.history.history import Rows, read_names, read_rows_from
from loadtests.history.kinds import Kind
from loadtests.history.ledger import LEDGER_SUFFIX, NAMES_SUFFIX

_SAMPLE_DEVICES = 100
_RECENT_NS = 30_000_000_000
_NS_PER_MS = 1e6


class LiveView:
    """Follows the ledgers of a run directory."""

    def __init__(self, directory: Path, *, subscribers: int) -> None:
        self._directory = directory
        self._subscribers = subscribers
        self._offsets: dict[Path, int] = defaultdict(int)
        self._due: dict[tuple[str, int], int] = {}
        """(job, revision) → when the mutation was due."""
        self._revisions: dict[str, list[int]] = defaultdict(list)
        """Job → the revisions that mutations made, ascending; where revisions are times, they lie millions apart."""
        self._mutation_due: dict[int, int] = {}
        self._bodies: dict[tuple[Path, int], dict[str, int]] = defaultdict(dict)
        self._seen: dict[int, dict[str, int]] = defaultdict(dict)
        self._recent: deque[tuple[int, float]] = deque()

    def visibility_ms_p95(self) -> float | None:
        """Read what was written since the last call; return the p95 of the last half minute."""
        for path in sorted(self._directory.glob(f"*{LEDGER_SUFFIX}")):
            rows = read_rows_from(path, self._offsets[path])
            self._offsets[path] += len(rows)
            if len(rows) == 0:
                continue
            names = read_names(path.with_suffix(NAMES_SUFFIX))
            self._learn_mutations(rows, names)
            self._learn_answers(path, rows, names)
        if not self._recent:
            return None
        horizon_ns = self._recent[-1][0] - _RECENT_NS
        while self._recent[0][0] < horizon_ns:
            self._recent.popleft()
        return float(np.quantile([value for _, value in self._recent], 0.95))

    def _learn_mutations(self, rows: Rows, names: list[str]) -> None:
        for row in rows[rows["kind"] == Kind.DUE]:
            self._mutation_due[int(row["actor"])] = int(row["due_ns"])
        for row in rows[(rows["kind"] == Kind.ACKED) & (rows["revision"] > 0)]:
            due_ns = self._mutation_due.pop(int(row["actor"]), None)
            if due_ns is not None:
                job, revision = names[row["entity"]], int(row["revision"])
                if (job, revision) not in self._due:
                    insort(self._revisions[job], revision)
                self._due[job, revision] = due_ns

    def _learn_answers(self, path: Path, rows: Rows, names: list[str]) -> None:
        for row in rows[rows["kind"] == Kind.BODY_ITEM]:
            if row["revision"]:
                self._bodies[path, int(row["value"])][names[row["entity"]]] = int(row["revision"])
        every = max(1, self._subscribers // _SAMPLE_DEVICES)
        answered = rows[(rows["kind"] == Kind.ANSWERED) & (rows["actor"] < self._subscribers) & (rows["entity"] >= 0)]
        for row in answered[answered["actor"] % every == 0]:
            seen = self._seen[int(row["actor"])]
            for job, revision in self._bodies[path, int(row["entity"])].items():
                # An answer shows all changes since the one before; at first sight nobody knows which were awaited.
                before = seen.get(job, revision - 1)
                if before < revision:
                    seen[job] = revision
                    self._show(job, before, revision, at_ns=int(row["at_ns"]))

    def _show(self, job: str, before: int, revision: int, *, at_ns: int) -> None:
        """Note that the changes after `before`, up to `revision`, have become visible."""
        made = self._revisions[job]
        for each in made[bisect_right(made, before) : bisect_right(made, revision)]:
            self._recent.append((at_ns, (at_ns - self._due[job, each]) / _NS_PER_MS))
