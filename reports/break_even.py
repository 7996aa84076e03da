"""Where push stops paying: two figures, and the line as a table; what the run measured there is told in `places`."""

from functools import lru_cache
from typing import Final

from loadtests.analysis.baseline.break_even import Curve, curve
from loadtests.analysis.baseline.break_even_run import writing_of
from loadtests.analysis.stamps import NS_PER_MS
from loadtests.scenario.model import Scenario
from loadtests.scenario.vocabulary import DeviceModel
from reports.costs import conditional_polling
from reports.exhibit import Drawing, Exhibit, draw
from reports.figures.break_even import Measured, lines_plate, map_plate
from reports.glossary import client_name
from reports.input import ReportInput
from reports.places import measured_points, places_table, stays_table
from reports.table import Table
from reports.wording import MINUS, NBSP, NO_NUMBER, count, counted, rate, sentence

_DESIGNED: Final = (DeviceModel.IOS, DeviceModel.WEB, DeviceModel.HYBRID)
_AS_BUILT: Final = (DeviceModel.IOS_AS_BUILT, DeviceModel.WEB_AS_BUILT)
_INTERVALS_S: Final = (5.0, 10.0, 30.0)
_SEED: Final = 1
_TABLE_MEMBERS: Final = 10
_WRITES_PER_MEMBER_MINUTE: Final = 0.1
"""A change every ten minutes: to read writes as members."""
_LOWEST_SHOWN: Final = 0.4
_ON_THE_MAP: Final = {model.key for model in _DESIGNED}


def break_even_exhibits(run: ReportInput) -> tuple[Exhibit, ...]:
    """Return both figures; none for a run in which no device that is pushed to fetched anything."""
    if not run.has_subscribers or not run.results.series.push_cost.requests:
        return ()
    curves = _curves(run.scenario)
    points = measured_points(run.metrics)
    drawn = tuple(point for point in points if point.requests >= _LOWEST_SHOWN)
    table = _line_table(curves)
    return (
        Exhibit(
            name="break-even",
            title="Where push stops paying",
            takeaway=_takeaway(curves, points),
            alternative="Lines of requests per device-minute over writes per organization-minute, one for each client "
            "model, crossing level lines of polling; the table has where.",
            drawing=_draw_lines(curves, drawn),
            table=table,
            beneath=tuple(each for each in (places_table(run.metrics), stays_table(run.metrics)) if each.rows),
        ),
        Exhibit(
            name="break-even-map",
            title="What that comes to for an organization",
            takeaway=f"Requests per organization-minute that push saves (+) or costs ({MINUS}) against polling every "
            f"{_INTERVALS_S[0]:g}{NBSP}s; a dotted line where a change waits longer than with it. {_dots(points)}"
            "Members multiply what push saves or costs and do not move the black line, since a device hears every "
            "write of its organization; growing organizations cross it because they write more. "
            f"{conditional_polling(run.metrics, _INTERVALS_S[0])}",
            alternative="Cells of writes per organization-minute by members with the requests that push saves per "
            "minute against polling every "
            f"{_INTERVALS_S[0]:g} s, negative to the right of a line for each client model; the table above has where.",
            drawing=_draw_map(curves[: len(_DESIGNED)], tuple(points)),
            table=_map_table(curves),
        ),
    )


@lru_cache(maxsize=4)
def _draw_lines(curves: tuple[Curve, ...], points: tuple[Measured, ...]) -> Drawing:
    return draw(lines_plate(curves, _names(curves), _INTERVALS_S, points))


@lru_cache(maxsize=4)
def _draw_map(curves: tuple[Curve, ...], points: tuple[Measured, ...]) -> Drawing:
    return draw(map_plate(curves, _names(curves), _INTERVALS_S[0], points))


def _names(curves: tuple[Curve, ...]) -> dict[str, str]:
    return {each.model: client_name(each.model) for each in curves}


