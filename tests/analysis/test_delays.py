"""Late deliveries and slow stages, each put down to what there is evidence of."""

from typing import Any

import pytest

from loadtests.history.kinds import DownCause, Kind, Process
from tests.analysis.literal import MS, Story
from tests.analysis.voices import causes, voices


def test_what_others_received_in_time_is_a_late_frame() -> None:
    """1.5 s after the commit, the others after 4 ms."""
    assert causes(voices(["xLx", "xxx"])) == {"late frame": 1}


def test_what_waited_in_our_own_process_is_our_doing() -> None:
    """Half of the 1.5 s is enough; a tenth is not."""
    slow = voices(["xLx", "xxx"]).row(Kind.RECEIVE_AGE, 1600, actor=Process.SWARM, value=800 * MS)
    quick = voices(["xLx", "xxx"]).row(Kind.RECEIVE_AGE, 1600, actor=Process.SWARM, value=150 * MS)
    other = voices(["xLx", "xxx"]).row(Kind.RECEIVE_AGE, 1600, actor=Process.RUNNER, value=800 * MS)

    assert causes(slow) == {"slow consumer": 1}
    assert causes(quick) == causes(other) == {"late frame": 1}


def test_a_stall_of_our_own_at_another_time_is_no_excuse() -> None:
    """Our loop was late by a second, but a second after the frame had been read."""
    story = voices(["xLx", "xxx"]).row(Kind.LOOP_LAG, 2600, actor=Process.SWARM, value=1000 * MS)

    assert causes(story) == {"late frame": 1}


def test_a_device_that_was_not_live_when_it_was_committed_was_late_because_of_that() -> None:
    """The token had expired; the server told the event nevertheless, once the device was back."""
    story = voices(["xLx", "xxx"]).row(Kind.DOWN, 90, actor=0, flag=DownCause.TOKEN_EXPIRED)

    assert causes(story.row(Kind.LIVE, 1500, actor=0)) == {"token expired": 1}


def test_what_came_late_to_everybody_is_put_down_to_the_feed() -> None:
    """Four events of two organizations were told at once, the last of them in time."""
    story = voices(["--.........x"], ["--.........x"])
    for number, at_ms in enumerate((1250, 1251, 1252, 1253)):
        story.signal(number % 2, f"{number % 2}.{number // 2}", at_ms)

    assert causes(story) == {"stalled feed": 4}


def slow_story() -> Story:
    """Return a mutation that one device sees; 1 ms sent, 5 ms committed, 10 ms received, 300 ms fetched."""
    return Story(subscribers={"count": 1, "web": 0}).clock().live(0).true_job("job", 2).body("new", ("job", 2))


def delays_of(story: Story) -> dict[str, Any]:
    """Return what the slow stages of a history are put down to, with the slowest of each."""
    delays = story.metrics()["push"]["delays"]
    return {cause: told["max"] for cause, told in delays.items()}


def test_a_slow_answer_is_the_apis() -> None:
    """200 ms from request to answer; the debounce of 500 ms is no delay."""
    story = slow_story().mutation(0, 100).signal(0, "e0", 110, batch=1)

    assert delays_of(story.fetch(0, 610, 810, "new", batch=1)) == {"api": 200.0}


def test_a_quick_pair_has_no_delay() -> None:
    """100 ms is not more than 100 ms."""
    story = slow_story().mutation(0, 100).signal(0, "e0", 110, batch=1)

    assert delays_of(story.fetch(0, 610, 710, "new", batch=1)) == {}


def test_requests_that_stood_in_line_waited_for_our_client() -> None:
    """Wanted at 610, written at 910 ms."""
    story = slow_story().mutation(0, 100).signal(0, "e0", 110, batch=1)

    assert delays_of(story.fetch(0, 910, 920, "new", batch=1, wanted_ms=610)) == {"our client": 300.0}


@pytest.mark.parametrize(("dispatched_ms", "cause"), [(390, "our dispatcher"), (101, "busy mutators")])
def test_a_mutation_sent_late_was_dispatched_late_or_had_to_wait(dispatched_ms: int, cause: str) -> None:
    """Due at 100, sent at 400 ms."""
    story = slow_story().mutation(0, 100, send_ms=300).signal(0, "e0", 110, batch=1)
    for row in story._rows:
        if row["kind"] == Kind.DUE:
            row["at_ns"] = dispatched_ms * MS

    assert delays_of(story.fetch(0, 610, 620, "new", batch=1)) == {cause: 300.0}


def test_a_slow_signal_is_put_down_like_a_late_one() -> None:
    """400 ms, all of which it had waited in our own process."""
    story = slow_story().mutation(0, 100).signal(0, "e0", 505, batch=1)
    story.row(Kind.RECEIVE_AGE, 505, actor=Process.SWARM, value=390 * MS)

    assert delays_of(story.fetch(0, 1010, 1020, "new", batch=1)) == {"slow consumer": 400.0}
