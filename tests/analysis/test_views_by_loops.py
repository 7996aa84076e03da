"""What random answers put on a device's screen, against the plain view that takes them in one by one."""

from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.convergence import Wrong, convergence
from loadtests.clients.models import client_model
from loadtests.clients.requests import Cause, RequestKey
from loadtests.clients.views import Item, View, ViewRule
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import LIST, MS, Story

JOBS: Final = tuple(f"job-{number:02}" for number in range(40))
"""From the oldest to the newest; a page may be full and leave some out."""
DETAIL: Final = RequestKey.job(JOBS[7])
CAUSES: Final = (Cause.FLUSH, Cause.FLUSH, Cause.FLUSH, Cause.CATCH_UP, Cause.POLL, Cause.SAFETY_POLL)
MODELS: Final = tuple(model for model in DeviceModel if model is not DeviceModel.POLLER)


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """One re-fetch and its answer, in no order that a server would keep to."""

    key: RequestKey
    cause: Cause
    requested_ms: int
    answered_ms: int
    items: dict[str, int] | None
    """The revision of each job in it; None: it failed."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """What a device fetched."""

    model: DeviceModel
    fetches: list[Fetch]


def random_life(model: DeviceModel, seed: int) -> Life:
    """Return fetches whose answers are late, overtake one another, are stale, short, empty or none."""
    random = Random(seed)  # noqa: S311 - a test's dice
    requested = sorted(random.sample(range(1000), random.randint(1, 12)))
    answered = random.sample(range(1000, 2000), len(requested))
    fetches = []
    for at_ms, offset_ms in zip(requested, answered, strict=True):
        key = DETAIL if random.random() < 0.15 else RequestKey.job_list(limit=25)
        # A third overlap with what follows; stamps of answers are all different.
        answered_ms = at_ms * 1000 + (offset_ms if random.random() < 0.7 else offset_ms * 300)
        fetches.append(
            Fetch(
                key=key,
                cause=random.choice(CAUSES),
                requested_ms=at_ms * 1000,
                answered_ms=answered_ms,
                items=None if random.random() < 0.1 else _items(random, key),
            )
        )
    return Life(model=model, fetches=fetches)


def _items(random: Random, key: RequestKey) -> dict[str, int]:
    if key == DETAIL:
        return {JOBS[7]: random.randint(1, 4)}
    chosen = random.sample(JOBS, random.choice([0, 3, 24, 25, 25, 25]))
    return {job: random.randint(1, 4) for job in sorted(chosen, reverse=True)}


def story_of(life: Life) -> Story:
    """Return the life as a history; of the jobs every third one was archived."""
    weights = {"ios": 0, "web": 0, "web_open_job": 0, life.model.key: 1}
    story = Story(subscribers={"count": 1, **weights}).clock()
    story.lives(0, -5000, 3_000_000, model=life.model)
    for number, job in enumerate(JOBS):
        story.true_job(job, 4, created_ms=-100_000 + number, is_archived=number % 3 == 0)
    for number, fetch in enumerate(life.fetches):
        body = None if fetch.items is None else f"body-{number}"
        if body is not None and fetch.items is not None:
            story.body(body, *fetch.items.items(), kind=fetch.key.kind)
        path = LIST if fetch.key != DETAIL else DETAIL.path
        story.fetch(0, fetch.requested_ms, fetch.answered_ms, body, cause=fetch.cause, key=path)
    return story


def shown_of(life: Life) -> list[tuple[int, Fetch]]:
    """Return the fetches whose answers came to stand, and when."""
    discards = client_model(life.model, window_ns=0).discards_overtaken
    shown = [
        (own.answered_ms, own)
        for own in life.fetches
        if own.items is not None
        and not (
            discards
            and any(
                own.key == other.key and own.requested_ms < other.requested_ms < own.answered_ms
                for other in life.fetches
            )
        )
    ]
    return sorted(shown, key=lambda moment: moment[0])


def views_of(life: Life) -> list[tuple[int, View]]:
    """Return the device's view after each answer, and when that came."""
    model = client_model(life.model, window_ns=0)
    view = View(model.views, list_limit=25, discards_overtaken=model.discards_overtaken)
    numbers: dict[int, int] = {}
    moments = [(fetch.requested_ms, 1, number) for number, fetch in enumerate(life.fetches)]
    moments += [(fetch.answered_ms, 0, number) for number, fetch in enumerate(life.fetches)]
    views = []
    for at_ms, is_request, number in sorted(moments):
        fetch = life.fetches[number]
        if is_request:
            numbers[number] = view.request(fetch.key)
        elif fetch.items is not None:
            items = [Item(job=job, version=own, created_ns=JOBS.index(job)) for job, own in fetch.items.items()]
            view.answer(fetch.key, fetch.cause, items, request=numbers[number])
            views.append((at_ms, deepcopy(view)))
    return views


