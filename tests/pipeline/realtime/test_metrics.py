"""The text that `/metrics` answers with, and who may read it."""

from dataclasses import fields

import pytest

from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.metrics import METRICS, exposition, may_scrape
from loadtests.wire.tokens import mint
from tests.pipeline.realtime.sessions import NOW_S, SECRET


def lines(counters: Counters, name: str) -> list[str]:
    """Return the samples of one metric."""
    return [line for line in exposition(counters).decode().splitlines() if line.startswith(name)]


def test_everything_counted_is_told_and_nothing_else() -> None:
    """The table of metrics and the counters are one list."""
    assert [metric.name for metric in METRICS] == [field.name for field in fields(Counters)]


def test_a_metric_is_told_with_its_meaning_and_its_kind() -> None:
    """As the text exposition format has it."""
    text = exposition(Counters(realtime_channel_db_events=7)).decode()

    assert (
        "# HELP realtime_channel_db_events Changes times matching bindings, as counted against the messages limit.\n"
        "# TYPE realtime_channel_db_events counter\n"
        "realtime_channel_db_events 7\n"
    ) in text
    assert text.endswith("\n")


def test_discarded_changes_carry_their_reason_as_the_real_server_says_it() -> None:
    """The one sign of a silent discard; there before the first, so that a rate can be told from nothing."""
    name = "realtime_replication_poller_changes_skip"
    counters = Counters()
    before = lines(counters, name)
    counters.realtime_replication_poller_changes_skip["rate_limited"] += 3

    assert before == [f'{name}{{reason="rate_limited"}} 0']
    assert lines(counters, name) == [f'{name}{{reason="rate_limited"}} 3']


def test_a_label_with_quotes_and_line_breaks_stays_one_label() -> None:
    """Whatever a code may contain."""
    counters = Counters()
    counters.realtime_channel_error['a"b\\c\nd'] += 1

    assert lines(counters, "realtime_channel_error") == ['realtime_channel_error{code="a\\"b\\\\c\\nd"} 1']


def test_durations_are_told_as_a_cumulative_histogram() -> None:
    """Each bound counts all that lies below it."""
    counters = Counters()
    for milliseconds in (7, 30, 30, 20_000):
        counters.realtime_replication_poller_query_duration.observe(milliseconds)
    name = "realtime_replication_poller_query_duration"

    assert lines(counters, name) == [
        f'{name}_bucket{{le="10"}} 1',
        f'{name}_bucket{{le="25"}} 1',
        *(f'{name}_bucket{{le="{bound}"}} 3' for bound in (50, 100, 250, 500, 2500, 15000)),
        f'{name}_bucket{{le="+Inf"}} 4',
        f"{name}_sum 20067.000",
        f"{name}_count 4",
    ]


@pytest.mark.parametrize(
    ("header", "may"),
    [
        (f"Bearer {mint(SECRET, role='service_role', expires_at_s=NOW_S + 60)}", True),
        (f"Bearer {mint(SECRET, role='service_role', expires_at_s=NOW_S - 60)}", False),
        (f"Bearer {mint(SECRET, role='anon', expires_at_s=NOW_S + 60)}", False),
        (f"Bearer {mint('another secret of thirty-two bytes', role='service_role', expires_at_s=NOW_S + 60)}", False),
        (mint(SECRET, role="service_role", expires_at_s=NOW_S + 60), False),
        ("Bearer", False),
        ("", False),
    ],
)
def test_only_the_service_role_may_read(header: str, *, may: bool) -> None:
    """A bearer token, signed with the project's secret and not expired."""
    assert may_scrape({"authorization": header}, TokenVerifier(SECRET), NOW_S) is may
