"""What the keys of `metrics.json` mean that compare push with polling."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


_BATTERY: Final = "battery.<told>.<radio>"
_STAY: Final = "break_even.phases.<phase>"

_PLACE: Final[dict[str, _Entry]] = {
    "writes_per_organization_minute": (
        "1/min",
        "Mutations done, on average over organizations; phases of at least 20 s.",
        "number",
    ),
    "members_per_organization": ("devices", "Subscribers of an organization.", "number"),
    "minutes": ("min", "Length of the phase.", "number"),
    "clients.<model>.devices": ("devices", "Subscribers of this model.", "number"),
    "clients.<model>.requests": ("requests", "Their requests in the phase, whatever the cause.", "number"),
    "clients.<model>.requests_per_device_minute": ("1/min", "The same per device-minute.", "number"),
    "clients.<model>.predicted_per_device_minute": (
        "1/min",
        "By simulation on the device models; null where people look away, faults are planted or feeds gather.",
        "number",
    ),
    "clients.<model>.predicted_low": ("1/min", "What chance leaves of that, in 19 of 20 phases: from.", "number"),
    "clients.<model>.predicted_high": ("1/min", "To.", "number"),
    "polling.<interval>.devices": ("devices", "Pollers of this interval.", "number"),
    "polling.<interval>.requests": ("requests", "Their requests in the phase.", "number"),
    "polling.<interval>.requests_per_device_minute": ("1/min", "The same per device-minute.", "number"),
    "saved.<model>.<interval>.measured_share": (
        "share",
        "1 - push/polling, requests; below 0: push costs more.",
        "number",
    ),
    "saved.<model>.<interval>.predicted_share": ("share", "The same by simulation.", "number"),
}
"""Of a phase, over all organizations or those of one size."""

BASELINE_KEYS: Final[dict[str, _Entry]] = {
    f"{_BATTERY}.joules_per_hour": (
        "J/h",
        "Energy of a device's radio, by a model of 2012. Told: push, push_in_background or a cohort.",
        "number",
    ),
    f"{_BATTERY}.battery_share_per_hour": ("share", "The same, of a battery of 12 Wh.", "number"),
    f"{_BATTERY}.wakeups_per_hour": ("1/h", "How often a device's radio leaves idle.", "number"),
    f"{_BATTERY}.on_share": ("share", "Part of the time in which it is in promotion, active or in its tail.", "number"),
    f"{_BATTERY}.transfers": ("transfers", "What this rests on: of all devices, in the window.", "number"),
    f"{_BATTERY}.device_hours": ("h", "For how long they were observed, all together.", "number"),
    **{f"{_STAY}.{key}": told for key, told in _PLACE.items()},
    **{
        f"{_STAY}.sizes.<members>.{key}": (unit, f"Organizations of so many members alone: {_lower(meaning)}", shape)
        for key, (unit, meaning, shape) in _PLACE.items()
    },
    "comparison.blocks": ("stretches", "Of the window, resampled for the bounds; below 10 there are none.", "number"),
    "comparison.block_s": ("s", "Length of one: push's p95 of visibility latency, at least 2 s.", "number"),
    "comparison.push_visibility_ms_p95.<bound_of>": ("ms", "Of push; value, and the 95% interval's bounds.", "number"),
    "comparison.push_requests_per_minute.<bound_of>": ("1/min", "Of a subscriber.", "number"),
    "comparison.equal_cost.interval_s.<bound_of>": ("s", "The polling interval that costs what push costs.", "number"),
    "comparison.equal_cost.visibility_ms_p50.<bound_of>": ("ms", "Of polling at it, with random phases.", "number"),
    "comparison.equal_cost.visibility_ms_p95.<bound_of>": ("ms", "The same, p95.", "number"),
    "comparison.equal_freshness.interval_s.<bound_of>": ("s", "The polling interval whose p95 is push's.", "number"),
    "comparison.equal_freshness.requests_per_minute.<bound_of>": ("1/min", "What polling at it costs.", "number"),
    "comparison.dominance.<interval>.verdict": (
        "",
        "Push by cohort: better, worse, crossing or same at all quantiles beyond chance; null: too few stretches.",
        "other",
    ),
    "comparison.dominance.<interval>.better_at": ("", "The quantiles at which push is better beyond chance.", "other"),
    "comparison.dominance.<interval>.worse_at": ("", "Those at which it is worse.", "other"),
    "comparison.dominance.<interval>.blocks": (
        "stretches",
        "Resampled for this verdict: at least as long as the interval; below 10 there is none.",
        "number",
    ),
    "comparison.curve": ("", "Cost and freshness of polling with random phases at intervals from 1 to 120 s.", "other"),
}
"""Unit, meaning and shape of each."""
