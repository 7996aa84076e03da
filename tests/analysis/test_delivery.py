"""Every (event, subscriber) in exactly one class, and every miss and late delivery with a cause."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.analysis.cause_table import explain, read_scene
from loadtests.analysis.delivery import Delivery, DeliveryClass, account
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.leaks import leaked_signals
from loadtests.clients.requests import Cause
from loadtests.history.kinds import NOBODY, Kind, SignalFlag
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import MS, Story


def story_of_one(**changes: Any) -> Story:
    """Return one device, and one event committed at 105 ms; the deadline is 1 s."""
    story = Story(**{"subscribers": {"count": 1, "web": 0}, **changes}).clock().live(0)
    return story.true_job("job", 2).mutation(0, 100).body("new", ("job", 2))


def account_of(story: Story) -> Delivery:
    """Return the account of a story."""
    run = story.run()
    return account(run.events, run.signals, run.mutations, run.screens, deadline_ns=story.scenario.deadline_ms * MS)


def classes_of(story: Story) -> list[str]:
    """Return the class of each (event, device)."""
    return [DeliveryClass(value).name.lower() for value in account_of(story).classes]


def leaks_of(story: Story) -> list[tuple[int, str]]:
    """Return (device, event) of each leaked signal."""
    run, names = story.run(), story.history.names
    rows = leaked_signals(run.signals, run.presence, run.devices)
    return [(int(run.signals.device[row]), names[run.signals.name[row]]) for row in rows]


def test_received_once_in_time_is_delivered_once() -> None:
    """Exactly at the deadline still is."""
    assert classes_of(story_of_one().signal(0, "e0", 1105)) == ["delivered_once"]


def test_received_after_the_deadline_is_late() -> None:
    """One millisecond after it."""
    assert classes_of(story_of_one().signal(0, "e0", 1106)) == ["late"]


def test_received_twice_is_a_duplicate_even_if_late() -> None:
    """The class that comes first in the order counts."""
    assert classes_of(story_of_one().signal(0, "e0", 2000).signal(0, "e0", 2001)) == ["duplicate"]


def test_committed_after_logout_is_outside() -> None:
    """The device left at 50 ms; that it got the event nevertheless does not matter."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().true_job("job", 2).mutation(0, 100)
    story.row(Kind.LOGIN, -5000, actor=0).row(Kind.LIVE, -4000, actor=0).row(Kind.LOGOUT, 50, actor=0)

    assert classes_of(story.signal(0, "e0", 110)) == ["outside"]


def test_a_device_whose_process_was_killed_ends_with_it() -> None:
    """Its last row stands at 50 ms; another process goes on and logs its device out in the orderly way."""
    story = Story().clock().live(1).true_job("job", 2).mutation(0, 100).signal(1, "e0", 110)
    story.row(Kind.LOGIN, -5000, actor=0).row(Kind.LIVE, -4000, actor=0).fetch(0, 40, 50, None)

    assert classes_of(story) == ["outside", "delivered_once"]


def test_not_received_while_live_is_missed_live_and_may_be_healed() -> None:
    """A later refresh showed the change."""
    story = story_of_one().fetch(0, 3000, 3010, "new", cause=Cause.CATCH_UP)

    account = account_of(story)

    assert account.count(DeliveryClass.MISSED_LIVE) == 1
    assert account.live_healed == 1


def test_not_received_while_down_is_missed_and_healed_by_a_catch_up() -> None:
    """Down from 90 to 2,000 ms; the catch-up fetch showed the change."""
    story = story_of_one().down(0, 90, 2000).fetch(0, 2000, 2010, "new", cause=Cause.CATCH_UP)

    account = account_of(story)

    assert account.count(DeliveryClass.MISSED_HEALED) == 1


def test_going_down_before_the_deadline_is_not_live_throughout() -> None:
    """Committed while live, down 500 ms later: the server may not have had the time."""
    assert classes_of(story_of_one().down(0, 605, 2000)) == ["missed_unhealed"]


def test_received_though_committed_before_live_is_early_and_delivered() -> None:
    """The server matches when it reads the log, not when the row was committed."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().true_job("job", 2).mutation(0, 100)
    story.row(Kind.LOGIN, 0, actor=0).row(Kind.LIVE, 300, actor=0).signal(0, "e0", 310)

    account = account_of(story)

    assert (account.early, account.count(DeliveryClass.DELIVERED_ONCE)) == (1, 1)


def test_an_event_of_another_organization_is_leaked() -> None:
    """One of the run's own, and one that is nobody's we know: both crossed a border, neither is a phantom."""
    story = Story(organizations={"count": 2, "jobs": 1}).clock().live(0).live(1, organization=1)
    story.true_job("job", 2, organization=1).mutation(0, 100, organization=1).signal(1, "e0", 110)
    story.signal(0, "e0", 110).named("foreign", 120, organization=NOBODY).signal(0, "foreign", 120)

    account = account_of(story)

    assert (leaks_of(story), account.phantom) == ([(0, "e0"), (0, "foreign")], 0)
    assert account.expected == 1


def test_an_event_that_the_database_does_not_have_is_a_phantom() -> None:
    """It names an organization of the run, but is no row of it."""
    story = story_of_one().signal(0, "e0", 110).named("ghost", 120, organization=0).signal(0, "ghost", 120)

    assert account_of(story).phantom == 1


def test_without_the_truth_nothing_is_known_of_phantoms() -> None:
    """Null, not 0."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0)
    story.named("e0", 110, organization=0).signal(0, "e0", 110)

    assert account_of(story).phantom is None


