"""The text that `/metrics` answers with."""

from loadtests.pipeline.realtime.counters import Counters


def test_a_counter_is_exposed_with_its_name_and_value() -> None:
    """One line each."""
    lines = Counters(realtime_channel_joins=7).to_prometheus().decode().splitlines()

    assert "realtime_channel_joins 7" in lines


def test_discarded_changes_carry_their_reason_as_the_real_server_says_it() -> None:
    """The one sign of a silent discard."""
    lines = Counters(realtime_replication_poller_changes_skip=3).to_prometheus().decode().splitlines()

    assert 'realtime_replication_poller_changes_skip{reason="rate_limited"} 3' in lines
