"""The run under other refresh policies, as the report tells it: from the document `replay.json` alone.

What a policy would have come to is worked out in `loadtests.analysis.laboratory`; here it only becomes words.
"""

import math
from typing import Final

from reports.advice import Told, recommended, words_of
from reports.exhibit import Exhibit, draw
from reports.figures.policies import Dot, Mark, policies_plate
from reports.glossary import client_name
from reports.input import ReportInput
from reports.table import Table
from reports.wording import NBSP, count, counted, duration, milliseconds, percent, rate, sentence

_COMMAND: Final = "loadtests replay ."
_TITLE: Final = "Requests against staleness, policy by policy"


def policies_exhibit(run: ReportInput) -> Exhibit:
    """Return the chart of all policies with its table; a sentence where nobody has replayed the run."""
    told = run.replayed
    if told is None:
        return Exhibit(
            name="policies",
            title=_TITLE,
            takeaway="What other refresh policies would have cost is not worked out here: the run is large, or no "
            f"re-fetch was answered. `{_COMMAND}` in this directory does it, and the next report shows it.",
        )
    dots = dots_of(told)
    return Exhibit(
        name="policies",
        title=_TITLE,
        takeaway="Each dot is one policy, replayed over the signals of this run: further left "
        "costs fewer requests, further down keeps screens fresher; the line joins what nothing beats in both.",
        alternative="; ".join(
            f"{dot.name.replace(chr(10), ' ')}: {rate(dot.refreshes)} re-fetches per subscriber and minute, stale for "
            f"{duration(dot.stale_ms)} on average"
            for dot in dots
            if dot.mark
        ),
        drawing=draw(policies_plate(dots)),
        table=policies_table(told),
        beneath=(check_table(told),),
    )


def dots_of(told: Told) -> tuple[Dot, ...]:
    """Return every policy as a dot; the live one, the design's and the recommended one are marked."""
    live, design, best = told["live"], told["design"], recommended(told)
    is_same = all(live[key] == design[key] for key in ("refreshes", "staleness_ms", "signals_dropped"))
    marked = [(live, Mark.LIVE, "live, the design's 500 ms" if is_same else "live")]
    if not is_same:
        marked.append((design, Mark.DESIGN, f"the design's 500{NBSP}ms"))
    if best is not None:
        marked.append((best, Mark.RECOMMENDED, f"recommended:\n{words_of(best['policy'])}"))
    plain = [each for each in told["policies"] if best is None or each["policy"] != best["policy"]]
    return (
        *(_dot(each, told) for each in plain if each["refreshes_per_subscriber_minute"] is not None),
        *(
            _dot(each, told, mark=mark, name=name)
            for each, mark, name in marked
            if each["refreshes_per_subscriber_minute"] is not None
        ),
    )


def _dot(each: Told, told: Told, *, mark: Mark | None = None, name: str = "") -> Dot:
    return Dot(
        refreshes=each["refreshes_per_subscriber_minute"],
        stale_ms=each["staleness_ms"]["mean"] or 0.0,
        is_best=each["policy"] in told["front"],
        drops_signals=each["signals_dropped"] > 0,
        mark=mark,
        name=name,
    )


def policies_table(told: Told) -> Table:
    """Return the run, its policy, the design's, and whatever is on the frontier."""
    front = set(told["front"])
    named = [
        ("as recorded", told["recorded"]),
        ("live policy, replayed", told["live"]),
        (f"the design's 500{NBSP}ms", told["design"]),
    ]
    others = sorted(
        (each for each in told["policies"] if each["policy"] in front or each["policy"] == told["recommended"]),
        key=lambda each: -each["refreshes"],
    )
    named += [
        (f"{words_of(each['policy'])}{' ◄' if each['policy'] == told['recommended'] else ''}", each) for each in others
    ]
    return Table(
        caption="Refresh policies",
        head=(
            "policy",
            "re-fetches per subscriber-minute",
            "stale, mean ms",
            "p95",
            "max",
            "shown after, p50 ms",
            "p95",
            "max",
            "signals dropped",
        ),
        rows=tuple((name, *_figures(each)) for name, each in named),
        note=f"{count(told['signals'])} signals of {counted(told['subscribers'], 'subscriber')} under "
        f"{count(len(told['policies']) + 2)} policies, chance drawn with seed {told['seed']}. Listed is what nothing "
        "beats in both requests and mean staleness; ◄ is recommended. Staleness counts from the receipt of a signal, "
        f"because what comes before no policy changes. `{_COMMAND}` prints the same.",
    )


def _figures(each: Told) -> tuple[str, ...]:
    stale, shown = each["staleness_ms"], each["shown_after_ms"]
    ages = (stale["mean"], stale["p95"], stale["max"], shown["p50"], shown["p95"], shown["max"])
    return (_rate(each), *map(_ms, ages), count(each["signals_dropped"]))


def check_table(told: Told) -> Table:
    """Return how the replay of the live policy compares with what was recorded."""
    check = told["check"]
    deviation = check["deviation"]
    verdict = "Within 1 %" if check["is_faithful"] else "Not within 1 %"
    because = sentence(check["reasons"]) or "nothing that is recorded explains it"
    return Table(
        caption="Is the replay true? Re-fetches as recorded, and as the live policy's replay makes them",
        head=("client model", "recorded", "replayed"),
        rows=(
            *(
                (client_name(name), count(own["recorded"]), count(own["replayed"]))
                for name, own in check["by_model"].items()
            ),
            ("all", count(check["recorded"]), count(check["replayed"])),
        ),
        note=f"{verdict}, client model by client model"
        f"{'' if deviation is None else f'; all together differ by {_signed(deviation)}'}."
        + ("" if check["is_faithful"] else f" What may be why: {because}."),
    )


def _rate(each: Told) -> str:
    return rate(each["refreshes_per_subscriber_minute"])


def _ms(value: float | str | None) -> str:
    return milliseconds(math.inf if isinstance(value, str) else value)


def _signed(share: float | None) -> str:
    if share is None:
        return percent(None)
    return f"+{percent(share)}" if share > 0 else percent(share)
