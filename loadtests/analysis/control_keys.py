"""What the keys of `metrics.json` mean that are told of the control group."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

CONTROL_KEYS: Final[dict[str, _Entry]] = {
    "control.subscribers": ("subscribers", "With the official client; in no other number of this document.", "number"),
    "control.live": ("subscribers", "Of these, ever live.", "number"),
    "control.n": (
        "pairs",
        "(event, control subscriber) while it and the device that it shadows were live until the deadline.",
        "number",
    ),
    "control.missing": (
        "receipts",
        "That a shadowed device has and its official client lacks, event by event.",
        "number",
    ),
    "control.surplus": ("receipts", "That an official client has and the shadowed device lacks.", "number"),
    "control.unheard": (
        "events",
        "That official clients alone received, their shadows live; by agreement the account does not know such.",
        "number",
    ),
    "control.signal_ms": ("ms", "Received - committed at official clients, of events that both received.", "quantiles"),
    "control.lean_signal_ms": ("ms", "The same events at the shadowed devices.", "quantiles"),
    "control.signal_difference_ms_p50": ("ms", "Official clients' median - shadowed devices'.", "number"),
    "control.signal_difference_ms_p95": ("ms", "Official clients' p95 - shadowed devices'.", "number"),
    "control.tolerance_ms_p50": (
        "ms",
        "Beyond it the verdict is unknown: health.control_difference_ms, or a quarter of the lean median if more.",
        "number",
    ),
    "control.tolerance_ms_p95": ("ms", "The same of the p95.", "number"),
    "control.ready_ms_p50": ("ms", "Live - SUBSCRIBED of official clients.", "number"),
    "control.lean_ready_ms_p50": ("ms", "Live - join reply of the shadowed devices.", "number"),
    "control.ready_difference_ms": ("ms", "The former - the latter.", "number"),
    "control.ready_tolerance_ms": (
        "ms",
        "Beyond it the verdict is unknown: 3 s, or a quarter of the official clients' readiness if more.",
        "number",
    ),
    "control.reasons": ("", "Why it cannot vouch for the run; they stand in health.reasons as well.", "other"),
    "control.examples": ("", "Events of which the two received different numbers, the first five.", "other"),
}
"""Unit, meaning and shape of each."""
