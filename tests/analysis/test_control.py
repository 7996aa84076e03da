"""The control group: event by event beside the devices that it shadows, and in no other number."""

from typing import Any, Self

from loadtests.analysis.control import ControlGroup, compare_control
from loadtests.history.kinds import Kind, TruthSource
from tests.analysis.literal import Story

COUPLE: dict[str, Any] = {"subscribers": {"count": 1, "web": 0, "control": 1}}


class Beside(Story):
    """A story with official clients in it."""

    def official(self, *, shadows: int = 0, live_ms: float = -4000, down_ms: float = 20_000) -> Self:
        """Let an official client subscribe 50 ms before it is live, and leave."""
        self.row(Kind.CONTROL_SUBSCRIBED, live_ms - 50, actor=0, value=shadows)
        self.row(Kind.CONTROL_LIVE, live_ms, actor=0, value=shadows)
        return self.row(Kind.CONTROL_DOWN, down_ms, actor=0, value=shadows, entity="left")

    def told(self, event: str, at_ms: float, *, shadows: int = 0) -> Self:
        """Let an official client call back with an event."""
        return self.row(Kind.CONTROL_SIGNAL, at_ms, actor=0, value=shadows, entity=event)

    def group(self) -> ControlGroup:
        """Return what the comparison finds."""
        return compare_control(self.run(), self.history, self.scenario)


def couple(**changes: Any) -> Beside:
    """Return a device and an official client in its organization, and one event committed at 1,005 ms."""
    story = Beside(**{**COUPLE, **changes}).clock().live(0).true_job("job", 2)
    return story.mutation(0, 1000).body("new", ("job", 2))


def reasons_of(story: Story) -> list[str]:
    """Return why the measurement is not good enough."""
    metrics = story.metrics()
    reasons: list[str] = metrics["health"]["reasons"]
    assert metrics["control"]["reasons"] == reasons  # nothing else is wrong in these stories
    return reasons


def test_what_both_received_is_no_difference() -> None:
    """Latencies stand side by side: 7 ms at the official client, 5 ms at the device."""
    story = couple().official().signal(0, "e0", 1010).told("e0", 1012)
    group = story.group()

    assert (group.pairs, group.missing, group.surplus) == (1, 0, 0)
    assert round(group.latency_differences_ms["p50"] or 0, 3) == 2
    assert group.latency_differences_ms["p95"] is None
    assert reasons_of(story) == []


def test_an_event_that_one_of_them_lacks_makes_the_run_unknown_and_is_named() -> None:
    """Whose fault it is cannot be told from here."""
    lost_by_us = couple().official().told("e0", 1012)
    lost_by_them = couple().official().signal(0, "e0", 1010)

    assert (lost_by_us.group().missing, lost_by_us.group().surplus) == (0, 1)
    assert (lost_by_them.group().missing, lost_by_them.group().surplus) == (1, 0)
    assert reasons_of(lost_by_us)[0] == (
        "official clients and lean subscribers of the same organizations did not receive the same events: the former "
        "lack 0, the latter 1 (event e0 of organization 0 at 1.005 s: subscriber 0 received it 1 time less than the "
        "other)"
    )
    assert "the official client received it 1 time less" in reasons_of(lost_by_them)[0]


def test_who_plants_a_fault_on_some_receivers_is_told_what_makes_them_differ() -> None:
    """And what to do about it; a fault that hits everybody alike excuses no difference."""
    fault = {"at_s": 1, "kind": "drop", "count": 1}
    planted = couple(faults=[fault]).official().told("e0", 1012)
    of_all = couple(faults=[{"at_s": 1, "kind": "restart_postgres"}]).official().told("e0", 1012)

    assert reasons_of(planted)[0].endswith(
        ": planted faults (drop) may hit one of the two alone; subscribers.control = 0 does without"
    )
    assert "planted" not in reasons_of(of_all)[0]


def test_a_loss_that_both_saw_is_no_difference() -> None:
    """The control group then bears the devices out: what is missed stays missed."""
    story = couple().official()

    assert (story.group().pairs, story.group().missing, story.group().surplus) == (1, 0, 0)
    assert story.metrics()["delivery"]["missed_live"] == 1
    assert reasons_of(story) == []


