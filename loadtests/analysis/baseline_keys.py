"""What the keys of `metrics.json` mean that compare push with polling."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

_BATTERY: Final = "battery.<told>.<radio>"

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
}
"""Unit, meaning and shape of each."""
