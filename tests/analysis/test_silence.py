"""One frame, one channel or the whole feed: told apart by what others received, from chance by what else is lost."""

from tests.analysis.voices import causes, voices


def test_nothing_missed_has_no_cause() -> None:
    """The usual case."""
    assert causes(voices(["xxx", "xxx"])) == {}


def test_one_or_two_that_others_received_are_lost_frames() -> None:
    """Chance does that."""
    assert causes(voices(["xx-xx", "xxxxx"])) == {"lost frame": 1}
    assert causes(voices(["x--xx", "xxxxx"])) == {"lost frame": 2}


def test_three_in_a_row_that_others_received_are_a_deaf_channel() -> None:
    """What came over it afterwards proves that the socket lived; the lost frame after that is another matter."""
    assert causes(voices(["x---x-x", "xxxxxxx"])) == {"deaf channel": 3, "lost frame": 1}


def test_a_channel_that_stays_silent_may_be_deaf_or_on_a_dead_socket() -> None:
    """Nothing tells."""
    assert causes(voices(["x---", "xxxx"])) == {"silent channel": 3}


def test_what_nobody_received_is_a_silent_feed() -> None:
    """Even if it is a single event."""
    assert causes(voices(["xx-xx", "xx-xx"])) == {"silent feed": 2}


def test_a_channel_that_stays_silent_after_the_feed_has_come_back_is_silent_itself() -> None:
    """The first event nobody received, the next three only this device did not."""
    assert causes(voices(["x----x", "x-xxxx"])) == {"silent feed": 2, "deaf channel": 3}


def test_a_frame_lost_beside_a_silence_of_the_feed_is_a_lost_frame() -> None:
    """Three in a row, but only one of them was received by others."""
    assert causes(voices(["x---x", "xx--x"])) == {"silent feed": 4, "lost frame": 1}


def test_the_misses_of_two_devices_are_no_row() -> None:
    """Each has its own."""
    assert causes(voices(["xxx--", "--xxx", "xxxxx"])) == {"lost frame": 4}


def test_where_a_fifth_of_all_frames_are_lost_three_in_a_row_are_chance() -> None:
    """Others lose as many, one here, one there."""
    device = "x---xxxxxx"
    others = ["x-xxx-xxxx", "xx-x-xxx-x", "xxx-xx-xxx", "-xxx-xx-xx"]

    assert causes(voices([device, *others])) == {"lost frame": 13}


def test_an_event_that_both_of_two_devices_missed_by_chance_is_no_silence() -> None:
    """Each loses every third frame, so that both lose the same now and then."""
    assert causes(voices(["x-xx-xx-xx", "xxx-x-x-x-"])) == {"lost frame": 7}


def test_all_organizations_are_one_feed() -> None:
    """Each has one device, so that none of them could tell by itself."""
    assert causes(voices(["xx.-.x"], ["x.-.xx"])) == {"silent feed": 2}


def test_a_device_alone_in_its_organization_is_silent_if_others_are_heard_meanwhile() -> None:
    """And a single miss of it is nothing that anybody could explain."""
    assert causes(voices(["x---x"], ["xxxxx"])) == {"deaf channel": 3}
    assert causes(voices(["x-xxx"], ["xxxxx"])) == {"unexplained": 1}


def test_without_others_nothing_is_told() -> None:
    """One device alone cannot know whether the feed or its channel was silent."""
    assert causes(voices(["x----x"])) == {"unexplained": 4}
