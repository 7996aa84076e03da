"""Every miss has one cause: the device's own record first, then what others heard, then what the target tells."""

import pytest

from loadtests.history.kinds import DownCause, Kind, Process
from tests.analysis.literal import MS, Story
from tests.analysis.voices import asked, causes, metric, voices, wall

SKIPPED = 'realtime_replication_poller_changes_skip{reason="rate_limited"}'
SLOT = 'pg_replication_slot_active_pid{slot_name="realtime_1"}'


def down(story: Story, device: int, begin_ms: float, end_ms: float, cause: DownCause, code: int = 0) -> Story:
    """Let a device not be live for a while."""
    return story.row(Kind.DOWN, begin_ms, actor=device, flag=cause, value=code).row(Kind.LIVE, end_ms, actor=device)


# ---- the device's own record


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        (DownCause.CLOSED, "socket down"),
        (DownCause.HEARTBEAT_LOST, "socket down"),
        (DownCause.CONNECT_FAILED, "socket down"),
        (DownCause.CHANNEL_CLOSED, "subscribe gap"),
        (DownCause.TOKEN_EXPIRED, "token expired"),
        (DownCause.LOGGED_OUT, "logged out"),
    ],
)
def test_a_device_that_was_not_live_missed_what_began_that(cause: DownCause, name: str) -> None:
    """Down from before the commit to long after."""
    assert causes(down(voices(["x-x", "xxx"]), 0, 90, 190, cause)) == {name: 1}


def test_before_the_subscription_is_in_force_there_is_a_subscribe_gap() -> None:
    """Logged in long ago, live at 300 ms; committed at 0 ms."""
    story = voices(["-", "x"])
    story._rows = [row for row in story._rows if not (row["kind"] == Kind.LIVE and row["actor"] == 0)]

    assert causes(story.row(Kind.LIVE, 300, actor=0)) == {"subscribe gap": 1}


def test_what_began_the_outage_counts_not_what_prolonged_it() -> None:
    """The token expired, then connecting failed, then the event was committed."""
    story = voices(["x-x", "xxx"]).row(Kind.DOWN, 50, actor=0, flag=DownCause.TOKEN_EXPIRED)
    down(story, 0, 90, 190, DownCause.CONNECT_FAILED)

    assert causes(story) == {"token expired": 1}


def test_a_device_that_went_down_before_others_were_told_was_down() -> None:
    """Committed at 100, the socket ended at 102, others were told at 104 ms."""
    assert causes(down(voices(["x-x", "xxx"]), 0, 102, 190, DownCause.CLOSED, 1012)) == {"socket down": 1}


def test_a_device_that_went_down_long_after_others_were_told_had_lost_the_frame_before() -> None:
    """The socket ended half a second later, before the deadline: that is not why."""
    assert causes(down(voices(["x-......x", "xx......x"]), 0, 600, 700, DownCause.CLOSED, 1012)) == {"lost frame": 1}


def test_a_silent_feed_is_no_fault_of_a_socket_that_ends_later() -> None:
    """Those who stayed missed it as well."""
    assert causes(down(voices(["x-......x", "x-......x"]), 0, 600, 700, DownCause.CLOSED)) == {"silent feed": 2}


def test_a_silence_that_ends_with_a_lost_heartbeat_was_a_dead_socket() -> None:
    """Half-open for two seconds, until our own heartbeat was missed."""
    story = voices(["x---.......................x", "xxxx.......................x"])

    assert causes(down(story, 0, 2500, 2600, DownCause.HEARTBEAT_LOST)) == {"socket down": 3}


def test_a_silence_that_outlives_the_heartbeat_is_a_deaf_channel() -> None:
    """A dead socket would have been noticed after 35 s at most."""
    story = voices(["x---", "xxxx"])
    story._rows = [row for row in story._rows if not (row["kind"] == Kind.LOGOUT and row["actor"] == 0)]
    story.row(Kind.DOWN, 36_000, actor=0, flag=DownCause.CLOSED).row(Kind.LOGOUT, 40_000, actor=0)

    assert causes(story) == {"deaf channel": 3}


def test_a_socket_that_broke_while_we_did_not_read_is_our_doing() -> None:
    """A byte had waited for 3 s in our own process; a close with a code would have been the server's word."""
    story = voices(["x-x", "xxx"]).row(Kind.RECEIVE_AGE, 80, actor=Process.SWARM, value=3000 * MS)

    assert causes(down(story, 0, 90, 190, DownCause.CLOSED, 1006)) == {"slow consumer": 1}
    story = voices(["x-x", "xxx"]).row(Kind.RECEIVE_AGE, 80, actor=Process.SWARM, value=3000 * MS)
    assert causes(down(story, 0, 90, 190, DownCause.CLOSED, 1012)) == {"socket down": 1}


# ---- the target's metrics


def test_a_silent_feed_whose_server_counted_discards_was_rate_limited() -> None:
    """Two rows were discarded between two askings, and two events are missing."""
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 1000)
    metric(metric(story, 0, SKIPPED, 5), 1000, SKIPPED, 7)

    assert causes(story) == {"rate-limited": 4}