def test_two_events_of_one_job_that_swap_are_out_of_order() -> None:
    """The older one comes last; events of different jobs may come in any order."""
    story = story_of_one().mutation(1, 300, revision=3).mutation(2, 400, job="other")
    story.signal(0, "e2", 410).signal(0, "e1", 420).signal(0, "e0", 430)

    assert account_of(story).out_of_order == 1


def test_a_signal_with_errors_is_delivered_degraded() -> None:
    """Counted beside the classes."""
    story = story_of_one().signal(0, "e0", 110, flag=SignalFlag.ERRORS | SignalFlag.ASKS_REFRESH)

    account = account_of(story)

    assert (account.degraded, account.count(DeliveryClass.DELIVERED_ONCE)) == (1, 1)


def test_a_phantom_with_errors_is_degraded_too() -> None:
    """Its event cannot be placed in the window, since the database has none."""
    story = story_of_one().signal(0, "e0", 110).named("never", 300, organization=0)

    account = account_of(story.signal(0, "never", 300, flag=SignalFlag.ERRORS | SignalFlag.ASKS_REFRESH))

    assert (account.degraded, account.phantom) == (1, 1)


def test_a_signal_that_does_not_tell_its_event_is_degraded_and_nothing_else() -> None:
    """A row that was refused has errors and no columns: nobody knows which event it was, nor whose."""
    story = story_of_one().signal(0, "e0", 110).row(Kind.SIGNAL, 120, actor=0, due_ns=300, flag=SignalFlag.ERRORS)

    account = account_of(story)

    assert (account.degraded, leaks_of(story), account.phantom) == (1, [], 0)
    assert account.count(DeliveryClass.DELIVERED_ONCE) == 1


def test_pollers_are_expected_nothing() -> None:
    """Only subscribers are in the account."""
    assert account_of(story_of_one(pollers=[{"interval_s": 5, "count": 3}])).expected == 1


def test_events_of_the_warm_up_are_left_out_but_a_leak_is_not() -> None:
    """Isolation has no warm-up."""
    phases = [
        {"name": "warm-up", "duration_s": 1, "mutations_per_s": 1, "warm_up": True},
        {"name": "load", "duration_s": 9, "mutations_per_s": 1},
    ]
    story = Story(organizations={"count": 2, "jobs": 1}, phases=phases).clock().live(0).live(1, organization=1)
    story._rows[0]["revision"] = 1
    story.row(Kind.PHASE, 1000, value=1).mutation(0, 100).signal(0, "e0", 110).signal(1, "e0", 110)

    account = account_of(story)

    assert (account.expected, leaks_of(story)) == (0, [(1, "e0")])


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_classes_sum_to_the_expected_count_of_any_history(seed: int) -> None:
    """Whatever is lost, doubled, late, leaked or down: each pair has one class, and each miss one cause."""
    random = Random(seed)  # noqa: S311 - a test's dice
    story = Story(organizations={"count": 2, "jobs": 1}, subscribers={"count": 5, "web": 0})
    homes = [device.organization for device in story.population.subscribers]
    if random.random() < 0.9:
        story.clock()
    for device, home in enumerate(homes):
        _connect(random, story, device, home)
    for index in range(random.randint(0, 12)):
        due_ms, organization = random.randint(0, 10_500), random.randint(0, 1)
        kind = random.choice(list(MutationKind))
        story.mutation(index, due_ms, organization=organization, kind=kind, has_event=random.random() < 0.9)
        for _ in range(random.randint(0, 8)):
            story.signal(random.randint(0, 4), f"e{index}", due_ms + random.randint(-5, 3000))

    account = account_of(story)

    members = [homes.count(organization) for organization in range(2)]
    run = story.run()
    inside = run.events.organization[run.events.in_window]
    assert account.expected == sum(members[organization] for organization in inside)
    assert account.expected == len(account.classes)
    assert account.adds_up
    misses = sum(account.count(each) for each in DeliveryClass if each.name.startswith("MISSED"))
    causes = explain(account, read_scene(run.events, run.signals, run.screens, story.history))
    assert sum(causes.misses_by_cause().values()) == misses
    assert sum(causes.late_by_cause().values()) == account.count(DeliveryClass.LATE)
    assert (run.devices.cohort[account.lanes.device] == SUBSCRIBER).all()


def _connect(random: Random, story: Story, device: int, home: int) -> None:
    at_ms = random.randint(-5000, 1000)
    story.row(Kind.LOGIN, at_ms, actor=device, value=home)
    for _ in range(random.randint(0, 4)):
        at_ms += random.randint(1, 3000)
        kind = random.choice([Kind.LIVE, Kind.LIVE, Kind.DOWN])
        story.row(kind, at_ms, actor=device, flag=random.randint(1, 6) if kind is Kind.DOWN else 0)
    if random.random() < 0.5:
        story.row(Kind.LOGOUT, at_ms + random.randint(1, 9000), actor=device)
