"""Where the devices were: live, away, cut off and logged out, stacked over time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from loadtests.analysis.results import States
from reports.figures.canvas import Panels, Plate, Shape
from reports.figures.timeline import MOST_BINS, dress_time
from reports.theme import GRID, MUTED, POLLING, PUSH, PUSH_QUIET

NAMES = {
    "live": ("live", PUSH),
    "away": ("away, in the background", PUSH_QUIET),
    "not_live": ("looked at, but not live", POLLING[0]),
    "logged_out": ("logged out", GRID),
}
"""Each state, from the bottom of the stack to its top: its name and colour."""


def widen_states(states: States, most: int = MOST_BINS) -> States:
    """Return the states in at most `most` bins, each the mean of those that it joins."""
    bins = len(states.begin_s)
    factor = -(-bins // most)
    if factor <= 1:
        return states
    starts = np.arange(0, bins, factor)
    sizes = np.diff(np.append(starts, bins))

    def joined(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.add.reduceat(counts, starts) / sizes

    return States(
        bin_s=states.bin_s * factor,
        begin_s=states.begin_s[starts],
        live=joined(states.live),
        away=joined(states.away),
        not_live=joined(states.not_live),
        logged_out=joined(states.logged_out),
    )


def states_plate(states: States) -> Plate:
    """Return the figure; the states should be drawable as they are (see `widen_states`)."""

    def plot(panels: Panels, shape: Shape) -> None:
        plot_states(panels[0], states, shape)

    return Plate(name="states", plot=plot, height=lambda shape: 330 if shape is Shape.WIDE else 340)


def plot_states(axes: Axes, states: States, shape: Shape) -> None:
    """Draw one layer for each state that any device was in."""
    edges = np.append(states.begin_s, states.begin_s[-1] + states.bin_s)
    below = np.zeros(len(states.begin_s))
    layers = []
    for key, (name, colour) in NAMES.items():
        counts: NDArray[np.float64] = getattr(states, key)
        if not counts.any():
            continue
        axes.stairs(below + counts, edges, baseline=below, fill=True, color=colour, linewidth=0)
        layers.append(Patch(facecolor=colour, edgecolor="none", label=name))
        below = below + counts
    # The stack hides the shade of the warm-up: it is named, and shows, above.
    devices = max(float(below.max()), 1.0)
    axes.set_ylim(0, devices * (1.14 if edges[0] < 0 else 1.0))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.legend(
        handles=layers,
        title="devices",
        alignment="left",
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(layers) if shape is Shape.WIDE else 1,
        frameon=False,
        borderaxespad=0.3,
        borderpad=0.2,
        handlelength=1.0,
        handleheight=1.0,
        labelcolor=MUTED,
        fontsize=13,
    )
    dress_time([axes], edges, shape, warm_up_at=devices)
