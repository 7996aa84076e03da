"""What may stand where a documented path of `metrics.json` has a placeholder, such as `<interval>`.

It knows the placeholders and no key.
"""

import re
from typing import Final

from loadtests.scenario.vocabulary import PUSHED_MODELS

_CLASSES: Final = r"(outside|duplicate|delivered_once|late|missed_live|missed_healed|missed_unhealed)"
_MODELS: Final = "|".join(model.key for model in PUSHED_MODELS)
_PLACEHOLDERS: Final = {
    "told": "(?:push|push_in_background|[^.]+(?:\\.[^.]+)?s(?:-conditional)?)",
    "who": rf"(push|{_MODELS}|\d+(\.\d+)?s(-conditional)?)",
    "use": "(retried|failed|unseen|necessary|overtaken|duplicate|redundant)",
    "bound_of": r"(value|low|high)",
    "radio": "(?:lte|wifi)",
    "interval": r"\d+(\.\d+)?s(-conditional)?",
    "bound": r"\d+(\.\d+)?s",
    "level": r"(entity|request_key|client)",
    "wait": r"(achieved|\d+(\.\d+)?s)",
    "stage": r"(send_delay|emission_delay|signal_latency|debounce_wait|queued|refresh_latency)",
    "reason": r"(pool_exhausted|no_free_job|run_ended)",
    "kind": r"(create|update|archive|flag|document)",
    "code": r"\d+",
    "loss": r"(closed|channel_closed|token_expired|heartbeat_lost|not_live_in_time)",
    "cause": r"[a-z][a-z -]*",
    "jitter": r"\d+",
    "members": r"\d+",
    "phase": r"[a-z0-9][a-z0-9-]*",
    "model": f"({_MODELS})",
    "class": _CLASSES,
    "what": r"(missing|old_revision|evidence_count|archived_but_shown)",
    "delivery": rf"({_CLASSES}|no_event|not_counted)",
    "why": r"(deduped|in_flight|background|ended|nothing_missed|held_off)",
}


def pattern_of(path: str) -> re.Pattern[str]:
    """Return the pattern of a documented path: `<interval>` and its like match what may stand there."""
    parts = re.split(r"<(\w+)>", path)
    return re.compile(
        "".join(_PLACEHOLDERS[part] if index % 2 else re.escape(part) for index, part in enumerate(parts)) + r"\Z"
    )
