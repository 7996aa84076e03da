"""The one recommended setting in words: what it would change, what it makes of the herd, and by which rule.

From the document `replay.json` alone; the rule itself is `loadtests.analysis.laboratory.advice`.
"""

from collections.abc import Mapping
from typing import Any, Final

from reports.wording import NBSP, count, duration, percent, rate

_EDGES: Final = {
    "trailing": "trailing",
    "leading": "leading",
    "leading-and-trailing": "leading and trailing",
    "fixed-window": "fixed window",
    "none": "every event by itself",
    "flush-on-cancel": "restart flushes",
}
_NAMED: Final = {"live": "the live policy", "design": "the design's policy", "hybrid": "the hybrid's policy"}
_CHEAPEST: Final = (
    "the cheapest policy under which screens are no staler than live, neither on average nor at worst, and no more "
    "signals are dropped"
)
Told = Mapping[str, Any]


def recommendation(told: Told) -> str:
    """Return the one setting to choose, and what it would change; or that nothing beats the live one."""
    live, best, herd = told["live"], recommended(told), told.get("herd")
    if best is None:
        kept = (
            "Keep the live policy: no other costs fewer requests without screens being staler, on average or at worst, "
            f"or dropping more signals{_nor_denser(herd)}."
        )
        return " ".join(part for part in (kept, _left_as_it_is(herd, live)) if part)
    peak = f", {_peaks(herd)}" if herd else ""
    said = (
        f"Choose {words_of(best['policy'])}: {_fewer(best, live)}{peak}, screens stale for {_mean(best)} instead of "
        f"{_mean(live)} on average and for {_worst(best)} instead of {_worst(live)} at worst."
    )
    return " ".join(part for part in (said, _price_of_jitter(herd, best), _left_as_it_is(herd, best)) if part)


def rule(told: Told) -> str:
    """Return by which rule that was chosen."""
    herd = told.get("herd")
    if herd is None:
        return f"The rule: {_CHEAPEST}."
    bound = f"to {count(herd['limit_per_100ms'])} or fewer in every draw"
    wanted = (
        f"{bound}, the rate that the scenario chose (`subscribers.peak_per_100ms`), whatever that costs in staleness"
        if herd["is_chosen"]
        else f"{bound}, half of what the live policy makes without jitter, if screens are still no staler than live. "
        "For a rate chosen in `subscribers.peak_per_100ms` jitter is added whatever it costs"
    )
    return (
        f"The rule: {_CHEAPEST}; then the least jitter that brings the densest 100{NBSP}ms {wanted}. Never one whose "
        "herd is denser than live's."
    )


def recommended(told: Told) -> Told | None:
    """Return the policy to choose; None: the live one."""
    name = told["recommended"]
    return next((each for each in told["policies"] if each["policy"] == name), None)


def words_of(policy: str) -> str:
    """Return the name of a policy as people say it: `trailing 500 ms, at most 1 s, by entity`."""
    name, *settings = policy.split(",")
    said = dict(part.split("=", 1) for part in policy.split(",") if "=" in part)
    window = said.get("window_ms")
    if name in _NAMED and settings:
        first = _NAMED[name]
    elif "edge" in said:
        first = _EDGES.get(said["edge"], said["edge"]) + (f" {_length(window)}" if window else "")
    else:
        return policy
    rest = [
        *((f"at most {_length(said['max_wait_ms'])}",) if "max_wait_ms" in said else ()),
        *((f"up to {_length(said['jitter_ms'])} of jitter",) if "jitter_ms" in said else ()),
        *((f"by {said['coalescing'].replace('-', ' ')}",) if "coalescing" in said else ()),
    ]
    return ", ".join([first, *rest])


def _length(told_ms: str) -> str:
    whole_ms = int(told_ms)
    return f"{whole_ms / 1000:g}{NBSP}s" if whole_ms >= 1000 else f"{whole_ms}{NBSP}ms"


def _fewer(best: Told, live: Told) -> str:
    """Say how requests change: a jitter for the herd's sake can leave a few more than live makes."""
    per_minute = "per subscriber and minute"
    if best["refreshes"] == live["refreshes"]:
        return f"as many re-fetches as live ({_rate(live)} {per_minute})"
    change = best["refreshes"] / live["refreshes"] - 1 if live["refreshes"] else 1.0
    way = "fewer" if change < 0 else "more"
    return f"{percent(abs(change))} {way} re-fetches than live ({_rate(best)} instead of {_rate(live)} {per_minute})"


def _peaks(herd: Told) -> str:
    peak, live = count(herd["peak"]), count(herd["live_peak"])
    if peak == live:
        return f"{peak} of them in the densest 100{NBSP}ms, as live"
    return f"{peak} of them in the densest 100{NBSP}ms instead of {live}"


def _price_of_jitter(herd: Told | None, best: Told) -> str:
    """Say what the jitter that was added costs, which is the whole difference to the same policy without it."""
    if not herd or not herd["added_jitter_ms"]:
        return ""
    plain = herd["without_added_jitter"]
    own = next((part.removeprefix("jitter_ms=") for part in plain["policy"].split(",") if "jitter_ms" in part), None)
    less = f"with {_length(own)} of it" if own and own != "0" else "without it"
    return (
        f"The jitter of {_length(str(herd['added_jitter_ms']))} is for the herd: {less} "
        f"{count(plain['peak'])} would come in the densest 100{NBSP}ms, and screens would be stale for {_mean(plain)} "
        f"instead of {_mean(best)} on average and for {_worst(plain)} instead of {_worst(best)} at worst."
    )


def _left_as_it_is(herd: Told | None, best: Told) -> str:
    """Say what is not done about a herd that exceeds what is wanted, and what it would cost."""
    if not herd or herd["is_kept"]:
        return ""
    peak, limit = count(herd["peak"]), count(herd["limit_per_100ms"])
    enough = herd["with_enough_jitter"]
    if enough is None:
        return (
            f"No jitter that was replayed brings its densest 100{NBSP}ms, {peak} re-fetches, to {limit} in every draw."
        )
    return (
        f"Its herd stays as it is, {peak} re-fetches in the densest 100{NBSP}ms: up to "
        f"{_length(str(enough['jitter_ms']))} of jitter would bring that to {count(enough['peak'])}, and leave screens "
        f"stale for {_mean(enough)} instead of {_mean(best)} on average and for {_worst(enough)} instead of "
        f"{_worst(best)} at worst."
    )


def _nor_denser(herd: Told | None) -> str:
    return f", or crowding more re-fetches into one moment than live ({count(herd['live_peak'])})" if herd else ""


def _rate(each: Told) -> str:
    return rate(each["refreshes_per_subscriber_minute"])


def _mean(each: Told) -> str:
    return duration(each["staleness_ms"]["mean"])


def _worst(each: Told) -> str:
    return duration(each["staleness_ms"]["max"])
