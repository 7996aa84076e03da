"""`loadtests break-even` and `loadtests one-burst`: what the clients' own state machines cost, told without any run."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict
from time import monotonic
from typing import Any, Final

import click
import orjson

from loadtests.analysis.baseline.break_even import Curve, Writing, curve
from loadtests.analysis.baseline.one_burst import POLLING_S, BurstCost, OneBurst
from loadtests.analysis.stamps import NS_PER_MS
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel

INTERVALS_S: Final = (5.0, 10.0, 30.0)
_NAMES: Final = {
    DeviceModel.IOS: "iOS, as designed",
    DeviceModel.WEB: "web, as designed",
    DeviceModel.HYBRID: "hybrid",
    DeviceModel.IOS_AS_BUILT: "iOS, as built",
    DeviceModel.WEB_AS_BUILT: "web, as built",
}
_PATIENCE_S: Final = 2.0

Errors = Callable[[], AbstractContextManager[None]]


def break_even_command(clear_errors: Errors) -> click.Command:
    """Return the verb; `clear_errors` turns what a user can mend into a message and an exit code."""

    @click.command("break-even")
    @click.option("--debounce-ms", type=click.IntRange(0, 60_000), default=500, show_default=True)
    @click.option(
        "--every",
        "intervals_s",
        type=click.FloatRange(min=0.1),
        multiple=True,
        metavar="SECONDS",
        help="A polling interval; may be repeated [default: 5, 10, 30].",
    )
    @click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the writes and jitters.")
    @click.option("--json", "as_json", is_flag=True, help="As one JSON object, with all that was simulated.")
    def command(debounce_ms: int, intervals_s: tuple[float, ...], seed: int, *, as_json: bool) -> None:
        """Tell from how many writes per organization-minute on push costs more requests than polling.

        \b
        Examples:
          loadtests break-even
          loadtests break-even --debounce-ms 1000 --every 15 --json
        """  # noqa: D301 - click's own escape
        with clear_errors():
            curves = _curves(debounce_ms, seed)
            told = intervals_s or INTERVALS_S
            if as_json:
                click.echo(orjson.dumps(break_even_json(curves, told), option=orjson.OPT_INDENT_2))
            else:
                click.echo("\n".join(break_even_lines(curves, told)))

    return command


def one_burst_command(clear_errors: Errors) -> click.Command:
    """Return the verb."""

    @click.command("one-burst")
    @click.option("--events", type=click.IntRange(1, 10_000), default=10, show_default=True, help="All of one job.")
    @click.option("--within-s", type=click.FloatRange(min=0), default=1, show_default=True, help="Evenly spread.")
    @click.option("--debounce-ms", type=click.IntRange(0, 60_000), default=500, show_default=True)
    @click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
    def command(events: int, within_s: float, debounce_ms: int, *, as_json: bool) -> None:
        """Tell what a burst of changes of one job costs each client, beside the least possible and polling.

        \b
        Examples:
          loadtests one-burst
          loadtests one-burst --events 100 --within-s 5 --json
        """  # noqa: D301 - click's own escape
        with clear_errors():
            burst = OneBurst(events=events, within_s=within_s, window_ms=debounce_ms)
            if as_json:
                told: dict[str, Any] = {name: asdict(cost) for name, cost in _keyed(burst)}
                told["least"] = {f"{wait_s:g}s": burst.least(wait_s) for wait_s in _waits_s(burst)}
                click.echo(orjson.dumps({"schema": "loadtests.one-burst/1", **told}, option=orjson.OPT_INDENT_2))
            else:
                click.echo("\n".join(one_burst_lines(burst)))

    return command


def break_even_lines(curves: Iterable[Curve], intervals_s: Iterable[float]) -> list[str]:
    """Return the table, as Markdown: for each client and interval where push stops paying, and where it pays again."""
    each = tuple(intervals_s)
    head = ["", *(f"polling {interval_s:g} s" for interval_s in each)]
    rows = [
        [_NAMES[DeviceModel[own.model.upper()]], *(_range(own, interval_s) for interval_s in each)] for own in curves
    ]
    return [*_markdown(head, rows), "", _READING]


_READING: Final = (
    "Writes per organization-minute beyond which a pushed device makes more requests than a polling one, with the jobs "
    "list open. How many members an organization has moves nothing but the writes: both sides grow with it alike."
)


def _range(own: Curve, interval_s: float) -> str:
    stops = own.stops_paying(interval_s)
    if stops is None:
        return "never" if own.rates[-1].requests else "never (it fetches nothing)"
    again = next((crossing.at for crossing in own.crossings(interval_s) if not crossing.is_loss), None)
    return f"{stops:.1f}" if again is None else f"{stops:.1f}, until it starves at {again:.0f}"


def break_even_json(curves: Iterable[Curve], intervals_s: Iterable[float]) -> dict[str, Any]:
    """Return all that was simulated, and where it crosses polling."""
    each = tuple(intervals_s)
    return {
        "schema": "loadtests.break-even/1",
        "clients": {
            own.model: {
                "stops_paying": {f"{interval_s:g}s": own.stops_paying(interval_s) for interval_s in each},
                "simulated": [
                    {"writes_per_organization_minute": writes, **asdict(rate)}
                    for writes, rate in zip(own.writes, own.rates, strict=True)
                ],
            }
            for own in curves
        },
    }


def one_burst_lines(burst: OneBurst) -> list[str]:
    """Return the table, as Markdown."""
    rows = [[_NAMES[model], *_cells(cost)] for model, cost in burst.clients().items()]
    rows += [
        [f"least possible, each change fetched within {wait_s:g} s", f"{burst.least(wait_s)}", "", ""]
        for wait_s in _waits_s(burst)
    ]
    rows += [[f"polling every {interval_s:g} s", *_cells(burst.polling(interval_s))] for interval_s in POLLING_S]
    return _markdown(["", "refreshes for the burst", "requests in that minute", "last change fetched after"], rows)


def _waits_s(burst: OneBurst) -> tuple[float, ...]:
    """Return the bounds of the least possible: the window, and what the design lets the first change wait."""
    return tuple(sorted({burst.window_ms / 1000, round(burst.designed_wait_s, 9)}))


def _keyed(burst: OneBurst) -> list[tuple[str, BurstCost]]:
    polling = [(f"polling_{interval_s:g}s", burst.polling(interval_s)) for interval_s in POLLING_S]
    return [*((model.key, cost) for model, cost in burst.clients().items()), *polling]


def _cells(cost: BurstCost) -> tuple[str, str, str]:
    last = "never" if cost.last_after_s is None else f"{cost.last_after_s:.2g} s"
    return f"{cost.refreshes:.2g}", f"{cost.in_minute:g}", last


def _curves(debounce_ms: int, seed: int) -> list[Curve]:
    """Return the curve of each client model; what takes longer tells how far it is."""
    began_s = monotonic()
    curves = []
    for done, model in enumerate(PUSHED_MODELS):
        if monotonic() - began_s >= _PATIENCE_S:
            click.echo(f"{done} of {len(PUSHED_MODELS)} client models simulated", err=True)
        curves.append(curve(model, Writing(), window_ns=debounce_ms * NS_PER_MS, seed=seed))
    return curves


def _markdown(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |") for cells in (head, rule, *rows)]
