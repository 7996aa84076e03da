"""One frame, one channel or the whole feed: told apart by what others received."""

from collections import Counter

import numpy as np

from loadtests.analysis.silence import LOST_FRAME, SILENT_CHANNEL, SILENT_FEED, patterns, run_lengths


def patterns_of(*devices: str) -> dict[str, int]:
    """Return the patterns of devices of one organization: x received, - missed while live, space away."""
    cells = [(device, event, letter) for device, letters in enumerate(devices) for event, letter in enumerate(letters)]
    events = len(devices[0])
    heard_by, missed_by = (
        np.array([sum(event == at and letter == wanted for _, at, letter in cells) for event in range(events)])
        for wanted in "x-"
    )
    heard = np.cumsum([letter == "x" for _, _, letter in cells])
    missed = np.flatnonzero([letter == "-" for _, _, letter in cells])
    lane, event = (np.array([cell[column] for cell in cells])[missed] for column in (0, 1))
    told = patterns(event, run_lengths(lane, heard[missed]), heard_by=heard_by, missed_by=missed_by, untold="")
    return Counter(name for name in told if name)


def test_nothing_missed_has_no_pattern() -> None:
    """The usual case."""
    assert patterns_of("xxx", "xxx") == {}


def test_one_or_two_that_others_received_are_lost_frames() -> None:
    """Chance does that."""
    assert patterns_of("xx-xx", "xxxxx") == {LOST_FRAME: 1}
    assert patterns_of("x--xx", "xxxxx") == {LOST_FRAME: 2}


def test_three_in_a_row_that_others_received_are_a_silent_channel() -> None:
    """And the lost frame after it is another matter."""
    assert patterns_of("x---x-x", "xxxxxxx") == {LOST_FRAME: 1, SILENT_CHANNEL: 3}


def test_what_nobody_received_is_a_silent_feed() -> None:
    """Even if it is a single event."""
    assert patterns_of("xx-xx", "xx-xx") == {SILENT_FEED: 2}


def test_a_channel_that_stays_silent_after_the_feed_has_come_back_is_silent_all_the_while() -> None:
    """The first event nobody received, the next two only this device did not."""
    assert patterns_of("x---x", "x-xxx") == {SILENT_FEED: 2, SILENT_CHANNEL: 2}


def test_being_away_neither_begins_nor_ends_a_silence() -> None:
    """Nothing was to be heard then."""
    assert patterns_of("x- --x", "xxxxxx") == {SILENT_CHANNEL: 3}


def test_the_misses_of_two_devices_are_no_row() -> None:
    """Each has its own."""
    assert patterns_of("xxx--", "--xxx", "xxxxx") == {LOST_FRAME: 4}


def test_without_others_nothing_is_told() -> None:
    """One device alone cannot know whether the feed or its channel was silent."""
    assert patterns_of("x----x") == {}
