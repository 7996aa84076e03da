"""Each figure is drawn in both shapes, from plain and from awkward series."""

import re

import numpy as np
import pytest

from loadtests.analysis.baseline.break_even import WRITES_PER_MINUTE, Curve, Rate
from loadtests.analysis.laboratory.starvation import poisson_wait_s
from loadtests.analysis.results import Cost, States, Timeline
from reports.figures.battery import battery_plate
from reports.figures.break_even import Measured, lines_plate, map_plate
from reports.figures.canvas import Plate, Shape, png, svg
from reports.figures.cost import cost_plate
from reports.figures.herd import Marks, Replayed, herd_plate
from reports.figures.plane import Point as PlanePoint
from reports.figures.plane import plane_plate
from reports.figures.policies import Dot, Mark, policies_plate
from reports.figures.prices import Paid, prices_plate
from reports.figures.ranks import bands
from reports.figures.starvation import Point, starvation_plate
from reports.figures.states import states_plate, widen_states
from reports.figures.timeline import MOST_BINS, timeline_plate, widen
from reports.figures.visibility import clients_plate, visibility_plate
from reports.figures.waterfall import waterfall_plate
from reports.glossary import CLIENTS

COST = Cost(refreshes=11.4, requests=13.2, bytes=171_000.0, signals=15.1)
HERD = [
    Replayed(jitter_ms=jitter, peak=peak, lowest=peak - 5, highest=peak + 9)
    for jitter, peak in ((0, 500), (100, 484), (300, 199), (1000, 72))
]


def timeline_of(bins: int, latency_ms: float) -> Timeline:
    """Return bins of one second in which each count is its number."""
    counts, latencies = np.arange(bins), np.full(bins, latency_ms)
    return Timeline(
        bin_s=1.0,
        begin_s=np.arange(bins) - 5.0,
        writes=counts,
        signals=counts,
        refreshes=counts,
        polls=counts * 0,
        visibility_ms_p50=latencies,
        visibility_ms_p95=latencies,
    )


def states_of(bins: int, *, begin_s: float = -5.0, not_live: float = 0.0) -> States:
    """Return ten devices, as many away as the number of the bin says, and some cut off."""
    away = np.minimum(np.arange(bins, dtype=np.float64), 10.0 - not_live)
    return States(
        bin_s=1.0,
        begin_s=np.arange(bins) + begin_s,
        live=10.0 - not_live - away,
        away=away,
        not_live=np.full(bins, not_live),
        logged_out=np.zeros(bins),
    )


def curve_of(model: str, slope: float) -> Curve:
    """Return a client that requests so much for each write."""
    rates = (Rate(requests=slope * each, standard_error=0, of_blocks=0, mean_wait_s=0.5) for each in WRITES_PER_MINUTE)
    return Curve(model=model, writes=WRITES_PER_MINUTE, rates=tuple(rates))


def plates() -> dict[str, Plate]:
    """Return figures by what is awkward about them."""
    return {**_plain_plates(), **_laboratory_plates()}


def _laboratory_plates() -> dict[str, Plate]:
    """Return the figures of the chapters."""
    points = [
        Point(name=str(rate), events_per_s=rate, wait_ms=500 * 1.4**rate, standard_error_ms=9.0, is_even=rate > 5)
        for rate in (0.5, 1.0, 2.0, 5.0, 10.0)
    ]
    polled = [
        PlanePoint(name=f"{s}", requests_per_minute=60 / s, visibility_ms_p95=950.0 * s) for s in (1, 2, 5, 10, 30, 60)
    ]
    pushed = PlanePoint(name="push", requests_per_minute=14.0, visibility_ms_p95=700.0)
    return {
        "cost against freshness": plane_plate(pushed, polled, polled[2:4]),
        "cost against freshness without cohorts": plane_plate(polled[0], polled[:1], ()),
        "starvation": starvation_plate(points, lambda rate: poisson_wait_s(rate, 0.5) * 1000, 500.0),
        "starvation without spread": starvation_plate(points[:1] * 2, lambda rate: 500.0 + rate, 500.0),
        "herd": herd_plate(HERD, Marks(limit=250, live_ms=0, measured=500, enough_ms=300)),
        "herd with the jitter it needs": herd_plate(HERD, Marks(limit=250, live_ms=300, measured=203, enough_ms=300)),
        "herd without remedy": herd_plate(HERD[:1], Marks(limit=1, live_ms=None, measured=500, enough_ms=None)),
    }


