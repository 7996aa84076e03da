"""Visibility, screens and staleness of random runs, against the same definitions read with plain loops."""

from bisect import bisect_right
from dataclasses import dataclass, field
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.attention import read_looks
from loadtests.analysis.staleness import staleness
from loadtests.analysis.stamps import NEVER
from loadtests.clients.requests import PAGE_LIMIT, Cause
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story

DEVICES = 3
KINDS = tuple(MutationKind)


@dataclass
class Job:
    """A job of the model, and when it came and went."""

    name: str
    created_ms: int
    revision: int = 1
    documents: int = 0
    archived_ms: int | None = None


@dataclass
class Model:
    """A little jobs table with a past: what a list would answer at any moment."""

    jobs: list[Job]
    versions: list[tuple[int, tuple[tuple[str, int, int], ...]]] = field(default_factory=list)

    def keep(self, at_ms: int) -> None:
        """Remember page 1 as of now."""
        alive = [job for job in self.jobs if job.archived_ms is None][-PAGE_LIMIT:]
        self.versions.append((at_ms, tuple((job.name, job.revision, job.documents) for job in alive)))

    def page(self, at_ms: int) -> tuple[tuple[str, int, int], ...]:
        """Return page 1 as it was."""
        return self.versions[bisect_right([at for at, _ in self.versions], at_ms) - 1][1]


@dataclass
class Change:
    """A mutation that was done."""

    due_ms: int
    kind: MutationKind
    job: str
    revision: int
    document: int


@dataclass
class RandomRun:
    """A random run: what was told to the ledger, and what the loops need to judge it."""

    story: Story
    changes: list[Change]
    answers: list[tuple[int, int, tuple[tuple[str, int, int], ...]]]
    """(device, answered, page)."""
    model: Model


def random_run(seed: int) -> RandomRun:
    """Make a run whose answers are late, overtake one another and are stale at times."""
    random = Random(seed)  # noqa: S311 - a test's dice
    story = Story(subscribers={"count": DEVICES, "web": 0}).clock().live(*range(DEVICES))
    model = Model([Job(f"job-{number}", -100_000 + number) for number in range(random.choice([2, 24, 27]))])
    model.keep(-100_000)
    changes: list[Change] = []
    at_ms = 0
    for index in range(random.randint(1, 25)):
        at_ms += random.choice([10, 50, 400])
        changes.append(_change(random, model, at_ms))
        change = changes[-1]
        story.mutation(
            index, at_ms, kind=change.kind, job=change.job, revision=change.revision, document=change.document
        )
    for job in model.jobs:
        story.true_job(
            job.name,
            job.revision,
            created_ms=job.created_ms,
            documents=job.documents,
            is_archived=job.archived_ms is not None,
        )
    run = RandomRun(story, changes, [], model)
    _answer(random, run, at_ms)
    return run


def _change(random: Random, model: Model, due_ms: int) -> Change:
    alive = [job for job in model.jobs if job.archived_ms is None]
    kind = random.choice(KINDS) if alive else MutationKind.CREATE
    stored_ms = due_ms + 3
    if kind is MutationKind.CREATE:
        model.jobs.append(Job(f"job-{len(model.jobs)}", stored_ms - 1))
        job = model.jobs[-1]
    else:
        job = random.choice(alive)
    if kind is MutationKind.DOCUMENT:
        job.documents += 1
    elif kind is not MutationKind.CREATE:
        job.revision += 1
    if kind is MutationKind.ARCHIVE:
        job.archived_ms = stored_ms
    model.keep(stored_ms)
    is_document = kind is MutationKind.DOCUMENT
    return Change(due_ms, kind, job.name, 0 if is_document else job.revision, job.documents if is_document else 0)


