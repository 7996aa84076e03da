"""What the keys of `metrics.json` mean that are told of sessions which the run keeps alive."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

SESSION_KEYS: Final[dict[str, _Entry]] = {
    "sessions.people": ("people", "Whose session was renewed at least once; 0 where tokens are minted.", "number"),
    "sessions.renewed": ("renewals", "That gave a fresh access token. Whole run.", "number"),
    "sessions.late": ("renewals", "Of these, when the old token had expired.", "number"),
    "sessions.left_s_min": ("s", "For which the old token was still good at a renewal, at the least.", "number"),
    "sessions.refused": ("attempts", "To renew that failed. Whole run.", "number"),
    "sessions.refused_by_status.<code>": ("attempts", "The same by HTTP status; 0: there was no answer.", "number"),
    "sessions.reasons": ("", "What the accounts' API said, each text once.", "other"),
    "sessions.over": ("sessions", "That ended so: their people are cut off when the token expires.", "number"),
}
"""Unit, meaning and shape of each."""
