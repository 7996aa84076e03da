"""What each key of `metrics.json` means: the contract's documentation, and the vocabulary of gates.

One literal table, from which documents are rendered and against which gates are checked before a run. It knows
no history: only names, units and meanings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from loadtests.analysis.baseline_keys import BASELINE_KEYS
from loadtests.analysis.client_keys import CLIENT_KEYS
from loadtests.analysis.control_keys import CONTROL_KEYS
from loadtests.analysis.cost_keys import COST_KEYS
from loadtests.analysis.laboratory_keys import LABORATORY_KEYS
from loadtests.analysis.session_keys import SESSION_KEYS

Shape = Literal["number", "quantiles", "other"]
"""A number can be gated; quantiles are an object of numbers; anything else is for reading only."""


@dataclass(frozen=True, slots=True)
class MetricKey:
    """The documentation of one key."""

    unit: str
    meaning: str
    shape: Shape = "number"


QUANTILE_FIELDS: Final = {
    "p50": "Median, by nearest rank.",
    "p90": "Null below 100 distinct observations.",
    "p95": "Null below 200 distinct observations.",
    "p99": "Null below 1,000 distinct observations.",
    "max": 'Largest; "never" when something did not happen before the end of the drain.',
    "n": "Distinct observations that the sample-size rule counts: mutations, unless the key says otherwise.",
    "pairs": "Observations: (mutation, device) pairs, unless the key says otherwise.",
    "never": "How many of the pairs never happened; they stand in the quantiles as +infinity.",
    "negative": "How many of the pairs are negative: kept, never clipped.",
}

_PER_MINUTE = "1/min"
_QUANTILES: Shape = "quantiles"
_OTHER: Shape = "other"

METRIC_KEYS: Final[dict[str, MetricKey]] = {
    "schema": MetricKey("", "Name and version of this document's shape.", _OTHER),
    "truth": MetricKey("", "Who told what really happened: database, rest (its tables' API), or agreement.", _OTHER),
    # --- push -----------------------------------------------------------------------------------------------
    "push.visibility_ms": MetricKey("ms", "Visible - due, of each mutation on the subscriber's screen.", _QUANTILES),
    "push.signal_ms": MetricKey("ms", "Received - committed, first receipt of each event.", _QUANTILES),
    "push.staleness_ms": MetricKey(
        "ms",
        "Age of the oldest change that a subscriber should show and does not, over time; n: stale intervals, "
        "pairs: changes that a subscriber was behind by.",
        _QUANTILES,
    ),
    "push.staleness_ms.mean": MetricKey("ms", "The same, time-weighted mean."),
    "push.stages.<stage>_ms": MetricKey(
        "ms",
        "One stage of the waterfall, of the pairs that their own event made visible; the stages of a pair add up "
        "to its visibility latency. Stages: send_delay, emission_delay, signal_latency, debounce_wait, queued, "
        "refresh_latency.",
        _QUANTILES,
    ),
    "push.delays.<cause>": MetricKey(
        "ms",
        "Stages that took longer than 100 ms, by what they are put down to: idle poll, backlog, stalled feed, cold "
        "start, big transaction, late frame, slow consumer (signal latency); api (emission and refresh); busy "
        "mutators, our dispatcher, our client; unexplained. Of all mutations, receipts and re-fetches; n: mutations "
        "and re-fetches.",
        _QUANTILES,
    ),
    "push.by_another_refresh.pairs": MetricKey(
        "pairs", "Made visible by a refresh that another event or a catch-up caused, or that came by before."
    ),
    "push.by_another_refresh.committed_to_answered_ms": MetricKey("ms", "Their single stage.", _QUANTILES),
    "push.seen_within_1s.mutations": MetricKey("mutations", "Seen by each subscriber within 1 s of due."),
    "push.seen_within_1s.of": MetricKey("mutations", "Mutations that stood on at least one subscriber's screen."),
    "push.seen_within_1s.pairs": MetricKey("pairs", "The same, in (mutation, subscriber) pairs."),
    "push.seen_within_1s.of_pairs": MetricKey("pairs", "Pairs on the screen."),
    "push.refreshes_per_subscriber_minute": MetricKey(_PER_MINUTE, "Refreshes, each of one request key."),
    "push.requests_per_subscriber_minute": MetricKey(_PER_MINUTE, "Requests that the refreshes cost."),
    "push.bytes_per_subscriber_minute": MetricKey("B/min", "Bodies of the answers and frames of the signals."),
    "push.signals_per_subscriber_minute": MetricKey(_PER_MINUTE, "Events received."),
    "push.signal_bytes_per_subscriber_minute": MetricKey("B/min", "The frames' part of the bytes."),
    "push.flushes": MetricKey("flushes", "Debounce windows that ended in the measurement window."),
    "push.refreshes_per_visible_change": MetricKey("", "Refreshes ÷ pairs that became visible."),
    "push.wasted_refreshes": MetricKey("refreshes", "Answered with nothing that the view did not have, or discarded."),
    "push.wasted_share": MetricKey("share", "The same, of the refreshes that were answered."),
    "push.discarded_answers": MetricKey(
        "refreshes",
        "Answered when their device had requested the same key again, by a client that then shows nothing of it (SWR): "
        "a part of wasted_refreshes.",
    ),
    "push.failed_requests": MetricKey("requests", "Answered with an error, or not at all."),
    "push.herd_index": MetricKey("", "Peak re-fetches per 100 ms ÷ their mean."),
    "push.left_screen": MetricKey(
        "pairs", "Of the never visible: pushed off page 1 by newer jobs before they were shown."
    ),
    "push.requests_avoided.<interval>": MetricKey("share", "1 - push ÷ polling at this interval, in requests."),
    "push.stale_answers": MetricKey("flushes", "Flushes whose answers were older than what had caused them."),
    "push.stale_answer_share": MetricKey("share", "The same, of the flushes that were answered."),
    "push.stale_answer_healed_ms": MetricKey("ms", "From the stale answer until the change was shown.", _QUANTILES),
    # --- polling --------------------------------------------------------------------------------------------
    "polling.<interval>.visibility_ms": MetricKey("ms", "Visible - due, same writes, same window.", _QUANTILES),
    "polling.<interval>.staleness_ms": MetricKey("ms", "As push.staleness_ms.", _QUANTILES),
    "polling.<interval>.staleness_ms.mean": MetricKey("ms", "The same, time-weighted mean."),
    "polling.<interval>.refreshes_per_subscriber_minute": MetricKey(_PER_MINUTE, "Polls."),
    "polling.<interval>.requests_per_subscriber_minute": MetricKey(_PER_MINUTE, "Requests that the polls cost."),
    "polling.<interval>.bytes_per_subscriber_minute": MetricKey("B/min", "Bodies of the answers."),
    "polling.<interval>.refreshes_per_visible_change": MetricKey("", "Polls ÷ pairs that became visible."),
    "polling.<interval>.wasted_refreshes": MetricKey("refreshes", "As push.wasted_refreshes."),
    "polling.<interval>.wasted_share": MetricKey("share", "As push.wasted_share."),
    "polling.<interval>.failed_requests": MetricKey("requests", "As push.failed_requests."),
    "polling.<interval>.left_screen": MetricKey("pairs", "As push.left_screen."),
    "polling.<interval>.fetch_ms_p50": MetricKey("ms", "Answered - requested, median of the cohort's polls."),
    "polling.<interval>.closed_form_p50_ms": MetricKey(
        "ms", "What arithmetic expects of visibility_ms.p50: due → stored + interval/2 + fetch."
    ),
    "polling.<interval>.p50_over_closed_form": MetricKey("", "Measured ÷ expected; near 1 when the harness is right."),
    "polling.<interval>.devices": MetricKey("devices", "Pollers of the cohort."),
    # --- mutations ------------------------------------------------------------------------------------------
    "mutations.due": MetricKey("mutations", "Due in the measurement window and dispatched."),
    "mutations.sent": MetricKey("mutations", "Of these, written to a connection."),
    "mutations.acked": MetricKey("mutations", "Of these, answered as done."),
    "mutations.failed": MetricKey("mutations", "Refused by the target."),
    "mutations.unknown": MetricKey("mutations", "Timed out or cut off: may or may not be done."),
    "mutations.without_event": MetricKey(
        "mutations", "Acked, but no event row announces it: a silent emission failure; null as delivery.phantom."
    ),
    "mutations.coalesced": MetricKey(
        "mutations", "Acked, without a row of its own, but an event of a later one says that it stands for it."
    ),
    "mutations.beyond_limit": MetricKey(
        "events", "With a dedupe_key: beyond the limit of events a minute, and stored all the same."
    ),
    "mutations.ambiguous": MetricKey(
        "mutations",
        "With more than one event row of its own type; and events that name no request and may mean several mutations.",
    ),
    "mutations.events_without_acked": MetricKey("events", "Events whose mutation was not acked, or is not known."),
    "mutations.unsent": MetricKey("mutations", "Dispatched, never sent."),
    "mutations.unsent_by_reason.<reason>": MetricKey("mutations", "pool_exhausted, no_free_job or run_ended."),
    "mutations.by_kind.<kind>": MetricKey("mutations", "Due, by kind: create, update, archive, flag, document."),
    "mutations.ack_ms": MetricKey("ms", "Acked - due.", _QUANTILES),
    "mutations.send_delay_ms": MetricKey("ms", "Sent - due, whoever caused it.", _QUANTILES),
    # --- upstream -------------------------------------------------------------------------------------------
    "upstream.announced_ms": MetricKey(
        "ms",
        "From a mutation's own commit to its event's, both by the database's clock: how long a change was there and "
        "nobody was told. Negative: told before it was there.",
        _QUANTILES,
    ),
    "upstream.before_commit": MetricKey("events", "Committed before their mutation's own commit."),
    "upstream.before_sent": MetricKey(
        "events", "With a negative emission delay (committed - sent): our clock and the database's disagree."
    ),
    "upstream.before_sent_beyond_bound": MetricKey("events", "Of these, by more than the clocks' bound explains."),
    "upstream.peak_events_per_minute": MetricKey(
        "events", "Most that one organization committed within any minute. Whole run."
    ),
    "upstream.created_with_score": MetricKey("events", "That told of a new job with a risk score of its own."),
    "upstream.created_before_score": MetricKey("events", "Of these, committed before the score was; null without any."),
    "upstream.score_after_event_ms": MetricKey(
        "ms", "From the commit of such an event to the score's; negative: the score was there first.", _QUANTILES
    ),
    "upstream.screens_with_new_job": MetricKey(
        "pairs", "Subscribers' screens that showed a job which was created with risk factors."
    ),
    "upstream.screens_without_score": MetricKey("pairs", "Of these, showed it at first without a score."),
    "upstream.screens_without_score_left": MetricKey(
        "pairs", "Of these, never showed the score because the job left the page first."
    ),
    "upstream.score_shown_ms": MetricKey(
        "ms", "From the answer without the score to the first one with it, on the same screen.", _QUANTILES
    ),
    "upstream.silent": MetricKey(
        "", "Up to ten of mutations.without_event: those that most screens never showed, then the slowest.", _OTHER
    ),
    # --- notifications --------------------------------------------------------------------------------------
    "notifications.due": MetricKey("deliveries", "Push notifications wanted, each for one device."),
    "notifications.delivered": MetricKey("deliveries", "Accepted by the push service."),
    "notifications.pending": MetricKey("deliveries", "Not finished when the truth was read."),
    "notifications.forgotten": MetricKey("deliveries", "To devices that the push service says are gone."),
    "notifications.given_up": MetricKey("deliveries", "After too many attempts."),
    "notifications.attempts": MetricKey("requests", "To the push service, all deliveries together."),
    "notifications.delivered_ms": MetricKey(
        "ms", "From the outbox to acceptance, both by the database's clock; n: notifications.", _QUANTILES
    ),
    # --- delivery -------------------------------------------------------------------------------------------
    "delivery.expected": MetricKey("pairs", "Each event times each subscriber of its organization, guests included."),
    "delivery.delivered_once": MetricKey("pairs", "Received once, within the deadline."),
    "delivery.duplicate": MetricKey("pairs", "Received twice or more."),
    "delivery.late": MetricKey("pairs", "Received once, after the deadline."),
    "delivery.missed_live": MetricKey("pairs", "Not received though live until the deadline had passed."),
    "delivery.missed_healed": MetricKey("pairs", "Not received, not live throughout, shown in the end."),
    "delivery.missed_unhealed": MetricKey("pairs", "Not received, not live throughout, never shown."),
    "delivery.outside": MetricKey("pairs", "Committed outside the subscriber's lifetimes in that organization."),
    "delivery.live_healed": MetricKey("pairs", "Of missed_live: shown in the end all the same."),
    "delivery.missed_unhealed_outside_screen": MetricKey(
        "pairs", "Of missed_unhealed: changes that no page of the subscriber shows, or nobody knows what would."
    ),
    "delivery.missed_unhealed_left": MetricKey(
        "pairs",
        "Of the others of missed_unhealed: the device had left (logged out, killed, switched) before others were told, "
        "or could have been, and did not come back to it.",
    ),
    "delivery.lost": MetricKey("pairs", "missed_live, and the rest of missed_unhealed, which nothing excuses."),
    "delivery.early": MetricKey("pairs", "Received although committed while the subscriber was not live: normal."),
    "delivery.leaked": MetricKey(
        "signals", "Of another organization than the device was in. Whole run, warm-up included."
    ),
    "delivery.leaked_answers": MetricKey("answers", "Re-fetches that held another organization's job. Whole run."),
    "delivery.leaks.total": MetricKey("", "Leaked signals and leaked answers together."),
    "delivery.leaks.examples": MetricKey(
        "",
        "Some of them: path (push, re-fetch, catch-up or poll), event (of an answer: the newest of its job), whose it "
        "is, which device received it while in which organization, and when.",
        _OTHER,
    ),
    "delivery.phantom": MetricKey("signals", "Not in the database. Whole run; null when the truth was not read."),
    "delivery.out_of_order": MetricKey("signals", "Received after a later event of the same job."),
    "delivery.degraded": MetricKey("signals", "Received with `errors`; of no event that the database has: whole run."),
    "delivery.outside_screen": MetricKey("pairs", "(Mutation, subscriber) pairs whose job no screen of it shows."),
    "delivery.causes.<cause>": MetricKey(
        "pairs",
        "Misses by cause. The device's own record: subscribe gap, socket down, token expired, logged out, slow "
        "consumer; what others heard: lost frame, silent channel, deaf channel, silent feed; the target's metrics: "
        "rate-limited, slot lost, database restarted, row-level security; else unexplained.",
    ),
    "delivery.late_causes.<cause>": MetricKey(
        "pairs", "Late deliveries by cause: those of push.delays, late frame, or what misses are put down to."
    ),
    "delivery.table": MetricKey(
        "", "Misses and late deliveries by class, cause and what began it: pairs, and the worst example.", _OTHER
    ),
    # --- coalescing -----------------------------------------------------------------------------------------
    "coalescing.signals": MetricKey("signals", "Of the window's events, that ask for a refresh."),
    "coalescing.refreshes": MetricKey(
        "refreshes", "That the flushes of these signals caused, each of one request key."
    ),
    "coalescing.ratio": MetricKey("", "Signals ÷ refreshes; null without a refresh."),
    "coalescing.optimum": MetricKey("refreshes", "The least possible within the waits that the live policy gave."),
    "coalescing.efficiency": MetricKey("", "Optimum ÷ refreshes."),
    "coalescing.efficiency_by_bound.<bound>": MetricKey("", "The same with a bound on the wait: 0.5s, 1s, 2s."),
    "coalescing.over_bound_share": MetricKey("share", "Waits longer than the bound used for the optimum."),
    "coalescing.over_bound_share_by_bound.<bound>": MetricKey("share", "Waits longer than this bound."),
    "coalescing.never_refreshed": MetricKey("signals", "That asked and were never followed by a request."),
    # --- connections ----------------------------------------------------------------------------------------
    "connections.lost": MetricKey("connections", "Of subscribers, ended by anything but their own leave. Whole run."),
    "connections.lost_by_cause.<loss>": MetricKey(
        "connections", "The same: closed, channel_closed, token_expired, heartbeat_lost or not_live_in_time."
    ),
    "connections.lost_by_code.<code>": MetricKey("connections", "Of those closed, by close code; 0: none was told."),
    "connections.refused": MetricKey("answers", "Connects, joins and subscriptions answered with an error. Whole run."),
    "connections.refused_by_status.<code>": MetricKey("answers", "The same by HTTP status; 0: not at the handshake."),
    "connections.limited_answers": MetricKey("answers", "Re-fetches answered with 429, too many. Whole run."),
    "connections.open_ms": MetricKey("ms", "From dialling to the open WebSocket; n: connections.", _QUANTILES),
    # --- target ---------------------------------------------------------------------------------------------
    "target.discarded": MetricKey(
        "rows", "Discarded over the messages limit, by Realtime's metrics; null without. Whole run."
    ),
    "target.hidden": MetricKey("pairs", "(Row, subscriber) pairs that row-level security did not grant; likewise."),
    "target.slots_lost": MetricKey(
        "losses", "Of the feed's slot, by metrics or by the database's list of slots; likewise."
    ),
    "target.database_restarts": MetricKey("restarts", "By the start time of its server; null if it does not tell."),
    # --- convergence ----------------------------------------------------------------------------------------
    "convergence.views": MetricKey("views", "Devices whose view was compared with the database after the drain."),
    "convergence.away_views": MetricKey("views", "Not compared: not logged in at the end, or nobody looked."),
    "convergence.wrong_views": MetricKey(
        "views",
        "That differ from it; null when the truth was not read or does not tell what is archived, or finds none and "
        "cannot count documents.",
    ),
    "convergence.wrong_jobs": MetricKey("jobs", "Differences in all views together."),
    "convergence.beyond_page": MetricKey(
        "jobs", "Created while a device was away and pushed off page 1 since: no catch-up of one page shows them."
    ),
    "convergence.duplicates": MetricKey("answers", "To jobs lists, in the whole run, that held a job more than once."),
    "convergence.archived_beyond_page": MetricKey(
        "jobs",
        "Archived and still on a list that merges its answers, but behind a full page 1, which takes off only what it "
        "covers: in no wrong view.",
    ),
    "convergence.differences.total": MetricKey("jobs", "As wrong_jobs."),
    "convergence.differences.by_what.<what>": MetricKey(
        "jobs", "The differences: missing, old_revision, evidence_count or archived_but_shown."
    ),
    "convergence.differences.by_delivery.<delivery>": MetricKey(
        "jobs",
        "The same by what became of the event that should have put them right: its class in delivery; no_event; "
        "not_counted (of the warm-up, or of a poller).",
    ),
    "convergence.differences.examples": MetricKey("", "Some of them: device, job, what, event and its class.", _OTHER),
    # --- health ---------------------------------------------------------------------------------------------
    "health.send_delay_ms_p99": MetricKey(
        "ms", "The dispatcher's own delay, which waits for no response; the maximum below 1,000 mutations."
    ),
    "health.target_limited_share": MetricKey(
        "share", "Mutations that waited for a free mutator or their busy job, or never got it."
    ),
    "health.loop_lag_ms_p99": MetricKey(
        "ms",
        "Lateness of timers in our own processes, samples kept waiting included; maximum below 1,000. "
        "A process without a sample makes the run unknown.",
    ),
    "health.receive_age_ms_p99": MetricKey("ms", "Readable bytes waiting in our own processes; likewise."),
    "health.clock_bound_ms": MetricKey("ms", "Bound of the error between the database's clock and ours."),
    "health.clock_drift_ppm": MetricKey("ppm", "Their drift."),
    "health.commit_unknown": MetricKey("events", "Whose commit stamp is not known: no latency is told for them."),
    "health.without_version": MetricKey("mutations", "Done, but it is not known what would show them."),
    "health.samples_ok": MetricKey("", "Whether the measurement is good enough for its gates.", _OTHER),
    "health.reasons": MetricKey("", "Why not.", _OTHER),
    "health.processes": MetricKey("", "CPU cores used (mean) and peak memory of each process.", _OTHER),
    # --- devices --------------------------------------------------------------------------------------------
    **{
        path: MetricKey(*entry)
        for path, entry in {
            **CLIENT_KEYS,
            **LABORATORY_KEYS,
            **BASELINE_KEYS,
            **CONTROL_KEYS,
            **SESSION_KEYS,
            **COST_KEYS,
        }.items()
    },
    # --- phases ---------------------------------------------------------------------------------------------
    "phases.<phase>.mutations": MetricKey("mutations", "Due in the phase; warm-up phases are told too."),
    "phases.<phase>.<model>.devices": MetricKey("devices", "Subscribers of the model."),
    "phases.<phase>.<model>.signals": MetricKey("signals", "That the phase's mutations led to."),
    "phases.<phase>.<model>.refreshes": MetricKey(
        "refreshes", "Whose batch ended with such a signal, however much later they were made."
    ),
    "phases.<phase>.<model>.refreshes_per_device": MetricKey("refreshes", "The same, per device of the model."),
    # --- population -----------------------------------------------------------------------------------------
    "population.subscribers": MetricKey("devices", "Simulated devices that are pushed to."),
    "population.live_peak": MetricKey("devices", "Most of them live at the same time."),
    "population.pollers": MetricKey("devices", "Simulated devices that poll."),
    "population.mutators": MetricKey("users", "The pool of users that carries out mutations."),
    "population.organizations": MetricKey("organizations", "Islands of members and jobs."),
    "population.duration_s": MetricKey("s", "Length of the measurement window."),
}


def number_paths() -> tuple[str, ...]:
    """Return all documented paths that lead to a number, quantiles expanded, placeholders in place."""
    paths: list[str] = []
    for path, key in METRIC_KEYS.items():
        if key.shape == "number":
            paths.append(path)
        elif key.shape == "quantiles":
            paths.extend(f"{path}.{field}" for field in QUANTILE_FIELDS)
    return tuple(paths)


def documentation() -> str:
    """Return the whole table as Markdown."""
    lines = [
        "# metrics.json",
        "",
        "Every key, as `loadtests metrics` prints it. Any number can be gated: `key OP number`.",
        "",
        "| key | unit | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{path}` | {key.unit} | {key.meaning} |" for path, key in METRIC_KEYS.items()]
    lines += ["", "Quantiles are objects of:", "", "| key | meaning |", "|---|---|"]
    lines += [f"| `{field}` | {meaning} |" for field, meaning in QUANTILE_FIELDS.items()]
    return "\n".join(lines) + "\n"


def find_metric(path: str, metrics: Mapping[str, Any]) -> Any:
    """Return what stands at a dotted path; keys may hold dots themselves (`0.5s`).

    Raises:
        KeyError: nothing stands there.

    """
    if path in metrics:
        return metrics[path]
    parts = path.split(".")
    for length in range(1, len(parts)):
        inner = metrics.get(".".join(parts[:length]))
        if isinstance(inner, Mapping):
            try:
                return find_metric(".".join(parts[length:]), inner)
            except KeyError:
                continue
    raise KeyError(path)