def test_a_discard_counter_that_appears_with_its_first_count_has_grown_too() -> None:
    """Servers do not tell series that nothing was counted in."""
    story = metric(asked(voices(["xx-xxx", "xx-xxx"]), 0, 1000), 1000, SKIPPED, 1)

    assert causes(story) == {"rate-limited": 2}


def test_fewer_discards_than_silent_events_are_not_all_of_it() -> None:
    """One row was discarded, two events are missing: which of them is not known."""
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 1000)
    metric(metric(story, 0, SKIPPED, 5), 1000, SKIPPED, 6)

    assert causes(story) == {"silent feed": 4}


def test_discards_do_not_explain_what_others_received() -> None:
    """The counter has grown, but this was one channel alone."""
    story = metric(asked(voices(["xx-xxx", "xxxxxx"]), 0, 1000), 1000, SKIPPED, 9)

    assert causes(story) == {"lost frame": 1}


@pytest.mark.parametrize(
    "counter",
    ["realtime_replication_poller_exception_total", "realtime_replication_reconnects"],
)
def test_a_silent_feed_whose_poller_failed_had_lost_its_slot(counter: str) -> None:
    """Each of these counters is a probable gap."""
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 1000)
    metric(metric(story, 0, counter, 0), 1000, counter, 1)

    assert causes(story) == {"slot lost": 4}


def test_a_slot_that_is_gone_from_the_database_was_lost() -> None:
    """Seen over SQL: no metrics of Realtime are needed."""
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 250, name="pg_up")
    metric(metric(story, 0, SLOT, 4711), 250, SLOT, 0)

    assert causes(story) == {"slot lost": 4}


@pytest.mark.parametrize(("lost_ms", "cause"), [(-5000, "slot lost"), (-20_000, "silent feed")])
def test_a_slot_lost_long_before_is_not_to_blame(lost_ms: int, cause: str) -> None:
    """The feed is silent at 0 ms; within 10 s it has another slot."""
    story = asked(voices(["-x", "-x"]), lost_ms - 50, lost_ms)
    metric(story, lost_ms - 50, "realtime_replication_reconnects", 0)

    assert causes(metric(story, lost_ms, "realtime_replication_reconnects", 1)) == {cause: 2}


def test_a_restart_of_the_database_outweighs_the_slots_it_took() -> None:
    """Its server has another start time."""
    started = "pg_postmaster_start_time_seconds"
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 1000, name="pg_up")
    asked(metric(metric(story, 0, started, wall(-9000)), 1000, started, wall(250)), 0, 1000)
    metric(metric(story, 0, "realtime_replication_reconnects", 0), 1000, "realtime_replication_reconnects", 1)

    assert causes(story) == {"database restarted": 4}


def test_evidence_of_two_things_at_once_is_evidence_of_neither() -> None:
    """Discards and a lost slot in the same second."""
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 1000)
    for counter in (SKIPPED, "realtime_replication_reconnects"):
        metric(metric(story, 0, counter, 0), 1000, counter, 2)

    assert causes(story) == {"silent feed": 4}


def test_two_silences_have_a_cause_each() -> None:
    """The slot was lost in the first second, rows were discarded in the third one."""
    device = "x--.......x" + "." * 10 + "x--.......x"
    story = asked(voices([device, device]), 0, 1050, 2050, 3050)
    metric(metric(story, 0, "realtime_replication_reconnects", 0), 1050, "realtime_replication_reconnects", 1)
    metric(metric(story, 0, SKIPPED, 0), 3050, SKIPPED, 2)

    assert causes(story) == {"slot lost": 4, "rate-limited": 4}


def test_a_device_alone_is_told_by_the_metrics_of_the_target() -> None:
    """Nobody else could say whether the feed was silent."""
    story = metric(asked(voices(["xx--xx"]), 0, 1000), 1000, SKIPPED, 2)

    assert causes(story) == {"rate-limited": 2}


def test_rows_that_were_asked_about_and_not_granted_are_hidden() -> None:
    """One (row, subscriber) of six was not granted, and one is missing."""
    story = asked(voices(["xx-", "xxx"]), 150, 1000)
    for name, before, after in (("realtime_rls_checks", 4, 6), ("realtime_rls_granted", 4, 5)):
        metric(metric(story, 150, name, before), 1000, name, after)

    assert causes(story) == {"row-level security": 1}


def test_without_metrics_a_silent_feed_stays_a_silent_feed() -> None:
    """A hosted target tells nothing; one that answers and has counted nothing tells that it was neither."""
    assert causes(voices(["xx--xx", "xx--xx"])) == {"silent feed": 4}
    assert causes(asked(voices(["xx--xx", "xx--xx"]), 0, 1000)) == {"silent feed": 4}


def test_a_counter_that_begins_anew_has_counted_from_0() -> None:
    """The server was started again: 2 is not less than 5, but two more."""
    story = asked(voices(["xx--xx", "xx--xx"]), 0, 1000)
    metric(metric(story, 0, SKIPPED, 5), 1000, SKIPPED, 2)

    assert causes(story) == {"rate-limited": 4}


def test_planted_faults_are_no_evidence() -> None:
    """What was planted is context for people; the calibration would judge itself otherwise."""
    story = voices(["xx--xx", "xx--xx"]).row(Kind.FAULT, 200, due_ns=200 * MS, entity='discard {"duration_s": 0.2}')

    assert causes(story) == {"silent feed": 4}
