"""Where a run stands on the map of push and polling: what its phases measured, beside what the simulation says.

From `break_even` of `metrics.json` alone. A phase is one place, or one for each size of organization.
"""

from collections.abc import Iterator
from typing import Final

from reports.figures.break_even import Measured
from reports.glossary import client_name
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NO_NUMBER, interval, percent, rate

_Path = tuple[str, ...]
_SHORT: Final = 8
"""Rows that need not be folded."""


def measured_points(metrics: Metrics) -> list[Measured]:
    """Return what was measured at each place, client by client."""
    points = []
    for path in _places(metrics):
        writes = metrics.number(*path, "writes_per_organization_minute")
        for model in metrics.keys(*path, "clients"):
            client = (*path, "clients", model)
            requests = metrics.number(*client, "requests_per_device_minute")
            if writes and requests is not None:
                points.append(
                    Measured(
                        model=model,
                        writes=writes,
                        requests=requests,
                        members=metrics.number(*path, "members_per_organization") or 0.0,
                        is_foreseen=_is_foreseen(metrics, client, requests),
                    )
                )
    return points


def places_table(metrics: Metrics) -> Table:
    """Return one row for each size of organization in each phase; empty where all are alike."""
    paths = [path for path in _places(metrics) if "sizes" in path]
    models = [
        model for model in (metrics.keys(*paths[0][:3], "clients") if paths else ()) if _fetches(metrics, paths, model)
    ]
    return Table(
        caption="Phases by size of organization: requests per device-minute, and what the simulation says",
        head=("phase, members", "writes", *(client_name(model) for model in models)),
        rows=tuple(
            (
                f"{path[2]}, {path[4]}",
                rate(metrics.number(*path, "writes_per_organization_minute")),
                *(_cell(metrics, (*path, "clients", model)) for model in models),
            )
            for path in paths
        ),
        note="Measured, and in brackets where the simulation expects 19 of 20 runs; ! is outside of it. Writes are per "
        "organization-minute: large organizations are written to as often as small ones.",
    )


def stays_table(metrics: Metrics) -> Table:
    """Return a row for each phase and client that requested something, over all organizations."""
    rows: list[tuple[str, ...]] = []
    cohort = ""
    for phase in _phases(metrics):
        path = ("break_even", "phases", phase)
        cohort = next(iter(metrics.keys(*path, "polling")), "")
        rows += [
            _stay_row(metrics, phase, model, cohort)
            for model in metrics.keys(*path, "clients")
            if metrics.number(*path, "clients", model, "requests")
        ]
    return Table(
        caption="This run on the map: requests per device-minute",
        head=(
            "phase, client",
            "writes",
            "measured",
            "simulated",
            "19 in 20",
            "measured ÷ simulated",
            *((f"saved, {interval(cohort)}", "simulated") if cohort else ()),
        ),
        rows=tuple(rows),
        note="The simulation knows how much was written in a phase, not when. Phases of less than 20 s are left out; "
        "what is not simulated (people who look away, faults, a feed that gathers changes) has no number. Saved is "
        "1 less push ÷ polling, as measured beside it; all intervals stand in metrics.json under break_even.",
        is_folded=len(rows) > _SHORT,
    )


def _phases(metrics: Metrics) -> tuple[str, ...]:
    return metrics.keys("break_even", "phases") if "break_even" in metrics.document else ()


def _places(metrics: Metrics) -> Iterator[_Path]:
    """Yield the paths of all places; runs that were analysed before know no sizes."""
    for phase in _phases(metrics):
        path = ("break_even", "phases", phase)
        sizes = metrics.keys(*path, "sizes") if "sizes" in metrics.keys(*path) else ()
        yield from ((*path, "sizes", members) for members in sizes)
        if not sizes:
            yield path


def _fetches(metrics: Metrics, paths: list[_Path], model: str) -> bool:
    return any(_number(metrics, (*path, "clients", model), "requests") for path in paths)


def _number(metrics: Metrics, client: _Path, key: str) -> float | None:
    """Return a number of a client; None where there is no such device."""
    return metrics.number(*client, key) if client[-1] in metrics.keys(*client[:-1]) else None


def _is_foreseen(metrics: Metrics, client: _Path, requests: float) -> bool | None:
    low, high = (metrics.find(*client, f"predicted_{end}") for end in ("low", "high"))
    return None if low is None or high is None else low <= requests <= high


def _cell(metrics: Metrics, client: _Path) -> str:
    measured = _number(metrics, client, "requests_per_device_minute")
    if measured is None:
        return NO_NUMBER
    low, high = (metrics.find(*client, f"predicted_{end}") for end in ("low", "high"))
    if low is None or high is None:
        return rate(measured)
    mark = "" if low <= measured <= high else " !"
    return f"{rate(measured)} ({rate(low)}\N{EN DASH}{rate(high)}){mark}"


def _stay_row(metrics: Metrics, phase: str, model: str, cohort: str) -> tuple[str, ...]:
    path = ("break_even", "phases", phase)
    client = (*path, "clients", model)
    measured, simulated, low, high = (
        metrics.number(*client, key)
        for key in ("requests_per_device_minute", "predicted_per_device_minute", "predicted_low", "predicted_high")
    )
    saved = (*path, "saved", model, cohort)
    return (
        f"{phase}, {client_name(model)}",
        rate(metrics.number(*path, "writes_per_organization_minute")),
        rate(measured),
        rate(simulated),
        NO_NUMBER if low is None else f"{rate(low)}\N{EN DASH}{rate(high)}",
        percent(measured / simulated) if measured is not None and simulated else NO_NUMBER,
        *((percent(metrics.number(*saved, f"{kind}_share")) for kind in ("measured", "predicted")) if cohort else ()),
    )
