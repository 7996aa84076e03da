"""What a run does not show: said by the report itself, before a reader concludes too much."""

from collections.abc import Mapping
from typing import Final

from loadtests.analysis.quantiles import SAMPLES_NEEDED
from loadtests.scenario.model import Target
from reports.input import ReportInput
from reports.wording import count, counted, duration, interval, sentence

_OF_TARGETS: Final = {
    "embedded": (
        (
            "The target was the embedded pipeline: a real PostgreSQL, jobs API and Realtime-compatible server, but not "
            "the hosted service, whose own timing, limits and network come on top."
        ),
        (
            "Target and load shared one machine and its loopback network. There is no network latency, no packet loss "
            "and no mobile radio in these numbers, and the two compete for the same cores."
        ),
    ),
    "supabase": (
        "The target was somebody's own: what else happened in it meanwhile is not in these numbers.",
        "The load came from one machine over one network path; devices have their own.",
    ),
}
_OF_TRUTH: Final = {
    "rest": "The truth was read through the tables' API, which does not tell commits: they are those of the frames.",
    "agreement": (
        "Nobody could read the database: what none of the subscribers received is not known, nor which frames were no "
        "rows, nor whether screens were right in the end."
    ),
}


def limits(run: ReportInput) -> tuple[str, ...]:
    """Return one sentence for each conclusion that the run does not support."""
    told_by = _OF_TRUTH.get(str(run.metrics.document.get("truth")))
    about_truth = () if told_by is None else (told_by,)
    return (*_OF_TARGETS.get(run.target_kind, ()), *about_truth, *_about_the_load(run), *_about_the_numbers(run))


def _about_the_load(run: ReportInput) -> list[str]:
    scenario, exercised = run.scenario, what_devices_went_through(run)
    told = []
    measured_s = run.metrics.number("population", "duration_s") or 0
    if measured_s < 3600:
        slow = ["leaks of memory", "drift"]
        if not _retention_was_seen(scenario.target, measured_s):
            slow.append("retention")
        if not exercised["expiring tokens"]:
            slow.append("token expiry")
        told.append(f"The measurement lasted {duration(measured_s * 1000)}: too short to show {sentence(slow, 'or')}.")
    unsent, due = (run.metrics.number("mutations", key) for key in ("unsent", "due"))
    if unsent:
        told.append(
            f"Of {counted(due, 'mutation')} that were due, {count(unsent)} were never sent: the load was lighter than "
            "the scenario asked for, and latencies are of what was sent alone."
        )
    over = _of_sessions(run, "over")
    if over:
        told.append(
            f"{counted(over, 'session')} ended in the run, because the accounts' API would not renew them: what their "
            "people's devices missed when the token had expired comes of that."
        )
    told.append("It is one run: how much these numbers vary from run to run is not known from it.")
    if not run.has_subscribers:
        told.append("There were no subscribers, so nothing is known about push.")
    if scenario.pollers:
        told.append(
            "Polling was compared at "
            + sentence([f"every {interval(cohort.name)}" for cohort in scenario.pollers])
            + " only; other intervals cost and wait differently."
        )
    else:
        told.append("There were no pollers, so push is compared with nothing.")
    if run.has_subscribers:
        told += _about_devices(exercised)
    return told


def _about_devices(exercised: Mapping[str, bool]) -> list[str]:
    """Say what devices went through, and what they did not."""
    had = [what for what, happened in exercised.items() if happened]
    lacked = [what for what, happened in exercised.items() if not happened]
    if not had:
        stayed = "Devices stayed in the foreground and online"
        return [f"{stayed}: nothing here is about devices that sleep, lose their network or return."]
    told = f"Of what devices go through, this run had {sentence(had)}"
    return [f"{told}; it says nothing of {sentence(lacked, 'or')}." if lacked else f"{told}."]


def what_devices_went_through(run: ReportInput) -> dict[str, bool]:
    """Return for each thing that can happen to devices whether it did: what was reached, not what was planned."""
    scenario = run.scenario
    warm_up_s = sum(phase.duration_s for phase in scenario.phases if phase.warm_up)
    measured_s = run.metrics.number("population", "duration_s") or 0
    reached_s = warm_up_s + measured_s
    whole = reached_s >= scenario.duration_s - 1
    steps = {step.step for step in scenario.lifecycle if whole or step.at_s < reached_s}
    faults = [fault for fault in scenario.faults if fault.at_s < reached_s]
    connection, looked_away = scenario.subscribers.connection, scenario.subscribers.attention is not None
    return {
        "people who look away and come back": looked_away or {"background", "foreground"} <= steps,
        "people who log in or out": bool(steps & {"login", "logout"}),
        "apps that are killed": "kill" in steps,
        "people who switch organizations": "switch" in steps,
        "lost connections": bool(run.metrics.number("connections", "lost")),
        "expiring tokens": connection.token_lifetime_s < reached_s or bool(_of_sessions(run, "renewed")),
        "planted faults": bool(faults),
    }


def _of_sessions(run: ReportInput, what: str) -> int:
    """Return a count of sessions; older runs tell none."""
    return int((run.metrics.document.get("sessions") or {}).get(what) or 0)


def _retention_was_seen(target: Target, measured_s: float) -> bool:
    """Tell whether events could become so old in the measurement that they were removed."""
    return bool(target.retention_every_s) and target.retention_s + target.retention_every_s < measured_s


def _about_the_numbers(run: ReportInput) -> list[str]:
    told = []
    latency = run.metrics.quantiles("push", "visibility_ms")
    few = {f"p{share * 100:.0f}": needed for share, needed in SAMPLES_NEEDED.items() if latency.n < needed}
    if run.has_subscribers and few:
        told.append(
            f"With {counted(latency.n, 'distinct mutation')} there is no {sentence(list(few))} of push visibility "
            f"({sentence([f'{name} needs {count(needed)}' for name, needed in few.items()])})."
        )
    unexplained = (run.metrics.at("delivery", "causes") or {}).get("unexplained", 0)
    if unexplained:
        told.append(f"{counted(unexplained, 'miss', 'misses')} could not be attributed to a cause.")
    outside = run.metrics.number("delivery", "outside_screen")
    if outside:
        told.append(
            f"{counted(outside, 'pair')} concerned something that was not on the device's screen; "
            "they are counted and left out of visibility."
        )
    return told