def _answer(random: Random, run: RandomRun, last_ms: int) -> None:
    names: dict[tuple[tuple[str, int, int], ...], str] = {}
    for device in range(DEVICES):
        # Each answer has a millisecond of its own: two at once would leave open which came first.
        moments = random.sample(range(-2000, last_ms + 2000), random.randint(0, 12))
        for answered_ms in moments:
            page = run.model.page(answered_ms - random.choice([0, 1, 5, 300]))
            if page not in names:
                names[page] = f"body-{len(names)}"
                run.story.body(names[page], *page)
            run.story.fetch(device, answered_ms - 1, answered_ms, names[page], cause=Cause.CATCH_UP)
            run.answers.append((device, answered_ms, page))


def visible_by_loops(run: RandomRun, change: Change, device: int) -> float:
    """Return when a device first showed a change, in ms; +inf if it never did."""
    moments = [
        answered
        for who, answered, page in run.answers
        if who == device and answered >= change.due_ms + 1 and shows(page, change)
    ]
    if change.kind is not MutationKind.ARCHIVE:
        archives = [each for each in run.changes if each.kind is MutationKind.ARCHIVE and each.job == change.job]
        moments += [visible_by_loops(run, archive, device) for archive in archives if on_page(run, archive)]
    elif not on_page(run, change):
        return float("inf")
    return min(moments, default=float("inf"))


def shows(page: tuple[tuple[str, int, int], ...], change: Change) -> bool:
    """Return whether a page shows a change."""
    versions = {name: (revision, documents) for name, revision, documents in page}
    if change.kind is MutationKind.ARCHIVE:
        return change.job not in versions
    revision, documents = versions.get(change.job, (-1, -1))
    return documents >= change.document if change.kind is MutationKind.DOCUMENT else revision >= change.revision


def on_page(run: RandomRun, change: Change) -> bool:
    """Return whether the job stood on page 1 when the change was stored."""
    stored_ms = change.due_ms + 3
    before, now = run.model.page(stored_ms - 1), run.model.page(stored_ms)
    page = before if change.kind is MutationKind.ARCHIVE else now
    return change.job in {name for name, _, _ in page}


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_visibility_agrees_with_loops(seed: int) -> None:
    """Each pair of a random run is visible exactly when the loops say so, and on the screen when they say so."""
    run = random_run(seed)

    pairs = run.story.pairs()

    assert [bool(value) for value in pairs.on_screen] == [
        on_page(run, change) for change in run.changes for _ in range(DEVICES)
    ]
    visible = np.where(pairs.visible_ns == NEVER, np.inf, pairs.visible_ns / MS)
    assert visible.tolist() == [
        visible_by_loops(run, change, device) for change in run.changes for device in range(DEVICES)
    ]


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_staleness_agrees_with_a_look_at_every_millisecond(seed: int) -> None:
    """Mean and maximum over time are those of the age at each millisecond of each device."""
    story = random_run(seed).story
    run = story.run()
    chosen = np.flatnonzero(run.pairs.on_screen)
    looks = read_looks(run.presence, run.devices)
    stale = staleness(run.pairs, run.mutations, chosen, run.window, looks=looks, device_ns=DEVICES * 10_000 * MS)
    promised_ms = run.mutations.promised_ns[run.pairs.mutation] / MS
    until_ms = np.minimum(run.pairs.visible_ns, run.pairs.leave_ns) / MS

    ages = []
    for device in range(DEVICES):
        own = chosen[run.pairs.device[chosen] == device]
        for at_ms in np.arange(0, 10_000) + 0.5:
            is_open = (promised_ms[own] <= at_ms) & (at_ms < until_ms[own])
            ages.append(float((at_ms - promised_ms[own][is_open]).max(initial=0)))

    mean_ms = stale.mean_ms
    assert mean_ms is not None
    assert abs(mean_ms - np.mean(ages)) < 1e-6
    assert abs((stale.quantiles().max or 0.0) - max(ages)) <= 0.5 + 1e-9
    if stale.intervals:
        assert abs(stale._age_ms(0.95) - float(np.quantile(ages, 0.95))) <= 1.5
