"""What a debounce lives on: gaps by hand."""

import numpy as np
import pytest

from loadtests.analysis.laboratory.quiet import LivesOn, Quiet, read_quiet
from loadtests.analysis.laboratory.starvation import Batches

MS = 1_000_000
WINDOW_NS = 500 * MS


def quiet_of(*received_ms: float, waited_ms: tuple[int, ...] = (500,)) -> Quiet:
    """Return the account of one device that received at these times, and whose batches waited so long."""
    waited = np.array([value * MS for value in waited_ms], dtype=np.int64)
    nothing = np.zeros(len(waited), dtype=np.int64)
    batches = Batches(
        device=nothing,
        signal=nothing,
        first_ns=nothing,
        last_ns=nothing,
        ended_ns=waited,
        is_flushed=np.ones(len(waited), dtype=np.bool_),
    )
    at_ns = np.array([round(value * MS) for value in received_ms], dtype=np.int64)
    among = np.ones(len(waited), dtype=np.bool_)
    return read_quiet(np.zeros(len(at_ns), dtype=np.int64), at_ns, batches, among, window_ns=WINDOW_NS)


def test_batches_526_ms_apart_leave_a_margin_of_26_ms() -> None:
    """A polling feed on a quiet database: each of its batches holds three rows, 1 ms apart."""
    quiet = quiet_of(*(526 * poll + row for poll in range(30) for row in range(3)))

    assert (quiet.gaps, quiet.ending, quiet.narrow) == (29, 29, 29)
    assert quiet.margin_ms_p5 == pytest.approx(24.0)
    assert quiet.lives_on is LivesOn.CADENCE


def test_changes_that_are_seconds_apart_leave_quiet_times() -> None:
    """Every 3 s."""
    quiet = quiet_of(*(3000 * number for number in range(30)))

    assert quiet.narrow_share == 0
    assert quiet.margin_ms_p50 == 2500
    assert quiet.lives_on is LivesOn.QUIET


def test_a_window_that_never_passes_starves() -> None:
    """Every 300 ms: no gap ends it, and what was flushed in the end waited for nine seconds."""
    quiet = quiet_of(*(300 * number for number in range(30)), waited_ms=(9000,))

    assert quiet.ending == 0
    assert quiet.lives_on is LivesOn.NOTHING


def test_a_few_gaps_say_nothing() -> None:
    """Nineteen are too few."""
    quiet = quiet_of(*(526 * number for number in range(20)))

    assert quiet.ending == 19
    assert (quiet.lives_on, quiet.margin_ms_p5) == (None, None)
