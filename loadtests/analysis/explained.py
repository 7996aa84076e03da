"""The life of one event in plain words and as JSON."""

from typing import Any, Final

from loadtests.analysis.explain import Explanation, Stamp, SubscriberPart
from loadtests.analysis.stamps import NEVER, NS_PER_MS, NS_PER_S, UNKNOWN
from loadtests.history.kinds import NOBODY

_CLASSES: Final = {
    "outside": "outside: committed while the device did not live in that organization",
    "duplicate": "duplicate: received twice or more",
    "delivered_once": "delivered once, within the deadline",
    "late": "late: received once, after the deadline",
    "missed_live": "missed while live",
    "missed_healed": "missed while away, and shown in the end all the same",
    "missed_unhealed": "missed while away, and never shown",
}


def lines_of(told: Explanation) -> list[str]:
    """Return the life of an event, a line for each stamp: ms since due, then what happened."""
    of_job = f", job {told.job}" if told.job else ""
    by = f"{told.kind} by mutation {told.mutation}" if told.mutation != NOBODY else "of no mutation of this run"
    zero = "due" if told.mutation != NOBODY else "committed"
    lines = [
        f"event {told.event}: {told.type} in organization {told.organization}{of_job}, {by}",
        f"in ms since {zero}, which was {(told.zero_ns - told.start_ns) / NS_PER_S:.3f} s into the measurement",
    ]
    lines += [told.counted] if told.counted else []
    lines += ["", *(_line(stamp, told.zero_ns) for stamp in told.stamps)]
    lines += ["" for _ in told.classes][:1]
    lines += [f"{count:,} of its subscribers: {_CLASSES[name]}" for name, count in told.classes.items()]
    left = sum(told.classes.values()) - len(told.subscribers)
    if left > 0:
        lines.append(f"the worst {len(told.subscribers)} of them follow; --subscriber N tells of another one")
    for part in told.subscribers:
        lines += ["", *_part(part, told.zero_ns)]
    return lines


def _part(part: SubscriberPart, zero_ns: int) -> list[str]:
    head = f"subscriber {part.device}: {_CLASSES.get(part.delivery, part.delivery)}"
    lines = [f"{head}; cause: {part.cause}" if part.cause else head]
    lines += [f"  {part.pair}"] if part.pair else []
    return lines + [_line(stamp, zero_ns) for stamp in part.stamps]


def _line(stamp: Stamp, zero_ns: int) -> str:
    detail = f"  ({stamp.detail})" if stamp.detail else ""
    return f"  {_when(stamp, zero_ns):>12}  {stamp.what}{detail}"


def _when(stamp: Stamp, zero_ns: int) -> str:
    if stamp.at_ns in {UNKNOWN, NEVER}:
        return "not known" if stamp.at_ns == UNKNOWN else "never"
    return f"{(stamp.at_ns - zero_ns) / NS_PER_MS:+,.1f}"


def json_of(told: Explanation) -> dict[str, Any]:
    """Return the same as JSON: stamps in ms since due, null where not known, "never" where it did not happen."""
    return {
        "event": told.event,
        "type": told.type,
        "organization": told.organization,
        "job": told.job or None,
        "mutation": told.mutation if told.mutation != NOBODY else None,
        "kind": told.kind or None,
        "counted": told.counted or True,
        "zero_s": (told.zero_ns - told.start_ns) / NS_PER_S,
        "stamps": [_stamp_json(stamp, told.zero_ns) for stamp in told.stamps],
        "classes": told.classes,
        "subscribers": [
            {
                "subscriber": part.device,
                "delivery": part.delivery,
                "cause": part.cause or None,
                "pair": part.pair or None,
                "stamps": [_stamp_json(stamp, told.zero_ns) for stamp in part.stamps],
            }
            for part in told.subscribers
        ],
    }


def _stamp_json(stamp: Stamp, zero_ns: int) -> dict[str, Any]:
    at_ms: float | str | None = (stamp.at_ns - zero_ns) / NS_PER_MS
    if stamp.at_ns in {UNKNOWN, NEVER}:
        at_ms = None if stamp.at_ns == UNKNOWN else "never"
    return {"what": stamp.what, "at_ms": at_ms, "detail": stamp.detail or None}
