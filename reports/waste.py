"""What refreshes were good for: a sentence, and tables of each use with what it cost."""

from typing import Final

from reports.glossary import client_name
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import count, counted, interval, percent, sentence, size

_USES: Final = {
    "necessary": "necessary: showed something new",
    "redundant": "redundant: nothing new, alone under way",
    "overtaken": "overtaken: nothing new, and a newer one was under way when it was answered",
    "duplicate": "duplicate: nothing new, and an older one was under way when it was requested",
    "retried": "failed, and requested again",
    "failed": "failed, and not requested again",
    "unseen": "answered when the device had left",
}
_FRUITLESS: Final = {
    "redundant": "brought nothing new",
    "overtaken": "were overtaken by a newer one",
    "duplicate": "repeated one that was under way",
    "retried": "failed and were requested again",
    "failed": "failed",
    "unseen": "were answered to nobody",
}
_HEADS: Final = {"retried": "failed, requested again", "failed": "failed for good", "unseen": "device had left"}


def wasting(metrics: Metrics) -> str:
    """Say in one sentence how many refreshes were necessary, and what the others were; empty where nothing is known."""
    requested = metrics.number("waste", "push", "refreshes") if "waste" in metrics.document else None
    if not requested:
        return ""
    others = [
        f"{percent(told / requested)} {words}"
        for use, words in _FRUITLESS.items()
        if (told := metrics.number("waste", "push", use, "refreshes"))
    ]
    repeated = metrics.number("waste", "push", "repeated_in_flush")
    if repeated:
        others[0] += f" ({percent(repeated / requested)} fetched what their own flush had just fetched)"
    necessary = percent(metrics.number("waste", "push", "necessary_share"))
    asked = counted(requested, "refresh", "refreshes")
    whole = f"Of {asked} requested in the window for whatever cause, {necessary} showed something new"
    return f"{whole}; {sentence(others)}." if others else f"{whole}."


def uses_table(metrics: Metrics, *, is_embedded: bool) -> Table:
    """Return what became of push's refreshes and what each use cost; uses that did not occur are left out.

    What a target that is not embedded reads from its database is not known, and has no column.
    """
    requested = metrics.number("waste", "push", "refreshes") if "waste" in metrics.document else None
    rows = []
    for use, words in _USES.items() if requested else ():
        path = ("waste", "push", use)
        refreshes = metrics.number(*path, "refreshes")
        if not refreshes or not requested:
            continue
        rows.append(
            (
                words,
                count(metrics.number(*path, "requests")),
                percent(refreshes / requested),
                size(metrics.number(*path, "bytes")),
                *([count(metrics.number(*path, "database_reads"))] if is_embedded else []),
            )
        )
    note = (
        "All refreshes of subscribers in the window, each with one use. New is what the device's view of its jobs did "
        "not have: a detail that follows a list which told the same shows nothing new. Bytes are those of the answers."
    )
    if is_embedded:
        note += " Database reads are the statements that the jobs API told with them, not known where requests failed."
    return Table(
        caption="What refreshes were good for",
        head=("use", "requests", "share", "bytes", *(["database reads"] if is_embedded else [])),
        rows=tuple(rows),
        note=note,
    )


def waste_by_kind_table(metrics: Metrics) -> Table:
    """Return the shares by client model and polling cohort; empty unless there are two to compare."""
    kinds = [
        kind
        for kind in (metrics.keys("waste") if "waste" in metrics.document else ())
        if kind != "push" and metrics.number("waste", kind, "refreshes")
    ]
    uses = [use for use in _USES if any(metrics.number("waste", kind, use, "refreshes") for kind in kinds)]
    rows = [
        (
            f"polling {interval(kind)}" if kind in metrics.keys("polling") else client_name(kind),
            count(metrics.number("waste", kind, "refreshes")),
            *(_share(metrics, kind, use) for use in uses),
        )
        for kind in kinds
    ]
    return Table(
        caption="What refreshes were good for, by kind of device",
        head=("", "refreshes", *(_HEADS.get(use, use) for use in uses)),
        rows=tuple(rows) if len(rows) > 1 else (),
        note="Shares of the refreshes of each kind; uses as in the table of push.",
    )


def _share(metrics: Metrics, kind: str, use: str) -> str:
    requested, of_use = metrics.number("waste", kind, "refreshes"), metrics.number("waste", kind, use, "refreshes")
    return percent(None if not requested or of_use is None else of_use / requested)
