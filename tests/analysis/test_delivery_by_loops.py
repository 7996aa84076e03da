"""The account of random lives in two organizations, against the same definitions read with plain loops."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.cause_table import explain, read_scene
from loadtests.analysis.delivery import Delivery, DeliveryClass, account
from loadtests.analysis.leaks import leaked_signals
from loadtests.history.kinds import DownCause, Kind, Leaving
from loadtests.scenario.population import Device
from tests.analysis.literal import MS, Story

DEVICES = 4
DEADLINE_MS = 1000


@dataclass
class Life:
    """From login to logout, in one organization."""

    organization: int
    begin_ms: int
    end_ms: int
    live: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class RandomRun:
    """A random run: what was told to the ledger, and what the loops need to judge it."""

    story: Story
    lives: dict[int, list[Life]]
    events: list[tuple[int, int]] = field(default_factory=list)
    """(organization, committed)."""
    signals: list[tuple[int, int, int]] = field(default_factory=list)
    """(received, device, event)."""
    answers: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(device, requested, answered, event shown)."""


def random_run(seed: int) -> RandomRun:
    """Make a run in which people log in, log out, switch and kill their app, and signals are lost, doubled or late."""
    random = Random(seed)  # noqa: S311 - a test's dice
    story = Story(
        organizations={"count": 2, "jobs": 1},
        subscribers={"count": DEVICES, "web": 0},
        lifecycle=[{"step": "switch", "at_s": 1, "share": 0.5}],
    ).clock()
    run = RandomRun(story, {device.index: _live(random, story, device) for device in story.population.subscribers})
    for event in range(random.randint(0, 12)):
        organization, due_ms = random.randint(0, 1), random.randrange(0, 9990, 10)
        run.events.append((organization, due_ms + 5))
        story.mutation(event, due_ms, job=f"job-{event}", organization=organization)
        story.true_job(f"job-{event}", 2, organization=organization).body(f"body-{event}", (f"job-{event}", 2))
    # Each has a millisecond of its own: two at once would leave open which came first.
    moments = iter(random.sample(range(13_000), 60))
    for event, (_, committed_ms) in enumerate(run.events):
        for _ in range(random.randint(0, 6)):
            delay_ms = random.choice([0, 10, 999, 1000, 1001, 3000])
            run.signals.append((committed_ms + delay_ms, random.randrange(4), event))
        if random.random() < 0.5:
            at_ms = next(moments)
            run.answers.append((random.randrange(4), at_ms, at_ms + random.choice([1, 400]), event))
    for received_ms, device, event in run.signals:
        story.signal(device, f"e{event}", received_ms)
    for device, requested_ms, answered_ms, event in run.answers:
        story.fetch(device, requested_ms, answered_ms, f"body-{event}")
    return run


def _live(random: Random, story: Story, device: Device) -> list[Life]:
    homes = [device.organization] + ([] if device.other_organization is None else [device.other_organization])
    lives: list[Life] = []
    at_ms = random.randint(-3000, 2000)
    for _ in range(random.randint(0, 3)):
        life = Life(random.choice(homes), at_ms, at_ms + random.randint(1, 6000))
        lives.append(life)
        story.row(Kind.LOGIN, life.begin_ms, actor=device.index, value=life.organization)
        edges = sorted(random.sample(range(life.begin_ms, life.end_ms), min(random.randint(0, 4), life.end_ms - at_ms)))
        for begin_ms, end_ms in zip(edges[::2], [*edges[1::2], None][: len(edges[::2])], strict=True):
            story.row(Kind.LIVE, begin_ms, actor=device.index)
            if end_ms is not None:
                story.row(Kind.DOWN, end_ms, actor=device.index, flag=DownCause.CLOSED)
            life.live.append((begin_ms, life.end_ms if end_ms is None else end_ms))
        story.row(Kind.LOGOUT, life.end_ms, actor=device.index, flag=random.choice(list(Leaving)))
        at_ms = life.end_ms + random.choice([0, 1, 500])
    return lives


