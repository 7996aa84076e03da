"""What went wrong before anything was pushed, the worst of what nobody was told of, and push notifications."""

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import count, duration, milliseconds, rate

_MUTATIONS = (
    ("without_event", "mutations that nobody was told of"),
    ("coalesced", "mutations that an event of a later one stands for"),
    ("beyond_limit", "events beyond the limit of events a minute, stored all the same"),
    ("events_without_acked", "events without an acknowledged mutation"),
    ("ambiguous", "mutations with more than one event"),
)
_UPSTREAM = (
    ("peak_events_per_minute", "most events of one organization within a minute"),
    ("before_commit", "events committed before their mutation's own commit"),
    ("before_sent", "events committed before their mutation was sent"),
    ("before_sent_beyond_bound", "of these, by more than the clocks' bound explains"),
    ("created_with_score", "events of new jobs with a risk score"),
    ("created_before_score", "of these, committed before the score was there"),
    ("screens_with_new_job", "screens that showed such a job"),
    ("screens_without_score", "of these, showed it without its score at first"),
    ("screens_without_score_left", "of these, until it left the page"),
)
_DISTRIBUTIONS = (
    ("announced_ms", "from a change's commit to its event's"),
    ("score_after_event_ms", "from a new job's event to its score"),
    ("score_shown_ms", "from a job without its score to the score, on one screen"),
)


def upstream_table(metrics: Metrics) -> Table:
    """Return what emission left out, told too early, or told too often."""
    rows = [(name, count(metrics.find("mutations", key))) for key, name in _MUTATIONS]
    rows += [(name, count(metrics.number("upstream", key))) for key, name in _UPSTREAM]
    for key, name in _DISTRIBUTIONS:
        told = metrics.quantiles("upstream", key)
        if told.pairs:
            rows.append((f"{name}: half within", duration(told.p50)))
            rows.append((f"{name}: longest", duration(told.max)))
        if told.never:
            rows.append((f"{name}: never", count(told.never)))
    return Table(
        caption="Before the push: emission",
        head=("", "value"),
        rows=tuple(rows),
        note="A mutation succeeds whether or not its event is stored, so none of this is seen by whoever made it.",
    )


def notification_table(metrics: Metrics) -> Table:
    """Return what became of push notifications; without rows if none was wanted."""
    keys = ("due", "delivered", "pending", "forgotten", "given_up", "attempts")
    rows = [(key.replace("_", " "), count(metrics.number("notifications", key))) for key in keys]
    told = metrics.quantiles("notifications", "delivered_ms")
    rows += [("delivered: half within", duration(told.p50)), ("delivered: slowest", duration(told.max))]
    return Table(
        caption="Push notifications",
        head=("", "value"),
        rows=tuple(rows) if metrics.number("notifications", "due") else (),
        note="Each counts once for each device that it is for.",
    )


def silent_table(metrics: Metrics) -> Table:
    """Return the worst of the mutations that nobody was told of; without rows if there is none."""
    return Table(
        caption="Changes that nobody was told of",
        head=("request id", "kind", "job", "due, s", "screens", "never shown on", "last shown after, ms"),
        rows=tuple(
            (
                str(each["request_id"]),
                str(each["kind"]),
                str(each["job"]),
                rate(each["due_s"]),
                count(each["screens"]),
                count(each["never_seen_by"]),
                milliseconds(each["last_seen_ms"]),
            )
            for each in metrics.at("upstream", "silent") or ()
        ),
        words=frozenset({1, 2}),
        note="The worst only: first those that most screens never showed, then those that took longest. What was "
        "shown, another event, a catch-up or a poll brought.",
    )