@pytest.mark.parametrize("model", MODELS)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_what_was_seen_first_is_what_the_plain_view_showed_first(model: DeviceModel, seed: int) -> None:
    """Each version of each job, at the answer after which the plain view shows it or a later one."""
    life = random_life(model, seed)
    screens = story_of(life).run().screens
    names = names_of(story_of(life))
    views = views_of(life)
    for job in JOBS:
        for version in range(1, 5):
            view = screens.sightings.view(np.zeros(1, dtype=np.int64), np.array([names[job]]))
            request = int(screens.sightings.revision.first_at_least(view, np.array([version]))[0])
            seen_ms = screens.requests.answered_ns[request] // MS if request >= 0 else None
            expected = next((at_ms for at_ms, shown in views if (shown.shows(job) or 0) >= version), None)
            assert seen_ms == expected


def names_of(story: Story) -> dict[str, int]:
    """Return the number of each name."""
    return {name: number for number, name in enumerate(story.history.names)}


@pytest.mark.parametrize("model", MODELS)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_what_is_wrong_in_the_end_is_what_the_plain_view_shows_wrongly(model: DeviceModel, seed: int) -> None:
    """Of page 1 what is not shown or is old, and of what is archived what stands on the list."""
    life = random_life(model, seed)
    story = story_of(life)
    run = story.run()
    result = convergence(run.screens, run.jobs, run.mutations, end_ns=2_900_000 * MS)
    views = views_of(life)
    view = views[-1][1] if views else View(ViewRule.REPLACE, list_limit=25)
    alive = [job for number, job in enumerate(JOBS) if number % 3][-25:]
    archived = [job for number, job in enumerate(JOBS) if not number % 3 and job in view.listed]
    expected = {(job, Wrong.MISSING) for job in alive if view.shows(job) is None}
    expected |= {(job, Wrong.OLD_REVISION) for job in alive if 0 < (view.shows(job) or 0) < 4}
    lists = [(at_ms, fetch) for at_ms, fetch in shown_of(life) if fetch.key != DETAIL]
    last = lists[-1][1].items or {} if lists else {}
    behind = {job for job in archived if job < alive[0] and job not in last}
    expected |= {(job, Wrong.ARCHIVED_BUT_SHOWN) for job in archived if job not in behind}

    found = {(story.history.names[job], Wrong(int(wrong))) for job, wrong in zip(result.job, result.wrong, strict=True)}

    assert found == expected
    assert result.archived_beyond_page == len(behind)


@pytest.mark.parametrize("model", MODELS)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), from_ms=st.integers(0, 1_000_000))
def test_a_job_is_gone_when_the_plain_view_lists_it_no_more(model: DeviceModel, seed: int, from_ms: int) -> None:
    """Of jobs that stood on the list at a moment: the first list after which they do not."""
    life = random_life(model, seed)
    story = story_of(life)
    screens, names = story.run().screens, names_of(story)
    views = views_of(life)
    before = [view for at_ms, view in views if at_ms < from_ms]
    listed = before[-1].listed if before else ()
    for job in listed:
        asked = np.zeros(1, dtype=np.int64), np.array([names[str(job)]]), np.array([from_ms * MS])
        request = int(screens.removals.first_list_without(*asked)[0])
        gone_ms = screens.requests.answered_ns[request] // MS if request >= 0 else None
        expected = next((at_ms for at_ms, view in views if at_ms >= from_ms and job not in view.listed), None)
        assert gone_ms == expected
