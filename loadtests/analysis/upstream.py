"""Silent failures before anything was pushed: what was told to nobody, too early, or too often.

Emission is separate from the mutation and never its failure, so whoever makes a change cannot see any of this. Knows
the truth of the database and what screens showed; how signals travelled is not its business.
"""

from typing import Any, Final

import numpy as np

from loadtests.analysis.coalesced import silent_mutations
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.events import Events
from loadtests.analysis.quantiles import distribution
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import search
from loadtests.analysis.stamps import NEVER, NS_PER_S, UNKNOWN, Bools, Floats, Ints, elapsed_ms
from loadtests.analysis.unscored import screens_without_score
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, Kind
from loadtests.scenario.vocabulary import MutationKind

EXAMPLES: Final = 10
_MINUTE_NS: Final = 60 * NS_PER_S


def upstream_metrics(run: Reconstruction, history: History) -> dict[str, Any]:
    """Return the object `upstream` of `metrics.json`; without the whole truth no event is known to be missing."""
    return {
        **_emission(run),
        "peak_events_per_minute": peak_per_minute(run.events),
        **_scores(run, history),
        **_screens(run),
        "silent": worst_silent(run, history) if run.truth_is_read else None,
    }


def _emission(run: Reconstruction) -> dict[str, Any]:
    """Compare each event's commit with its mutation's own, and with when that was sent."""
    mutations, events = run.mutations, run.events
    rows = np.flatnonzero(events.in_window & events.is_primary & (events.committed_ns != UNKNOWN))
    mutation, committed_ns = events.mutation[rows], events.committed_ns[rows]
    announced_ms = elapsed_ms(mutations.stored_ns[mutation], committed_ns)
    emission_ms = elapsed_ms(mutations.sent_ns[mutation], committed_ns)
    is_known = ~np.isnan(announced_ms)
    bound_ms = run.clock.bound_ms or 0.0
    return {
        "announced_ms": distribution(announced_ms[is_known], mutation[is_known]).to_json(),
        "before_commit": int((announced_ms < 0).sum()),
        "before_sent": int((emission_ms < 0).sum()),
        "before_sent_beyond_bound": int((emission_ms < -bound_ms).sum()),
    }


def peak_per_minute(events: Events) -> int:
    """Return the most events that one organization committed within any minute of the run."""
    organization, at_ns = events.organization, events.placed_ns
    order = np.lexsort((at_ns, organization))
    organization, at_ns = organization[order], at_ns[order]
    earliest = search(organization, at_ns, organization, at_ns - _MINUTE_NS, side="right")
    return int((np.arange(len(order)) - earliest + 1).max(initial=0))


def _scores(run: Reconstruction, history: History) -> dict[str, Any]:
    """Compare the commit of each new job's first score with that of the event that told of the job."""
    rows = history.of(Kind.TRUE_SCORE)
    mutation, scored_ns = rows["actor"].astype(np.int64), run.clock.monotonic_ns(rows["due_ns"])
    event = run.events.of_mutations(len(run.mutations))[mutation]
    counted = (event >= 0) & (scored_ns != UNKNOWN) & run.mutations.in_window[mutation]
    mutation, scored_ns, event = mutation[counted], scored_ns[counted], event[counted]
    lag_ms = elapsed_ms(run.events.committed_ns[event], scored_ns) if len(event) else np.zeros(0)
    is_known = ~np.isnan(lag_ms)
    return {
        "created_with_score": int(is_known.sum()),
        # Of none none was late: that is what nobody knows, not what went well.
        "created_before_score": int((lag_ms > 0).sum()) if is_known.any() else None,
        "score_after_event_ms": distribution(lag_ms[is_known], mutation[is_known]).to_json(),
    }


def _screens(run: Reconstruction) -> dict[str, Any]:
    pairs, mutations = run.pairs, run.mutations
    is_scored_create = (mutations.kind == MutationKind.CREATE) & (mutations.risk_factors > 0)
    chosen = pairs.of_subscribers()
    chosen = chosen[is_scored_create[pairs.mutation[chosen]] & (pairs.visible_ns[chosen] != NEVER)]
    without = screens_without_score(pairs, chosen, job=mutations.job[pairs.mutation[chosen]], screens=run.screens)
    left = (without.scored_ns == NEVER) & (pairs.leave_ns[without.pair] != NEVER)
    return {
        "screens_with_new_job": len(chosen),
        "screens_without_score": len(without.pair),
        "screens_without_score_left": int(left.sum()),
        "score_shown_ms": distribution(
            elapsed_ms(pairs.visible_ns[without.pair], without.scored_ns), pairs.mutation[without.pair]
        ).to_json(),
    }


def worst_silent(run: Reconstruction, history: History) -> list[dict[str, Any]]:
    """Return the silent failures that most screens never recovered from, then those that took longest."""
    mutations = run.mutations
    silent = np.flatnonzero(silent_mutations(mutations, run.events))
    watching, unseen, slowest_ms = _aftermath(run, np.isin(run.pairs.mutation, silent))
    worst = silent[np.lexsort((silent, -slowest_ms[silent], -unseen[silent]))][:EXAMPLES]
    return [
        {
            "mutation": int(row),
            "request_id": run.population.request_id(int(row)),
            "kind": MutationKind(int(mutations.kind[row])).name.lower(),
            "job": history.names[mutations.job[row]] if mutations.job[row] != NO_ENTITY else None,
            "due_s": float((mutations.due_ns[row] - run.window.start_ns) / NS_PER_S),
            "screens": int(watching[row]),
            "never_seen_by": int(unseen[row]),
            "last_seen_ms": float(slowest_ms[row]) if watching[row] > unseen[row] else None,
        }
        for row in worst
    ]


def _aftermath(run: Reconstruction, among: Bools) -> tuple[Ints, Ints, Floats]:
    """Return for each mutation the subscribers' screens it belongs on, those without it, and its slowest sight."""
    pairs, count = run.pairs, len(run.mutations)
    rows = np.flatnonzero(among & pairs.on_screen & (pairs.cohort == SUBSCRIBER))
    mutation, is_unseen = pairs.mutation[rows], pairs.visible_ns[rows] == NEVER
    slowest_ms = np.zeros(count)
    np.maximum.at(slowest_ms, mutation[~is_unseen], pairs.visibility_ms[rows[~is_unseen]])
    return np.bincount(mutation, minlength=count), np.bincount(mutation[is_unseen], minlength=count), slowest_ms