def _map_table(curves: tuple[Curve, ...]) -> Table:
    writes = (1.0, 4.0, 9.0, 18.0, 40.0, 90.0, 360.0)
    return Table(
        caption=f"Requests saved per minute by {_TABLE_MEMBERS} members, against polling {_INTERVALS_S[0]:g} s",
        head=("client", *(f"{each:g} writes/min" for each in writes)),
        rows=tuple(
            (client_name(own.model), *(count(own.saved(each, _TABLE_MEMBERS, _INTERVALS_S[0])) for each in writes))
            for own in curves
        ),
    )


def _curves(scenario: Scenario) -> tuple[Curve, ...]:
    own = scenario.subscribers.weights
    models = (*_DESIGNED, *(model for model in _AS_BUILT if own[model]))
    phase = max((phase for phase in scenario.phases if not phase.warm_up), key=lambda phase: phase.duration_s)
    wanted = scenario.subscribers
    return tuple(
        curve(
            model,
            writing_of(scenario, phase.model_copy(update={"arrivals": "poisson"})),
            window_ns=wanted.debounce_ms * NS_PER_MS,
            refresh=wanted.refresh,
            seed=_SEED,
        )
        for model in models
    )


def _takeaway(curves: tuple[Curve, ...], points: list[Measured]) -> str:
    interval_s = _INTERVALS_S[0]
    parts = []
    for own in curves:
        stops = own.stops_paying(interval_s)
        if stops is not None:
            parts.append(f"{client_name(own.model)} {rate(stops)}")
    polling = f"than polling every {interval_s:g}{NBSP}s"
    said = (
        f"Push makes more requests {polling} beyond so many writes per organization-minute: {sentence(parts)}."
        if parts
        else f"Push makes fewer requests {polling} however busy an organization is."
    )
    if not points:
        return said
    writes = sorted({point.writes for point in points})
    where = rate(writes[0]) if len(writes) == 1 else f"between {rate(writes[0])} and {rate(writes[-1])}"
    members = sorted({point.members for point in points})
    sizes = (
        f", small ones in organizations of {count(members[0])} members and large ones of {count(members[-1])}"
        if len(members) > 1
        else ""
    )
    return f"{said} Circles and squares are what this run measured, at {where} writes per organization-minute{sizes}."


def _dots(points: list[Measured]) -> str:
    """Say what the dots are, and how many of them the simulation did not foresee."""
    told = [point for point in points if point.is_foreseen is not None and point.model in _ON_THE_MAP]
    if not told:
        return ""
    hit = sum(1 for point in told if point.is_foreseen)
    return (
        f"Dots are where this run measured: {hit} of {len(told)} came to what the simulation says within the chance "
        "of 19 in 20, the others are hollow. "
    )


def _line_table(curves: tuple[Curve, ...]) -> Table:
    rows = []
    for own in curves:
        cells = [_stops(own, interval_s) for interval_s in _INTERVALS_S]
        stops = own.stops_paying(_INTERVALS_S[0])
        members = NO_NUMBER if stops is None else counted(round(stops / _WRITES_PER_MEMBER_MINUTE), "member")
        rows.append((client_name(own.model), *cells, members))
    return Table(
        caption="From how many writes per organization-minute on push makes more requests",
        head=("client", *(f"than polling {each:g} s" for each in _INTERVALS_S), "5 s, a change per member in 10 min"),
        rows=tuple(rows),
        note="By simulation on the clients' own state machines, with this scenario's debounce and its longest phase's "
        "mix, the jobs list open and nothing else. A trailing debounce pays again where it starves: it requests less "
        "because it shows nothing. The web app as built requests nothing for a signal and shows nothing either.",
    )


def _stops(own: Curve, interval_s: float) -> str:
    stops = own.stops_paying(interval_s)
    again = next((crossing.at for crossing in own.crossings(interval_s) if not crossing.is_loss), None)
    if stops is None:
        return "never"
    return rate(stops) if again is None else f"{rate(stops)} (to {rate(again)})"
