"""Delivery and truth: was anything lost, is every screen right, did anything cross over, and what tells of it.

Each statement is true, false or unknown with its numbers. What was lost for certain makes it false however much else
is unknown. What does not exist in a run is a sentence, never an empty table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtests.checks.gates import Outcome
from reports.causes import CLASSES, cause_table, explain_command
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.upstream import silent_table
from reports.wording import MINUS, NBSP, NO_NUMBER, count, counted, sentence

WORDS: Final = {Outcome.PASS: "true", Outcome.FAIL: "false", Outcome.UNKNOWN: "unknown"}
_WRONG: Final = {
    "missing": "missing",
    "old_revision": "in an old version",
    "evidence_count": "without all of its documents",
    "archived_but_shown": "archived, but shown",
}
_NO_CLASS: Final = {
    "no_event": "no event of this run",
    "not_counted": "not in the account: of the warm-up, or a poller",
}
_EXAMPLES: Final = 10
"""So many differences are shown."""
_RECEIVED: Final = ("delivered_once", "late", "duplicate")
_UNTOLD: Final = (
    "The database does not tell which jobs are archived, or how many documents one has: whether any screen differs is "
    "not known."
)
_MISSED: Final = ("missed_live", "missed_healed", "missed_unhealed")


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim, whether it holds, and the numbers that say so."""

    claim: str
    outcome: Outcome
    told: str

    @property
    def word(self) -> str:
        """The outcome in a word."""
        return WORDS[self.outcome]


@dataclass(frozen=True, slots=True)
class Truth:
    """The section: statements, and what stands beneath them in reading order."""

    statements: tuple[Statement, ...]
    parts: tuple[Table | str, ...]


def truth(run: ReportInput) -> Truth:
    """Return what is to be said of delivery and truth."""
    metrics = run.metrics
    return Truth(
        statements=(nothing_was_lost(metrics), every_screen_is_right(metrics)),
        parts=(
            *_causes(metrics),
            *_differences(metrics, subscribers=run.scenario.subscribers.count),
            *_leaks(metrics),
            *_silent(metrics),
        ),
    )


def nothing_was_lost(metrics: Metrics) -> Statement:
    """Judge whether each device was told of, or was shown, everything that happened while it was logged in."""
    classes = {key: metrics.number("delivery", key) for key in (*_RECEIVED, *_MISSED, "outside")}
    expected, unannounced = metrics.number("delivery", "expected"), metrics.number("mutations", "without_event")
    lost = (metrics.number("delivery", "lost") or 0) + (unannounced or 0)
    known = [value for value in classes.values() if value is not None]
    adds_up = len(known) == len(classes) and sum(known) == expected
    if lost:
        outcome = Outcome.FAIL
    elif not expected or unannounced is None or not adds_up:
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.PASS
    return Statement("Nothing was lost", outcome, " ".join(_of_losses(metrics, classes, adds_up=adds_up)))


def _of_losses(metrics: Metrics, classes: Mapping[str, float | None], *, adds_up: bool) -> list[str]:
    expected = metrics.number("delivery", "expected")
    if not expected:
        return ["No delivery was expected of anybody."]
    owed = expected - (classes["outside"] or 0)
    received = sum(classes[key] or 0 for key in _RECEIVED)
    late = [f"{count(classes[key])} {CLASSES[key]}" for key in ("late", "duplicate") if classes[key]]
    missed = [f"{count(classes[key])} {CLASSES[key]}" for key in _MISSED if classes[key]]
    came = f"{count(received)} received" + (f" ({sentence(late)})" if late else "")
    owed_to = f"Of {counted(owed, 'delivery', 'deliveries')} owed to devices that were logged in"
    told = [f"{owed_to}: {', '.join([came, *missed])}."]
    if healed := metrics.number("delivery", "live_healed"):
        told.append(f"Of those missed while live, {count(healed)} were shown in the end all the same.")
    if beyond := metrics.number("delivery", "missed_unhealed_outside_screen"):
        told.append(f"Of those never healed, {count(beyond)} concern what no page of the device shows.")
    if left := metrics.number("delivery", "missed_unhealed_left"):
        told.append(
            f"Of those never healed, {count(left)} had nobody to show: the device had left before others were told."
        )
    unannounced = metrics.number("mutations", "without_event")
    if unannounced is None:
        told.append("What the database holds was not read: whether each change was announced is not known.")
    elif unannounced:
        told.append(f"{counted(unannounced, 'acknowledged change')} nobody was told of.")
    else:
        told.append("Each acknowledged change was announced by an event.")
    return told if adds_up else [*told, "The classes do not add up to what was expected: do not rely on them."]


