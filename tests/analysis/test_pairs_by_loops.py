"""Visibility, screens and staleness of random runs, against the same definitions read with plain loops.

The devices show what was answered last and discard nothing; other rules of views are compared in `test_views_by_loops`.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.attention import read_looks
from loadtests.analysis.staleness import _TimeBeyond, staleness
from loadtests.analysis.stamps import NEVER
from loadtests.clients.requests import PAGE_LIMIT, Cause
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
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
    looks: list[list[tuple[int, int]]]
    """For each device when somebody looked at it."""


def random_run(seed: int) -> RandomRun:
    """Make a run whose answers are late, overtake one another and are stale at times."""
    random = Random(seed)  # noqa: S311 - a test's dice
    subscribers = {"count": DEVICES, "ios": 0, "web": 0, "hybrid": 1, "web_open_job": 0}
    story = Story(subscribers=subscribers).clock().live(*range(DEVICES), model=DeviceModel.HYBRID)
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
    looks = [_look(random, story, device) for device in range(DEVICES)]
    run = RandomRun(story, changes, [], model, looks)
    _answer(random, run, at_ms)
    return run


def _look(random: Random, story: Story, device: int) -> list[tuple[int, int]]:
    """Let people look away now and then; a device lives from -5 to 20 s."""
    edges = sorted(random.sample(range(-2000, 9000), random.choice([0, 0, 2, 6])))
    for begin_ms, end_ms in zip(edges[::2], edges[1::2], strict=True):
        story.away(device, begin_ms, end_ms)
    bounds = [-5000, *edges, 20_000]
    return list(zip(bounds[::2], bounds[1::2], strict=True))


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
    """People look away at times; each pair is visible, away or interrupted exactly when the loops say so."""
    run = random_run(seed)

    pairs = run.story.pairs()

    assert [bool(value) for value in pairs.on_screen] == [
        on_page(run, change) for change in run.changes for _ in range(DEVICES)
    ]
    visible, shown = (np.where(ns == NEVER, np.inf, ns / MS) for ns in (pairs.visible_ns, pairs.shown_ns))
    of = [(change, device) for change in run.changes for device in range(DEVICES)]
    assert shown.tolist() == [visible_by_loops(run, change, device) for change, device in of]
    for (change, device), visible_ms, shown_ms, left_ms, away, interrupted in zip(
        of, visible, shown, pairs.leave_ns / MS, pairs.is_away, pairs.is_interrupted, strict=True
    ):
        promised_ms = change.due_ms + 10
        ends = [end_ms for begin_ms, end_ms in run.looks[device] if begin_ms <= promised_ms < end_ms]
        assert away == (not ends)
        assert visible_ms == (shown_ms if ends and shown_ms < ends[0] else float("inf"))
        too_soon = bool(ends) and ends[0] <= min(shown_ms, left_ms) and ends[0] - promised_ms < 1000
        assert interrupted == too_soon


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_staleness_agrees_with_a_look_at_every_millisecond(seed: int) -> None:
    """Mean and maximum over time are those of the age at each millisecond of each device."""
    random = random_run(seed)
    run = random.story.run()
    chosen = np.flatnonzero(run.pairs.on_screen)
    looks = read_looks(run.presence, run.devices)
    looked_ns = run.presence.foreground.device_ns(0, 10_000 * MS, np.ones(DEVICES, dtype=np.bool_))
    stale = staleness(run.pairs, run.mutations, chosen, run.window, looks=looks, device_ns=looked_ns)
    promised_ms = run.mutations.promised_ns[run.pairs.mutation] / MS
    until_ms = np.minimum(run.pairs.shown_ns, run.pairs.leave_ns) / MS

    ages = []
    for device in range(DEVICES):
        own = chosen[run.pairs.device[chosen] == device]
        looked_at = np.concatenate([np.arange(begin_ms, end_ms) for begin_ms, end_ms in random.looks[device]])
        at_ms = looked_at[(looked_at >= 0) & (looked_at < 10_000), np.newaxis] + 0.5
        is_open = (promised_ms[own] <= at_ms) & (at_ms < until_ms[own])
        ages += np.where(is_open, at_ms - promised_ms[own], 0.0).max(axis=1, initial=0).tolist()

    mean_ms = stale.mean_ms
    assert mean_ms is not None
    assert abs(mean_ms - np.mean(ages)) < 1e-6
    assert abs((stale.quantiles().max or 0.0) - max(ages)) <= 0.5 + 1e-9
    if stale.intervals:
        beyond = _TimeBeyond(stale.from_ns, stale.to_ns)
        age_ms = beyond.age_ns(0.05 * stale.device_ns) / 1e6
        assert abs(age_ms - float(np.quantile(ages, 0.95))) <= 1.5