def test_what_official_clients_alone_heard_counts_where_nobody_reads_the_database() -> None:
    """The account is of what subscribers received, and knows nothing of it; one that was down meanwhile explains it."""

    def agreed(source: TruthSource = TruthSource.AGREEMENT) -> Beside:
        story = couple().row(Kind.TRUTH, 0, flag=source).named("e0", 1006, organization=0).signal(0, "e0", 1010)
        return story.official().told("e0", 1012).told("lost", 3000)

    assert agreed().group().unheard == ("lost",)
    assert agreed().metrics()["control"]["unheard"] == 1
    assert reasons_of(agreed())[0] == (
        "official clients received 1 event that no lean subscriber did, though those beside them were live (lost); "
        "nobody may read the database, so the account does not know them"
    )
    assert agreed().down(0, 2500, 3500).group().unheard == ()
    assert agreed(TruthSource.DATABASE).group().unheard == ()


def test_a_difference_that_evens_out_is_one_nevertheless() -> None:
    """Event by event: one lacks the first, the other the second."""
    story = couple().official().mutation(1, 2000, revision=3).signal(0, "e0", 1010).told("e1", 2010)

    assert (story.group().missing, story.group().surplus) == (1, 1)


def test_a_duplicate_counts_as_often_as_it_came() -> None:
    """Twice at one of them is once too many."""
    story = couple().official().signal(0, "e0", 1010).told("e0", 1012).told("e0", 1013)

    assert story.group().surplus == 1


def test_only_events_of_the_time_when_both_were_live_are_compared() -> None:
    """From the commit to the deadline: before, the one that is live may hear what the other may not."""
    before = couple().official(live_ms=1006).signal(0, "e0", 1010)
    ended = couple().official(down_ms=2004).signal(0, "e0", 1010)
    device_down = couple().official().told("e0", 1012).down(0, 900, 1500)

    assert [story.group().pairs for story in (before, ended, device_down)] == [0, 0, 0]
    assert [story.group().differences for story in (before, ended, device_down)] == [(), (), ()]


def test_an_official_client_may_come_back() -> None:
    """A second life counts as the first."""
    story = couple().official(down_ms=500).official(live_ms=800).signal(0, "e0", 1010).told("e0", 1012)

    assert (story.group().pairs, story.group().live) == (1, 1)


def test_latencies_beyond_the_tolerance_make_the_run_unknown() -> None:
    """Either way: 20 ms, or a quarter of the devices' latency if that is more."""
    slow = couple().official().signal(0, "e0", 1010).told("e0", 1031)
    fast = couple().official().signal(0, "e0", 1210).told("e0", 1010)
    within = couple().official().signal(0, "e0", 1205).told("e0", 1254)

    assert reasons_of(slow)[0] == (
        "the official clients' signal latency, p50, differs by +21.0 ms from that of the lean subscribers beside them; "
        "20.0 ms is the tolerance: if they queue, lower subscribers.control or the load"
    )
    assert "differs by -200.0 ms" in reasons_of(fast)[0]
    assert reasons_of(within) == []


def test_each_quantile_is_judged_by_its_own_latency() -> None:
    """Medians of 100 and 130 ms lie too far apart, however long the slowest twentieth took: 5 s on both sides."""
    story = Beside(**COUPLE).clock().live(0).official().true_job("job", 300)
    for index in range(200):
        at_ms, is_slow = 1000 + 10 * index, index % 10 == 0
        story.mutation(index, at_ms, revision=index + 2)
        story.signal(0, f"e{index}", at_ms + 5 + (5000 if is_slow else 100))
        story.told(f"e{index}", at_ms + 5 + (5000 if is_slow else 130))

    assert {name: round(ms) for name, ms in story.group().tolerances_ms.items()} == {"p50": 25, "p95": 1250}
    assert "p50, differs by +30.0 ms" in story.metrics()["control"]["reasons"][0]


