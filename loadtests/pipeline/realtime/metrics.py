"""What `/metrics` answers: who may ask, and the counters as Prometheus reads them.

The names are those of Supabase Realtime's OBSERVABILITY_METRICS.md where it has them, without its `tenant` label:
there is one project here. Knows numbers and tokens, neither sockets nor a database.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from loadtests.pipeline.realtime.claims import TokenRefused, TokenVerifier
from loadtests.pipeline.realtime.counters import Counters, Histogram

PATHS: Final = frozenset({"/metrics", "/tenant-metrics"})
"""The real server has what belongs to one project under the second; here both answer with everything."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SCRAPER: Final = "service_role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How one of the counters is told."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    label: str = ""
    """What its values are told apart by."""
    always: tuple[str, ...] = ()
    """Values of the label that are told even while they are 0."""


def _counter(name: str, help_: str, *, label: str = "", always: tuple[str, ...] = ()) -> Metric:
    return Metric(name=name, kind="counter", help=help_, label=label, always=always)


def _gauge(name: str, help_: str) -> Metric:
    return Metric(name=name, kind="gauge", help=help_)


METRICS: Final = (
    _gauge("phoenix_connections_total", "Open sockets."),
    _counter("phoenix_channel_joined_total", "Joins by their answer.", label="result", always=("ok", "error")),
    _gauge("realtime_connections_connected", "Open sockets that have joined a channel."),
    _counter("realtime_connections_opened", "Sockets ever opened."),
    _counter("realtime_handshakes_refused", "Upgrades answered with plain HTTP."),
    _counter("realtime_channel_joins", "Joins within the limit of joins per second, whatever became of them."),
    _counter("realtime_channel_error", "Joins that were refused.", label="code"),
    _counter("realtime_channel_events", "Broadcasts and unknown messages taken from clients."),
    _counter("realtime_channel_presence_events", "Presence states sent and changed."),
    _counter("realtime_channel_db_events", "Changes times matching bindings, as counted against the messages limit."),
    _counter("realtime_channel_db_messages_written", "Change messages written to sockets."),
    _counter("realtime_channel_output_bytes", "WebSocket bytes of those."),
    _counter("realtime_slow_readers_closed", "Sockets cut off with too much unread."),
    _counter("realtime_malformed_messages", "Frames that were no message."),
    _gauge("realtime_subscriptions_manager_subscribers", "Channels with a subscription in force."),
    _counter("realtime_replication_rows", "Rows read from the database."),
    _gauge("realtime_replication_rows_waiting", "Rows read and not yet begun with."),
    _counter("realtime_replication_batches", "Batches of rows that somebody asked for."),
    _counter("realtime_replication_reconnects", "Connections of the change feed lost."),
    Metric(
        name="realtime_replication_poller_query_duration",
        kind="histogram",
        help="Milliseconds of a poll with its row-level security; only of the feed that polls.",
    ),
    _counter(
        "realtime_replication_poller_changes_skip",
        "Rows discarded in silence.",
        label="reason",
        always=("rate_limited",),
    ),
    _counter("realtime_replication_poller_stop_total", "Ends of the poller.", label="reason"),
    _counter("realtime_replication_poller_exception_total", "Ends of the poller by an error."),
    _counter("realtime_replication_poller_query_exception_total", "Polls that failed.", label="reason"),
    _counter("realtime_replication_poller_prepare_exception_total", "Slots that could not be made."),
    _counter("realtime_rls_checks", "(Row, claims) pairs that were asked."),
    _counter("realtime_rls_granted", "Of those, granted."),
    _counter("realtime_rls_policy_failures", "Callers whose policy raised an error, once per batch."),
)


def may_scrape(headers: Mapping[str, str], verifier: TokenVerifier, now_s: float) -> bool:
    """Whether a request bears a token of the service role; the real server wants one signed for metrics alone."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return False
    try:
        return verifier.verify(token, now_s).claims.role == _SCRAPER
    except TokenRefused:
        return False


def exposition(counters: Counters) -> bytes:
    """Return the text exposition format."""
    lines = [line for metric in METRICS for line in _lines(metric, getattr(counters, metric.name))]
    return "\n".join([*lines, ""]).encode()


def _lines(metric: Metric, value: int | Counter[str] | Histogram) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {metric.kind}"
    if isinstance(value, Histogram):
        yield from _buckets(metric.name, value)
    elif isinstance(value, Counter):
        for name in sorted({*metric.always, *value}):
            yield f"{metric.name}{_labelled(metric.label, name)} {value[name]}"
    else:
        yield f"{metric.name} {value}"


def _buckets(name: str, histogram: Histogram) -> Iterator[str]:
    up_to = 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        up_to += count
        yield f"{name}_bucket{_labelled('le', str(bound))} {up_to}"
    yield f"{name}_sum {histogram.total:.3f}"
    yield f"{name}_count {up_to}"


def _labelled(label: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{{label}="{escaped}"}}'
