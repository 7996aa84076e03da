"""The text form of metrics, as servers write it."""

import pytest

from loadtests.wire.prometheus import MalformedMetrics, Series, read_metrics, read_series


def test_samples_are_read_and_comments_passed_over() -> None:
    """With labels, without, with a timestamp, and in all spellings of numbers."""
    text = """
# HELP realtime_replication_poller_changes_skip Rows discarded in silence.
# TYPE realtime_replication_poller_changes_skip counter
realtime_replication_poller_changes_skip{reason="rate_limited"} 12
phoenix_connections_total 3 1700000000000
poll_duration_bucket{le="+Inf",tenant="a b"} 1.5e3
temperature NaN
"""
    samples = list(read_metrics(text))

    assert [(str(series), value) for series, value in samples[:3]] == [
        ('realtime_replication_poller_changes_skip{reason="rate_limited"}', 12.0),
        ("phoenix_connections_total", 3.0),
        ('poll_duration_bucket{le="+Inf",tenant="a b"}', 1500.0),
    ]
    assert str(samples[3][1]) == "nan"


@pytest.mark.parametrize(
    "series",
    [Series("up"), Series("a:b", (("x", 'quote " back \\ line \n brace }'), ("y", "")))],
    ids=["bare", "labels"],
)
def test_what_is_written_is_read_again(series: Series) -> None:
    """Escapes and all."""
    assert read_series(str(series)) == series


def test_a_label_that_is_not_there_is_empty() -> None:
    """As Prometheus has it."""
    assert (read_series('a{b="c"}').label("b"), read_series("a").label("b")) == ("c", "")


@pytest.mark.parametrize("line", ["", "# EOF"])
def test_nothing_is_nothing(line: str) -> None:
    """No samples."""
    assert list(read_metrics(line)) == []


@pytest.mark.parametrize("line", ["<html>", "name", "name one", "name{label=1} 2", 'name{label="1} 2'])
def test_what_is_no_sample_is_refused_with_its_text(line: str) -> None:
    """So that a login page is not taken for metrics."""
    with pytest.raises(MalformedMetrics, match=r"no (sample|labels): "):
        list(read_metrics(line))
