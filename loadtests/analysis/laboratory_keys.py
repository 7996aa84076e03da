"""What the keys of `metrics.json` mean that compare what was measured with what was possible or to be expected."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

_LEAST: Final = "coalescing.least.<level>.<wait>"

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
