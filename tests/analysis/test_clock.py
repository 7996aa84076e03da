"""The database's clock on ours, with its bound."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.clock import fit_clock
from loadtests.analysis.stamps import UNKNOWN
from loadtests.history.history import History
from loadtests.history.kinds import Kind

MS = 1_000_000
S = 1_000_000_000
OFFSET_NS = 1_700_000_000 * S


def exchange(at_ns: int, wall_ns: int, half_ns: int) -> dict[str, int]:
    """Return one exchange."""
    return {"kind": Kind.CLOCK, "at_ns": at_ns, "value": wall_ns, "due_ns": half_ns}


def test_a_constant_offset_is_taken_off_exactly() -> None:
    """Three exchanges of 0.2 ms each: the bound is half of one."""
    history = History.from_rows([exchange(at, at + OFFSET_NS, MS // 10) for at in (5 * S, 9 * S, 12 * S)])

    clock = fit_clock(history)

    assert clock.monotonic_ns(np.array([OFFSET_NS + 7 * S, 0])).tolist() == [7 * S, UNKNOWN]
    assert clock.bound_ms == 0.1
    assert clock.drift == 0.0


def test_slow_exchanges_do_not_widen_the_bound() -> None:
    """One exchange took 40 ms and was 15 ms wrong; the others know better."""
    rows = [exchange(at * S, at * S + OFFSET_NS, MS // 10) for at in range(5, 45)]
    rows.append(exchange(7 * S + 5, 7 * S + OFFSET_NS + 15 * MS, 20 * MS))

    clock = fit_clock(History.from_rows(rows))

    assert clock.bound_ms is not None
    assert clock.bound_ms < 0.11


def test_clocks_that_were_never_compared_place_nothing() -> None:
    """No exchange: no bound, and no wall stamp is known."""
    clock = fit_clock(History.from_rows([{"kind": Kind.PHASE, "at_ns": 0}]))

    assert clock.bound_ms is None
    assert clock.monotonic_ns(np.array([OFFSET_NS])).tolist() == [UNKNOWN]


@given(
    st.integers(-80 * MS, 80 * MS),
    st.floats(-50e-6, 50e-6),
    st.lists(st.tuples(st.integers(10_000, 2 * MS), st.floats(-1, 1)), min_size=30, max_size=60),
)
def test_the_truth_stays_within_the_bound_despite_drift(
    offset_ns: int, drift: float, exchanges: list[tuple[int, float]]
) -> None:
    """An offset of up to 80 ms and a drift of up to 50 ppm, read with an error within half of each exchange."""
    moments = [(100 + number) * S for number in range(len(exchanges))]
    wall = [at + OFFSET_NS + offset_ns + round(drift * (at - moments[0])) for at in moments]
    rows = [
        exchange(at, told + round(half * error), half)
        for at, told, (half, error) in zip(moments, wall, exchanges, strict=True)
    ]

    clock = fit_clock(History.from_rows(rows))

    assert clock.bound_ns is not None
    wrong_ns = np.abs(clock.monotonic_ns(np.array(wall)) - np.array(moments))
    assert wrong_ns.max() <= clock.bound_ns + 2


def test_where_nobody_may_ask_mutations_are_exchanges() -> None:
    """The event's `created_at` lies between request and answer: 4 ms, so the bound is 2 ms."""
    rows = []
    for number, sent_ns in enumerate((5 * S, 9 * S, 12 * S)):
        created_ns = OFFSET_NS + sent_ns + 2 * MS
        rows += [
            {"kind": Kind.SENT, "at_ns": sent_ns, "actor": number},
            {"kind": Kind.ACKED, "at_ns": sent_ns + 4 * MS, "actor": number},
            {"kind": Kind.TRUE_EVENT, "at_ns": 20 * S, "revision": number, "value": created_ns, "entity": number},
        ]

    clock = fit_clock(History.from_rows(rows, ["e0", "e1", "e2"]))

    assert clock.monotonic_ns(np.array([OFFSET_NS + 7 * S])).tolist() == [7 * S]
    assert clock.bound_ms == 2.0
