"""What the keys of `metrics.json` mean that compare what was measured with what was possible or to be expected."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

_LEAST: Final = "coalescing.least.<level>.<wait>"
_JITTER: Final = "herd.jitters.<jitter>"
_USE: Final = "waste.<who>.<use>"
_PHASE: Final = "starvation.phases.<phase>"

_USES: Final = (
    "By use, the first that applies: retried (failed and requested again), failed, unseen (answered when its device "
    "had left), necessary (held something new), and with nothing new: overtaken (a newer one of its key was under way "
    "at the answer), duplicate (an older one was at the request), redundant. Unseen and the last three are "
    "wasted_refreshes."
)

LABORATORY_KEYS: Final[dict[str, _Entry]] = {
    f"{_LEAST}.subscribers": (
        "subscribers",
        "With something to refresh. Level: what a refresh serves. Wait: achieved is the p99 that each was given live.",
        "number",
    ),
    f"{_LEAST}.optimum": ("refreshes", "The fewest that follow each signal within the wait.", "number"),
    f"{_LEAST}.actual": (
        "refreshes",
        "What the live policy made of the same signals: an entity of a flush, a request, a flush.",
        "number",
    ),
    f"{_LEAST}.efficiency": ("", "Optimum ÷ actual; above 1: the live policy let signals wait longer.", "number"),
    f"{_LEAST}.efficiency_min": ("", "The same by subscriber: of the one whose refreshes were least needed.", "number"),
    f"{_LEAST}.efficiency_p10": ("", "By subscriber, by nearest rank.", "number"),
    f"{_LEAST}.efficiency_p50": ("", "By subscriber, by nearest rank.", "number"),
    f"{_LEAST}.efficiency_p90": ("", "By subscriber, by nearest rank.", "number"),
    f"{_LEAST}.efficiency_max": ("", "By subscriber, the highest.", "number"),
    "starvation.longest_ms": (
        "ms",
        "The longest that a signal of each subscriber waited for its flush; n: subscribers with a batch.",
        "quantiles",
    ),
    "starvation.batches": ("batches", "That began in the window.", "number"),
    "starvation.never_flushed": ("batches", "Of these, given up unflushed: they looked away, or it ended.", "number"),
    "starvation.waited_long": ("batches", "Of the designed debounce, that waited for more than 4 windows.", "number"),
    "starvation.lives_on": ("", "What lets the debounce fire: quiet, the feed's cadence, or nothing.", "other"),
    "starvation.ending_gaps": ("gaps", "Between signals of a device, longer than the window.", "number"),
    "starvation.narrow_share": ("share", "Of these, longer by less than 60 ms.", "number"),
    "starvation.margin_ms_p5": ("ms", "By how much these gaps exceed the window; null below 20.", "number"),
    "starvation.margin_ms_p50": ("ms", "The same, median.", "number"),
    f"{_PHASE}.batches": ("batches", "Of the designed debounce, that began with a signal of the phase.", "number"),
    f"{_PHASE}.never_flushed": ("batches", "Of these, given up unflushed.", "number"),
    f"{_PHASE}.wait_ms_mean": ("ms", "From the first signal to the flush, of those that were flushed.", "number"),
    f"{_PHASE}.wait_ms_standard_error": ("ms", "Of the mean over these.", "number"),
    f"{_PHASE}.observations": ("events", "First events of these batches, which members share.", "number"),
    f"{_PHASE}.events_per_s": ("1/s", "Signals that a subscriber received.", "number"),
    f"{_PHASE}.theory_ms": (
        "ms",
        "(e^(rw) - 1)/r at that rate r and the window w, for even arrivals w or never; one organization, streaming.",
        "number",
    ),
    "herd.requests": ("requests", "Re-fetches of subscribers in the window.", "number"),
    "herd.peak_per_100ms": ("requests", "The most of these in any 100 ms, wherever they begin.", "number"),
    "herd.peak_per_100ms_of_one_organization": ("requests", "The most that one organization made.", "number"),
    "herd.crowds": (
        "crowds",
        "Stretches of 100 ms and more with at least half as many requests as the peak; those that touch are one.",
        "number",
    ),
    "herd.crowded_ms": (
        "ms",
        "How long fetches took that were requested in a crowd, pollers' too; n: fetches.",
        "quantiles",
    ),
    "herd.others_ms": ("ms", "The same outside of the crowds.", "quantiles"),
    "herd.live_jitter_ms": ("ms", "Jitter that the run was made with; null: client models differ.", "number"),
    "herd.is_predicted": (
        "",
        "Whether other jitters were replayed; not beyond 15,000 signals and lifetimes, 225,000 without hybrids.",
        "other",
    ),
    "herd.peak_without_jitter": ("requests", "The peak as replayed without jitter.", "number"),
    "herd.limit_per_100ms": ("requests", "subscribers.peak_per_100ms, by default half of that.", "number"),
    "herd.least_jitter_ms": ("ms", "The least replayed jitter that keeps the limit in each draw; or null.", "number"),
    "herd.replayed_over_measured": ("", "The peak as replayed with the live policies ÷ the measured one.", "number"),
    f"{_JITTER}.peak": ("requests", "As replayed with that jitter in ms: the median of 3 draws.", "number"),
    f"{_JITTER}.peak_min": ("requests", "The lowest of these.", "number"),
    f"{_JITTER}.peak_max": ("requests", "The highest of these.", "number"),
    "waste.<who>.refreshes": (
        "refreshes",
        "Requested in the window, for whatever cause. Who: push, a client model or a polling cohort.",
        "number",
    ),
    "waste.<who>.necessary_share": ("share", "Necessary ones ÷ all; null without a refresh.", "number"),
    "waste.<who>.repeated_in_flush": (
        "refreshes",
        "Redundant ones whose own flush had requested the key before: refreshing by request key would save them.",
        "number",
    ),
    f"{_USE}.refreshes": (
        "refreshes",
        _USES,
        "number",
    ),
    f"{_USE}.requests": ("requests", "That these cost: one each.", "number"),
    f"{_USE}.bytes": ("B", "Bodies of their answers.", "number"),
    f"{_USE}.database_reads": (
        "statements",
        "That the target told with each answer; null where one did not tell, as those that failed.",
        "number",
    ),
    "polling.<interval>.computed_ms_mean": (
        "ms",
        "Mean visibility latency of what was seen, computed from commits, the cohort's phases and the median fetch.",
        "number",
    ),
    "polling.<interval>.mean_over_computed": (
        "",
        "The measured mean ÷ that; within 2% of 1 at low load when the harness is right.",
        "number",
    ),
}
"""Unit, meaning and shape of each."""