def class_by_loops(run: RandomRun, event: int, device: int) -> DeliveryClass:
    """Return the class of an event and a device, in the order of the definition."""
    organization, committed_ms = run.events[event]
    at_home = [life for life in run.lives[device] if life.organization == organization]
    around = [life for life in at_home if life.begin_ms <= committed_ms < life.end_ms]
    received = [at_ms for at_ms, who, what in run.signals if (who, what) == (device, event)]
    until_ms = committed_ms + DEADLINE_MS
    if not around:
        return DeliveryClass.OUTSIDE
    if len(received) > 1:
        return DeliveryClass.DUPLICATE
    if received:
        return DeliveryClass.DELIVERED_ONCE if received[0] <= until_ms else DeliveryClass.LATE
    if any(begin <= committed_ms and until_ms < end for begin, end in around[0].live):
        return DeliveryClass.MISSED_LIVE
    is_shown = any(
        who == device and what == event and life.begin_ms <= requested and answered < life.end_ms
        for who, requested, answered, what in run.answers
        for life in at_home
    )
    return DeliveryClass.MISSED_HEALED if is_shown else DeliveryClass.MISSED_UNHEALED


def account_of(run: RandomRun) -> Delivery:
    """Return the account of a run."""
    made = run.story.run()
    return account(made.events, made.signals, made.mutations, made.screens, deadline_ns=DEADLINE_MS * MS)


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_classes_agree_with_loops(seed: int) -> None:
    """Cell by cell, guests included; they add up, each gap is told once, and each miss has one cause."""
    run = random_run(seed)

    delivery = account_of(run)

    members = {
        organization: [
            device.index
            for device in run.story.population.subscribers
            if organization in {device.organization, device.other_organization}
        ]
        for organization in (0, 1)
    }
    expected = {
        (event, device): class_by_loops(run, event, device)
        for event, (organization, _) in enumerate(run.events)
        for device in members[organization]
    }
    names = run.story.history.names
    event, device = delivery.lanes.of_cells(np.arange(len(delivery.classes)))
    told = [names[name] for name in run.story.run().events.name[event]]
    found = {
        (int(name[1:]), int(who)): DeliveryClass(value)
        for name, who, value in zip(told, device, delivery.classes, strict=True)
    }
    assert found == expected
    assert delivery.expected == len(expected) == len(delivery.classes)
    assert delivery.adds_up
    assert Counter(delivery.deviations.classes.tolist()) == Counter(
        value for value in expected.values() if value >= DeliveryClass.LATE
    )
    rebuilt = run.story.run()
    causes = explain(delivery, read_scene(rebuilt.events, rebuilt.signals, rebuilt.screens, run.story.history))
    assert sum(causes.misses_by_cause().values()) == sum(value > DeliveryClass.LATE for value in expected.values())


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_order_and_leaks_agree_with_loops(seed: int) -> None:
    """A leak by the last login before it; each job has one event here, so nothing is out of order."""
    run = random_run(seed)
    made = run.story.run()

    rows = leaked_signals(made.signals, made.presence, made.devices)

    leaks = []
    for received_ms, device, event in run.signals:
        begun = [life.organization for life in run.lives[device] if life.begin_ms <= received_ms]
        home = run.story.population.subscribers[device].organization
        if run.events[event][0] != (begun[-1] if begun else home):
            leaks.append((received_ms, device))
    found = [(int(made.signals.received_ns[row] // MS), int(made.signals.device[row])) for row in rows]
    assert sorted(found) == sorted(leaks)
    assert account_of(run).out_of_order == 0


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_disorder_agrees_with_loops(receipts: list[tuple[int, int]]) -> None:
    """Two devices receive five events of two jobs, in any order and number; taken in at once or piece by piece."""
    story = Story().clock().live(0, 1)
    for event in range(5):
        story.mutation(event, 100 * event, job=f"job-{event % 2}", revision=event + 2)
    for at, (device, event) in enumerate(receipts):
        story.signal(device, f"e{event}", 1000 + at)
    made = story.run()

    disorder = []
    for size in (1, 3, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("loadtests.analysis.receipts._CHUNK", size)
            told = account(made.events, made.signals, made.mutations, made.screens, deadline_ns=DEADLINE_MS * MS)
        disorder.append((told.out_of_order, told.count(DeliveryClass.DUPLICATE)))

    behind = sum(
        any(who == device and other > event and other % 2 == event % 2 for who, other in receipts[:at])
        for at, (device, event) in enumerate(receipts)
    )
    duplicates = sum(count > 1 for count in Counter(receipts).values())
    assert disorder == [(behind, duplicates)] * 3