def test_a_scenario_may_allow_more() -> None:
    """On a machine that has other things to do."""
    story = couple(health={"control_difference_ms": 30}).official().signal(0, "e0", 1010).told("e0", 1031)

    assert reasons_of(story) == []


def test_readiness_is_compared() -> None:
    """Live after the join reply: 50 ms at the official client; at the device 20 ms, or, misread, before the reply."""

    def story(joined_ms: float) -> Beside:
        return couple().official().signal(0, "e0", 1010).told("e0", 1012).row(Kind.JOINED, joined_ms, actor=0)

    assert (story(-4020).group().ready_ms, story(-4020).group().lean_ready_ms) == (50, 20)
    assert reasons_of(story(-4020)) == []
    assert reasons_of(story(-850))[0] == (
        "the official clients became live +3,200 ms later after their join reply than the lean subscribers beside "
        "them; 3,000 ms is the tolerance"
    )


def test_a_slow_swarm_does_not_excuse_itself() -> None:
    """2 s after its join reply may be the server's first join; 4 s may not, though nobody in the swarm was sooner."""

    def slow(joined_ms: float) -> Beside:
        return couple().official().signal(0, "e0", 1010).told("e0", 1012).row(Kind.JOINED, joined_ms, actor=0)

    assert (slow(-6000).group().ready_difference_ms, reasons_of(slow(-6000))) == (-1950, [])
    assert "live -3,950 ms later" in reasons_of(slow(-8000))[0]


def test_where_official_clients_take_long_a_quarter_of_that_is_no_news() -> None:
    """Live 20 s after their join reply: they are not ours."""
    story = couple().row(Kind.CONTROL_SUBSCRIBED, -20_000).official(live_ms=0).signal(0, "e0", 1010).told("e0", 1012)

    assert (story.group().ready_ms, story.group().ready_tolerance_ms) == (20_000, 5000)


def test_a_control_group_that_controls_nothing_is_no_control() -> None:
    """Never live, or without an event to compare though devices are judged by some."""
    never = couple().signal(0, "e0", 1010)
    elsewhere = couple().signal(0, "e0", 1010).official(live_ms=1006)

    assert reasons_of(never)[0].startswith("of 1 control subscribers 1 never became live")
    assert reasons_of(elsewhere) == [
        "the control group had no event to compare: let it shadow more devices (subscribers.control)"
    ]


def test_where_nobody_was_to_hear_anything_there_is_nothing_to_vouch_for() -> None:
    """A scenario that only connects, or whose organizations nobody has written to, is as good as without it."""
    idle = Beside(**COUPLE).clock().live(0).true_job("job", 2).official()

    assert (idle.group().pairs, idle.group().live) == (0, 1)
    assert reasons_of(idle) == []


def test_a_run_is_judged_by_whom_its_control_group_did_shadow() -> None:
    """Recorded by a version that chose another device, in another organization: it heard what that one heard."""
    keys = {"organizations": {"count": 2}, "subscribers": {"count": 2, "web": 0, "control": 1}}
    story = Beside(**keys).clock().live(0).live(1, organization=1).true_job("job", 2)
    story.mutation(0, 1000, organization=1).body("new", ("job", 2)).signal(1, "e0", 1010)
    story.official(shadows=1).told("e0", 1012, shadows=1)
    group = story.group()

    assert [control.shadows for control in story.population.controls] == [0]
    assert (group.pairs, group.missing, group.surplus) == (1, 0, 0)


def test_without_a_control_group_nothing_is_said() -> None:
    """And its numbers are empty."""
    story = couple(subscribers={"count": 1, "web": 0, "control": 0}).signal(0, "e0", 1010)

    assert reasons_of(story) == []
    assert story.metrics()["control"]["subscribers"] == 0
    assert story.metrics()["control"]["signal_difference_ms_p50"] is None


def test_the_control_group_stands_in_no_other_number() -> None:
    """Neither what it is nor what it hears."""
    without = couple().signal(0, "e0", 1010).metrics()
    beside = couple().official().signal(0, "e0", 1010).told("e0", 1012).told("e0", 1013).metrics()
    others = without.keys() - {"control", "health"}

    assert {key: without[key] for key in others} == {key: beside[key] for key in others}
