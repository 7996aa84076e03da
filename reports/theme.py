"""The colours, by what they stand for: one value for figures, one CSS variable for the page.

Figures are drawn once, in the light colours; inside the page each colour becomes its CSS variable, so that the same
figure follows a dark screen. Push and polling differ in lightness, hue and line pattern, so they stay apart in
greyscale and for the colour-blind.
"""

from typing import Final

PAPER: Final = "#fefefe"
INK: Final = "#1c232b"
MUTED: Final = "#55606b"
GRID: Final = "#dde2e7"
SHADE: Final = "#eceff2"
PUSH: Final = "#0b5d8c"
PUSH_QUIET: Final = "#a3c4d8"
POLLING: Final = ("#b5541c", "#7a4a8c", "#4d6b2f", "#8a6d1f")

POLLING_DASHES: Final = ((None, None), (6.0, 2.0), (2.0, 1.5), (7.0, 2.0, 1.5, 2.0))
"""On and off lengths of each cohort's line, in line widths; the first is solid."""

CLIENTS: Final[dict[str, tuple[str, tuple[float | None, ...]]]] = {
    "ios": (PUSH, (None, None)),
    "web": (POLLING[1], (6.0, 2.0)),
    "hybrid": (POLLING[2], (7.0, 2.0, 1.5, 2.0)),
    "ios_as_built": (PUSH, (2.0, 1.5)),
    "web_as_built": (POLLING[1], (2.0, 1.5)),
}
"""Colour and line pattern of each client model: a colour for each app, dots for what is coded today."""

CSS_VARIABLES: Final = {
    PAPER: "--paper",
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    SHADE: "--shade",
    PUSH: "--push",
    PUSH_QUIET: "--push-quiet",
    **{colour: f"--polling-{number}" for number, colour in enumerate(POLLING, start=1)},
}


def polling_colour(cohort: int) -> str:
    """Return the colour of the n-th cohort of pollers, counted from 0."""
    return POLLING[cohort % len(POLLING)]


def polling_dashes(cohort: int) -> tuple[float | None, ...]:
    """Return the line pattern of the n-th cohort of pollers, counted from 0."""
    return POLLING_DASHES[(cohort // len(POLLING) + cohort) % len(POLLING_DASHES)]
