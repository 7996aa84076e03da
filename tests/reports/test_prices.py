"""The price of waiting, in words and as a table."""

from dataclasses import replace as changed
from typing import Any

from reports.input import ReportInput
from reports.prices import prices_exhibit, prices_table
from tests.reports.replay_part import replay


def plain(text: str) -> str:
    """Return a text with plain spaces."""
    return text.replace("\u00a0", " ")


def price(price_s: float, *, live: float, cheapest: float, greedy: float) -> dict[str, Any]:
    """Return what three policies cost at a price."""
    costs = {"live": live, "cheapest": cheapest, "greedy": greedy}
    return {
        "price_s": price_s,
        **{name: {"cost_s": cost} for name, cost in costs.items()},
        "regret_over_cheapest": live / cheapest - 1 if cheapest else None,
        "regret_over_greedy": live / greedy - 1 if greedy else None,
    }


def test_the_price_of_waiting_has_a_row_for_each_price() -> None:
    """What live overpays."""
    assert [plain(cell) for cell in prices_table(replay()).rows[0]] == [
        "0.5 s of waiting",
        "800 s",
        "400 s",
        "800 s",
        "+100 %",
        "0 %",
    ]


def test_the_figure_says_where_the_live_policy_fits_best(full_run: ReportInput) -> None:
    """Where it costs the smallest multiple of the least possible."""
    prices = [
        price(0.1, live=900.0, cheapest=100.0, greedy=200.0),
        price(2.0, live=150.0, cheapest=100.0, greedy=170.0),
        price(30.0, live=240.0, cheapest=100.0, greedy=120.0),
    ]
    exhibit = prices_exhibit(changed(full_run, replay=replay(prices=prices)))

    assert exhibit is not None
    assert exhibit.drawing is not None
    said = plain(exhibit.takeaway)
    assert said.startswith("The live policy fits best if one request is worth 2.00 s in which one signal waits")
    assert "it costs 1.50 times the least possible" in said
    assert "waited for one price, 1.70 times" in said


def test_without_a_replay_or_a_cost_there_is_no_figure(full_run: ReportInput) -> None:
    """Nothing was signalled, so that nothing waited and nothing was requested."""
    assert prices_exhibit(full_run) is None
    nothing = [price(1.0, live=0.0, cheapest=0.0, greedy=0.0)]
    assert prices_exhibit(changed(full_run, replay=replay(prices=nothing))) is None
