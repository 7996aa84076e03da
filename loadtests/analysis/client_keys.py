"""What the keys of `metrics.json` mean that are told of devices: of push as a whole, and of each client model."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

_NUMBER: Final = "number"
_QUANTILES: Final = "quantiles"

_ATTENTION: Final[dict[str, _Entry]] = {
    "away_pairs": (
        "pairs",
        "On the screen, but promised while nobody looked at the device in that organization: not in visibility_ms.",
        _NUMBER,
    ),
    "interrupted": ("pairs", "They looked away before it was visible and before the deadline: left out.", _NUMBER),
    "recovery_ms": (
        "ms",
        "Of away pairs whose device was looked at again: shown - the beginning of that look; negative: shown before.",
        _QUANTILES,
    ),
    "recovery_interrupted": ("pairs", "Of these, left out as in interrupted.", _NUMBER),
    "created_while_away.pairs": ("pairs", "Jobs created while a device was away that was looked at again.", _NUMBER),
    "created_while_away.shown": ("pairs", "Of these, shown in that look.", _NUMBER),
    "created_while_away.never": ("pairs", "Of these, not shown though they stood on page 1.", _NUMBER),
    "created_while_away.interrupted": ("pairs", "Of these, not shown before they looked away again.", _NUMBER),
    "created_while_away.beyond_page": ("pairs", "Of these, pushed off page 1 before they came back.", _NUMBER),
    "self_echo.pairs": (
        "pairs",
        "On the screen of the mutation's own author, who knows it already: in none of the times that people wait.",
        _NUMBER,
    ),
    "self_echo.signals": ("signals", "Received by the device of whoever made the change.", _NUMBER),
    "self_echo.refreshes": ("refreshes", "Of flushes that nothing but such signals had caused.", _NUMBER),
    "self_echo.requests": ("requests", "What these refreshes cost, repetitions with a fresh token included.", _NUMBER),
    "signals_paused": ("signals", "That nobody acted on because nobody looked.", _NUMBER),
    "signals_suppressed": ("signals", "That the refresh policy dropped.", _NUMBER),
    "not_fetched.<why>": (
        "refreshes",
        "Asked for and not requested: deduped, in_flight, background, ended, nothing_missed or held_off.",
        _NUMBER,
    ),
}

_AS_PUSH: Final[dict[str, _Entry]] = {
    "visibility_ms": ("ms", "As push.visibility_ms.", _QUANTILES),
    "staleness_ms": ("ms", "As push.staleness_ms.", _QUANTILES),
    "staleness_ms.mean": ("ms", "The same, time-weighted mean.", _NUMBER),
    "seen_within_1s.mutations": ("mutations", "As push.seen_within_1s.mutations.", _NUMBER),
    "seen_within_1s.of": ("mutations", "As push.seen_within_1s.of.", _NUMBER),
    "seen_within_1s.pairs": ("pairs", "As push.seen_within_1s.pairs.", _NUMBER),
    "seen_within_1s.of_pairs": ("pairs", "As push.seen_within_1s.of_pairs.", _NUMBER),
    "refreshes_per_subscriber_minute": ("1/min", "Refreshes, each of one request key.", _NUMBER),
    "requests_per_subscriber_minute": ("1/min", "Requests that the refreshes cost.", _NUMBER),
    "bytes_per_subscriber_minute": ("B/min", "Bodies of the answers and frames of the signals.", _NUMBER),
    "signals_per_subscriber_minute": ("1/min", "Events received.", _NUMBER),
    "refreshes_per_visible_change": ("", "As push.refreshes_per_visible_change.", _NUMBER),
    "wasted_refreshes": ("refreshes", "As push.wasted_refreshes.", _NUMBER),
    "wasted_share": ("share", "As push.wasted_share.", _NUMBER),
    "discarded_answers": ("refreshes", "As push.discarded_answers.", _NUMBER),
    "failed_requests": ("requests", "As push.failed_requests.", _NUMBER),
    "left_screen": ("pairs", "As push.left_screen.", _NUMBER),
    "convergence.views": ("views", "As convergence.views.", _NUMBER),
    "convergence.wrong_views": ("views", "As convergence.wrong_views.", _NUMBER),
    "delivery.expected": ("pairs", "As delivery.expected.", _NUMBER),
    "delivery.<class>": ("pairs", "As in delivery: the classes sum to what was expected of the model.", _NUMBER),
}

CLIENT_KEYS: Final[dict[str, _Entry]] = {
    **{f"push.{key}": entry for key, entry in _ATTENTION.items()},
    "clients.<model>.devices": ("devices", "Subscribers of a client model that takes part.", _NUMBER),
    **{f"clients.<model>.{key}": entry for key, entry in {**_AS_PUSH, **_ATTENTION}.items()},
}
"""Unit, meaning and shape of each."""
