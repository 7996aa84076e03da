"""`loadtests break-even` and `loadtests one-burst`: as tables, as JSON, and as the README quotes them."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from loadtests.analysis.baseline.break_even import Curve, Rate
from loadtests.cli import main
from loadtests.simulated_costs import break_even_json, break_even_lines

README = Path(__file__).parents[1] / "README.md"


def invoke(*arguments: str) -> str:
    """Return what the command line answers."""
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def curve_of(model: str, *requests: float) -> Curve:
    """Return a curve at 10, 20, 30 … writes."""
    rates = tuple(Rate(requests=each, standard_error=0.1, of_blocks=0.3, mean_wait_s=0.5) for each in requests)
    return Curve(model=model, writes=tuple(10.0 * (place + 1) for place in range(len(rates))), rates=rates)


def test_the_readme_has_the_table_that_the_command_prints() -> None:
    """Line by line, beneath the command."""
    text = README.read_text(encoding="utf-8")

    assert "loadtests one-burst" in text
    assert invoke("one-burst") in text


def test_one_burst_as_json_holds_every_client_and_the_least_possible() -> None:
    """Of another burst than the README's."""
    told = orjson.loads(invoke("one-burst", "--events", "3", "--within-s", "3", "--json"))

    assert told["schema"] == "loadtests.one-burst/1"
    assert told["ios"]["refreshes"] == 3
    assert told["least"] == {"0.5s": 3, "2.5s": 1}
    assert told["polling_10s"]["in_minute"] == 6


def test_each_client_says_where_it_stops_paying() -> None:
    """Once for good, once until it starves, once never."""
    curves = [curve_of("ios", 10, 20, 30), curve_of("web", 10, 20, 4), curve_of("web_as_built", 0, 0, 0)]

    lines = break_even_lines(curves, (5.0,))

    assert lines[2:5] == [
        "| iOS, as designed | 12.0 |",
        "| web, as designed | 12.0, until it starves at 25 |",
        "| web, as built | never (it fetches nothing) |",
    ]


def test_json_holds_what_was_simulated() -> None:
    """And the crossings."""
    told = break_even_json([curve_of("ios", 10, 20)], (5.0, 1.0))

    assert told["clients"]["ios"]["stops_paying"] == {"5s": 12.0, "1s": None}
    assert [each["writes_per_organization_minute"] for each in told["clients"]["ios"]["simulated"]] == [10, 20]


@pytest.mark.parametrize("window_ms", ["1000"])
def test_a_longer_debounce_stops_paying_later(window_ms: str) -> None:
    """For the web app, which coalesces by request key: in a second more comes together than in half of one."""
    told = orjson.loads(invoke("break-even", "--debounce-ms", window_ms, "--every", "5", "--json"))

    assert told["clients"]["web"]["stops_paying"]["5s"] > 14