def _plain_plates() -> dict[str, Plate]:
    """Return the figures of every run."""
    waits = np.array([400.0, 500.0, 900.0])
    stages = {"debounce_wait": waits, "queued": np.array([-2.0, 0.0, 3.0])}
    names = {stage: stage for stage in stages}
    return {
        "visibility": visibility_plate(waits, {"5s": waits * 5, "10s": waits * 10}),
        "visibility without polling": visibility_plate(waits, {}),
        "visibility without push": visibility_plate(np.empty(0), {"5s": waits}),
        "visibility never": visibility_plate(np.full(3, np.inf), {"5s": np.full(2, np.inf)}),
        "visibility of one negative pair": visibility_plate(np.array([-1.0]), {}),
        "visibility of five cohorts": visibility_plate(waits, {f"{s}s": waits * s for s in (1, 2, 5, 10, 60)}),
        "clients": clients_plate({name: waits * n for n, name in enumerate(CLIENTS, start=1)}, CLIENTS),
        "clients unseen": clients_plate({name: np.full(2, np.inf) for name in CLIENTS}, CLIENTS),
        "break-even": lines_plate(
            [curve_of(each, 1.0) for each in CLIENTS],
            CLIENTS,
            (5, 30),
            [Measured(model="ios", writes=3.0, requests=4.0)],
        ),
        "battery": battery_plate(
            {"LTE": {"push": 1890.0, "polling 5 s": 3820.0}, "Wi-Fi": {"push": 13.0, "polling 5 s": 0.0}}
        ),
        "break-even of nothing": lines_plate([curve_of("web_as_built", 0.0)], CLIENTS, (5,), []),
        "break-even map": map_plate([curve_of("ios", 1.0), curve_of("web", 0.0)], CLIENTS, 5),
        "states": states_plate(states_of(30, not_live=1.5)),
        "states without warm-up": states_plate(states_of(30, begin_s=0.0)),
        "states of one bin": states_plate(states_of(1)),
        "states of a day": states_plate(widen_states(states_of(86_400))),
        "stages": waterfall_plate(bands(stages), names),
        "stages of no length": waterfall_plate(bands({"queued": np.zeros(2)}), {"queued": "queued"}),
        "cost": cost_plate(COST, {"5s": COST}),
        "cost of nothing": cost_plate(Cost(refreshes=0, requests=0, bytes=0, signals=0), {}),
        "cost without push": cost_plate(None, {"5s": COST}),
        "policies": policies_plate(
            [
                Dot(refreshes=12.0, stale_ms=30.0, mark=Mark.LIVE, name="live"),
                Dot(refreshes=13.0, stale_ms=31.0, mark=Mark.DESIGN, name="the design's"),
                Dot(refreshes=10.0, stale_ms=29.0, mark=Mark.RECOMMENDED, name="recommended:\na, b", is_best=True),
                Dot(refreshes=5.0, stale_ms=9000.0, drops_signals=True),
                Dot(refreshes=14.0, stale_ms=0.0, is_best=True),
            ]
        ),
        "prices": prices_plate([Paid(price_s=price, live=3 / price, greedy=1.5) for price in (0.05, 0.2, 1.0, 2.0)]),
        "prices, one of them": prices_plate([Paid(price_s=1.0, live=1.0, greedy=1.0)]),
        "policies that are all one": policies_plate([Dot(refreshes=0.0, stale_ms=0.0, mark=Mark.LIVE, name="live")]),
        "timeline": timeline_plate(timeline_of(30, 600.0)),
        "timeline unseen": timeline_plate(timeline_of(30, np.inf)),
        "timeline without latency": timeline_plate(timeline_of(30, np.nan)),
        "timeline of one bin": timeline_plate(timeline_of(1, 600.0)),
        "timeline of a day": timeline_plate(widen(timeline_of(86_400, 600.0))),
    }


PLATES = plates()


@pytest.mark.parametrize("name", list(PLATES))
@pytest.mark.parametrize("shape", list(Shape))
def test_a_figure_becomes_svg_that_follows_the_page(name: str, shape: Shape) -> None:
    """It has no address, no font, no colour and no identifier of its own that could clash."""
    drawn = svg(PLATES[name], shape)

    assert drawn.startswith("<svg viewBox=")
    assert "http" not in drawn
    assert "font-family" not in drawn
    assert "<style" not in drawn
    assert not re.search(r"#[0-9a-f]{6}\b", drawn), "a colour that theme.py does not know"
    assert set(re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', drawn)) <= {
        pair for identifier in re.findall(r'id="([^"]*)"', drawn) for pair in ((identifier, ""), ("", identifier))
    }


def test_a_figure_is_the_same_bytes_twice() -> None:
    """No date and no random identifier."""
    assert svg(plates()["visibility"], Shape.WIDE) == svg(plates()["visibility"], Shape.WIDE)
    assert png(plates()["cost"]) == png(plates()["cost"])


def test_identifiers_differ_between_figures_and_shapes() -> None:
    """All of them stand in one page."""
    drawn = [svg(PLATES[name], shape) for name in ("visibility", "timeline") for shape in Shape]
    identifiers = [identifier for one in drawn for identifier in re.findall(r'\bid="([^"]*)"', one)]

    assert len(identifiers) == len(set(identifiers))


def test_wider_bins_lose_no_count_and_keep_the_worst() -> None:
    """Counts are added; of latencies the worst is kept, whatever is unknown beside it."""
    long = timeline_of(1000, np.nan)
    long.visibility_ms_p95[:3] = [100.0, 700.0, np.nan]
    shown = widen(long)

    assert len(shown.begin_s) <= MOST_BINS
    assert shown.writes.sum() == long.writes.sum()
    assert shown.bin_s == 5.0
    assert shown.visibility_ms_p95[0] == 700.0
    assert np.isnan(shown.visibility_ms_p95[1])


def test_a_short_timeline_is_left_as_it_is() -> None:
    """Nothing is joined that can be told apart."""
    short = timeline_of(50, 600.0)

    assert widen(short) is short


def test_wider_states_are_means_of_what_they_join() -> None:
    """Five bins become three of two, the last of them of one; together they are all devices still."""
    wide = widen_states(states_of(5, begin_s=0.0), most=3)

    assert wide.begin_s.tolist() == [0.0, 2.0, 4.0]
    assert wide.away.tolist() == [0.5, 2.5, 4.0]
    assert (wide.live + wide.away + wide.not_live + wide.logged_out).tolist() == [10.0] * 3
