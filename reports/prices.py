"""The price of waiting: what the live policy's requests and waits cost beside the least possible, in words and drawn.

From the document `replay.json` alone; costs are defined in `loadtests.analysis.laboratory.waiting`.
"""

from reports.advice import Told
from reports.exhibit import Exhibit, draw
from reports.figures.prices import Paid, prices_plate
from reports.input import ReportInput
from reports.laboratory import unserved
from reports.table import Table
from reports.wording import NBSP, duration, percent, rate


def prices_exhibit(run: ReportInput) -> Exhibit | None:
    """Return the figure; None for a run that nobody replayed, or in which nothing cost anything."""
    told = run.replayed
    paid = [] if told is None else _paid(told)
    if told is None or not paid:
        return None
    return Exhibit(
        name="prices",
        title="The price of waiting",
        takeaway=_reading(paid),
        alternative="Cost as a multiple of the least possible, by price of a request: "
        + "; ".join(f"{_price(each.price_s)} live {rate(each.live)}, greedy {rate(each.greedy)}" for each in paid),
        drawing=draw(prices_plate(paid)),
        table=prices_table(told, unserved(run.metrics)),
    )


def _paid(told: Told) -> list[Paid]:
    """Return the multiples at each price at which there was something to pay."""
    return [
        Paid(
            price_s=each["price_s"],
            live=each["live"]["cost_s"] / each["cheapest"]["cost_s"],
            greedy=each["greedy"]["cost_s"] / each["cheapest"]["cost_s"],
        )
        for each in told["prices"]
        if each["cheapest"]["cost_s"]
    ]


def _reading(paid: list[Paid]) -> str:
    """Say where the live policy fits best, and what a greedy rule costs there."""
    best = min(paid, key=lambda each: each.live)
    least = (
        f"The live policy fits best if one request is worth {_price(best.price_s)} in which one signal waits: it costs "
        f"{rate(best.live)} times the least possible, and a greedy rule, which refreshes when what waits has waited "
        f"for one price, {rate(best.greedy)} times."
    )
    return f"{least} Where a request is worth less, live waits too long; where it is worth more, it asks too often."


def _price(price_s: float) -> str:
    return duration(price_s * 1000)


def prices_table(told: Told, left_out: str = "") -> Table:
    """Return what the live policy costs beside the cheapest and the greedy one, at each price of a request."""
    return Table(
        caption="The price of waiting: what a request may cost until another policy would be cheaper",
        head=("one request is worth", "live costs", "cheapest", "greedy", "live over cheapest", "live over greedy"),
        rows=tuple(
            (
                f"{each['price_s']:g}{NBSP}s of waiting",
                *(f"{rate(each[name]['cost_s'])}{NBSP}s" for name in ("live", "cheapest", "greedy")),
                _signed(each["regret_over_cheapest"]),
                _signed(each["regret_over_greedy"]),
            )
            for each in told["prices"]
        ),
        note="Costs are seconds in which signals waited, plus the price of each request. Cheapest is exact, and "
        "known only afterwards; greedy refreshes when what waits has waited for one price, which any client could do, "
        f"and never costs more than twice the optimum.{left_out}",
    )


def _signed(share: float | None) -> str:
    if share is None:
        return percent(None)
    return f"+{percent(share)}" if share > 0 else percent(share)
