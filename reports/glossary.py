"""The words of the report: what each number is, in one sentence, for a reader who has not read the design."""

from typing import Final

STAGES: Final = {
    "send_delay": ("send delay", "due → request written"),
    "emission_delay": ("emission delay", "request written → event row committed"),
    "signal_latency": ("signal latency", "event row committed → received by the device"),
    "debounce_wait": ("debounce wait", "received → debounce window over"),
    "queued": ("queued", "debounce window over → re-fetch written"),
    "refresh_latency": ("refresh latency", "re-fetch written → answer complete"),
}
"""Stage of the waterfall → its name, and the stamps that it lies between."""

CLIENTS: Final = {
    "ios": "iOS as designed",
    "web": "Web as designed",
    "hybrid": "Hybrid",
    "ios_as_built": "iOS as built",
    "web_as_built": "Web as built",
}
"""Client model → its name for people."""

TERMS: Final = (
    (
        "visibility latency",
        (
            "From the moment a mutation was due by the load schedule to the end of the first answer after which the"
            " device's screen shows it. It counts from due, not from sent, so that a target that stalls cannot hide"
            " the wait."
        ),
    ),
    (
        "pair",
        (
            "One mutation and one device of the same organization, where the mutation concerns something that is on"
            " the device's screen. A pair that never became visible stays in the distribution as “never”."
        ),
    ),
    (
        "n, pairs",
        (
            "n counts distinct mutations, pairs counts (mutation, device) observations. A p99 needs 1,000 "
            "mutations, a p95 200 and a p90 100; with fewer the report states the maximum instead."
        ),
    ),
    (
        "signal",
        "One event row as received by one subscriber over its WebSocket.",
    ),
    (
        "refresh",
        "Bringing one view up to date because of a flush, a catch-up or a poll. It costs one or more requests.",
    ),
    (
        "stages",
        (
            "What the wait was made of, following the refresh that made the mutation visible. The stages of a pair "
            "add up to its visibility latency; medians of stages do not, so the figure shows mean pairs of "
            "neighbouring rank."
        ),
    ),
    (
        "coalescing ratio",
        (
            "Signals that ask for a refresh ÷ refreshes. Efficiency: the least possible number of refreshes under "
            "the same waits ÷ the actual number; above 100 % the device waited longer than the bound allows."
        ),
    ),
    (
        "missed while live",
        (
            "An event of the device's organization that it did not receive although its channel was live from the "
            "commit to the deadline. Every expected delivery falls into exactly one class, and the classes add up."
        ),
    ),
    (
        "leaked",
        "An event of another organization that a device received.",
    ),
    (
        "phantom",
        "An event that a device received and the database does not hold.",
    ),
    (
        "staleness",
        (
            "How long the oldest change that a device should show and does not has been acknowledged; 0 while its "
            "screen is up to date."
        ),
    ),
    (
        "verdict",
        (
            "Fail: what was measured proves that a gate is violated. Unknown: the measurement was not good enough "
            "to judge. Pass: it was, and every gate held."
        ),
    ),
)
"""Term → definition, in the order in which a reader meets them."""


def stage_name(stage: str) -> str:
    """Return the name of a stage for people."""
    return STAGES[stage][0] if stage in STAGES else stage.replace("_", " ")


def client_name(model: str) -> str:
    """Return the name of a client model for people."""
    return CLIENTS.get(model, model.replace("_", " "))


def stage_span(stage: str) -> str:
    """Return the stamps that a stage lies between; empty for one that this report does not know."""
    return STAGES[stage][1] if stage in STAGES else ""
