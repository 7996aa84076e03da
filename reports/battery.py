"""What each way of being told takes from a phone's battery: a quiet hour, this run, and the model's limits beneath."""

from functools import lru_cache
from typing import Final

from loadtests.analysis.baseline.quiet_hour import WRITES_PER_HOUR, quiet_hour
from loadtests.analysis.baseline.radio import RADIOS
from reports.exhibit import Exhibit, draw
from reports.figures.battery import battery_plate
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NBSP, interval, percent, rate

_RADIOS: Final = (("lte", "LTE"), ("wifi", "Wi-Fi"))
_NAMES: Final = {"push": "push", "push_in_background": "push in background"}


def battery_exhibits(run: ReportInput) -> tuple[Exhibit, ...]:
    """Return the quiet hour of devices like the run's; none for a run in which no pushed device fetched anything."""
    if not run.has_subscribers or not run.results.series.push_cost.requests:
        return ()
    wanted = run.scenario.subscribers
    return (_quiet_hour(wanted.connection.heartbeat_s, wanted.debounce_ms),)


@lru_cache(maxsize=4)
def _quiet_hour(heartbeat_s: float, window_ms: int) -> Exhibit:
    hours = {radio.name: quiet_hour(radio, heartbeat_s=heartbeat_s, window_ms=window_ms) for radio in RADIOS}
    joules = {
        title: {_name(told): used.joules_per_hour or 0.0 for told, used in hours[radio].items()}
        for radio, title in _RADIOS
    }
    over_lte = hours["lte"]
    rows = tuple(
        (
            _name(told),
            *(
                cell
                for radio, _ in _RADIOS
                for cell in (
                    rate(hours[radio][told].joules_per_hour),
                    rate(hours[radio][told].wakeups_per_hour),
                    percent(hours[radio][told].on_share),
                )
            ),
        )
        for told in over_lte
    )
    return Exhibit(
        name="battery",
        title="What a quiet hour takes from a battery",
        takeaway=f"With {WRITES_PER_HOUR} changes an hour push is its heartbeats, one in {heartbeat_s:g}{NBSP}s: over "
        f"LTE {rate(over_lte['push'].joules_per_hour)}{NBSP}J an hour, against "
        f"{rate(over_lte['5s'].joules_per_hour)}{NBSP}J for polling every 5{NBSP}s and "
        f"{rate(over_lte['30s'].joules_per_hour)}{NBSP}J every 30{NBSP}s.",
        alternative="Bars of joules per hour over LTE and over Wi-Fi, push beside each polling interval: "
        + "; ".join(f"{row[0]} {row[1]} and {row[4]}" for row in rows),
        drawing=draw(battery_plate(joules)),
        table=Table(
            caption="A quiet hour of a phone's radio",
            head=("", *(f"{title}: {unit}" for _, title in _RADIOS for unit in ("J/h", "wake-ups/h", "on"))),
            rows=rows,
            note=_LIMITS,
        ),
    )


_LIMITS: Final = (
    "By the model of Huang et al., MobiSys 2012: one phone of 2012, one operator, its tail of 11.6 s. Screen and "
    "processor are not counted, nor what other apps keep awake, the system's batching, or what newer networks (shorter "
    "tails, 5G) save: compare rows, and forecast nothing. In the background a system may close the socket."
)


def _name(told: str) -> str:
    return _NAMES.get(told) or f"polling {interval(told)}"


def battery_table(metrics: Metrics) -> Table:
    """Return energy and wake-ups of a device's radio; empty for a run that was analysed without them."""
    told = metrics.keys("battery") if "battery" in metrics.document else ()
    return Table(
        caption="A phone's radio in this run, per device and hour",
        head=("", *(f"{name}: {unit}" for _, name in _RADIOS for unit in ("J/h", "of 12 Wh", "wake-ups/h", "on"))),
        rows=tuple((_name(key), *_cells(metrics, key)) for key in told),
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
