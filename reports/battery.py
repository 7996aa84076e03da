"""The table of what each way of being told takes from a phone's battery, with the model's limits beneath."""

from typing import Final

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import interval, percent, rate

_RADIOS: Final = (("lte", "LTE"), ("wifi", "Wi-Fi"))
_NAMES: Final = {"push": "push", "push_in_background": "push, socket kept in background"}


def battery_table(metrics: Metrics) -> Table:
    """Return energy and wake-ups of a device's radio; empty for a run that was analysed without them."""
    told = metrics.keys("battery") if "battery" in metrics.document else ()
    return Table(
        caption="A phone's radio, per device and hour",
        head=("", *(f"{name}: {unit}" for _, name in _RADIOS for unit in ("J/h", "of 12 Wh", "wake-ups/h", "on"))),
        rows=tuple((_NAMES.get(key) or f"polling {interval(key)}", *_cells(metrics, key)) for key in told),
        note="Each device's own traffic through the radio model of Huang et al., MobiSys 2012 (one phone, one "
        "operator). After each transfer LTE stays up for 11.6 s, which is nearly all of its energy: what comes more "
        "often than that never lets it sleep. Heartbeats are derived from the time that sockets were open. Screen, "
        "processor, other apps and the system's own batching are not counted: compare rows, and forecast nothing.",
    )


def _cells(metrics: Metrics, key: str) -> tuple[str, ...]:
    cells: list[str] = []
    for radio, _ in _RADIOS:
        path = ("battery", key, radio)
        cells += (
            rate(metrics.number(*path, "joules_per_hour")),
            percent(metrics.number(*path, "battery_share_per_hour")),
            rate(metrics.number(*path, "wakeups_per_hour")),
            percent(metrics.number(*path, "on_share")),
        )
    return tuple(cells)