def every_screen_is_right(metrics: Metrics) -> Statement:
    """Judge whether each screen showed in the end what the database holds."""
    views, wrong, jobs = (metrics.number("convergence", key) for key in ("views", "wrong_views", "wrong_jobs"))
    if wrong:
        outcome = Outcome.FAIL
        told = f"{counted(wrong, 'screen')} of {count(views)} differed from the database after the drain"
        by_what = metrics.at("convergence", "differences", "by_what")
        kinds = [f"{counted(number, 'job')} {_WRONG[what]}" for what, number in by_what.items() if number]
        told += f", in {counted(jobs, 'place')}: {sentence(kinds)}."
    elif wrong is None:
        outcome, told = Outcome.UNKNOWN, _UNTOLD if views else "What the database holds in the end was not read."
    elif not views:
        outcome, told = Outcome.UNKNOWN, "There was no screen to compare with the database."
    else:
        outcome = Outcome.PASS
        told = f"{counted(views, 'screen')} compared with the database after the drain: none differed."
    if away := metrics.number("convergence", "away_views"):
        told += f" {counted(away, 'device')} not compared: logged out, or nobody looked."
    if beyond := metrics.number("convergence", "beyond_page"):
        told += (
            f" {counted(beyond, 'job')} of devices that had been away left page 1 before they came back: no catch-up "
            "of one page shows them."
        )
    return Statement("Every screen is right", outcome, told)


def _causes(metrics: Metrics) -> tuple[Table | str, ...]:
    table = cause_table(metrics)
    if table.rows:
        return (table,)
    return ("No delivery was missed or late.",) if metrics.number("delivery", "expected") else ()


def _differences(metrics: Metrics, *, subscribers: int) -> tuple[Table | str, ...]:
    told = metrics.at("convergence", "differences")
    if told is None or not told["total"]:
        return ()
    return (
        Table(
            caption="Screens that differ from the database, and the event that should have put each right",
            head=("job", "on device", "which is", "its event was", "its whole story"),
            rows=tuple(_difference(each, subscribers) for each in told["examples"][:_EXAMPLES]),
            words=frozenset({2, 3}),
            code=frozenset({4}),
            note=_shown_of(min(len(told["examples"]), _EXAMPLES), told["total"])
            + "By what became of the event: "
            + sentence([f"{_class(key)} {count(number)}" for key, number in told["by_delivery"].items()])
            + ". Commits count from the start of the measurement.",
        ),
    )


def _difference(each: Mapping[str, Any], subscribers: int) -> tuple[str, ...]:
    event, device, became = each["event"], int(each["device"]), _class(each["delivery"])
    committed = each["committed_s"]
    return (
        str(each["job"]),
        str(device),
        _WRONG[each["what"]],
        became if committed is None else f"{became}; committed {_seconds(committed)}{NBSP}s",
        explain_command(event, device if device < subscribers else None) if event else "",
    )


def _class(key: str) -> str:
    return CLASSES.get(key) or _NO_CLASS[key]


def _leaks(metrics: Metrics) -> tuple[Table | str, ...]:
    signals, answers = (metrics.number("delivery", key) for key in ("leaked", "leaked_answers"))
    examples = metrics.at("delivery", "leaks", "examples") or ()
    if not signals and not answers:
        return ("Nothing of one organization reached a device of another.",) if signals is not None else ()
    told = f"{counted(signals, 'signal')} and {counted(answers, 'answer')} of one organization reached a device that "
    return (
        f"{told}was in another.",
        Table(
            caption="Leaks, by name",
            head=("path", "of organization", "to device", "in organization", "at, s", "job", "its whole story"),
            rows=tuple(
                (
                    str(each["path"]),
                    str(each["of_organization"]),
                    str(each["subscriber"]),
                    str(each["in_organization"]),
                    _seconds(each["at_s"]),
                    str(each.get("job") or NO_NUMBER),
                    explain_command(each["event"]) if each["event"] else "",
                )
                for each in examples
            ),
            words=frozenset({5}),
            code=frozenset({6}),
            note=_shown_of(len(examples), int((signals or 0) + (answers or 0)))
            + "Stamps count from the start of the measurement.",
        ),
    )


def _silent(metrics: Metrics) -> tuple[Table, ...]:
    table = silent_table(metrics)
    return (table,) if table.rows else ()


def _shown_of(shown: int, total: int) -> str:
    return f"{count(shown)} of {count(total)} are shown. " if shown < total else ""


def _seconds(value: float | None) -> str:
    return NO_NUMBER if value is None else f"{value:,.3f}".replace("-", MINUS)
