"""Where a run stands on the map: rows and points from numbers by hand."""

from typing import Any

from reports.figures.break_even import Measured
from reports.metrics import Metrics
from reports.places import measured_points, places_table, stays_table
from reports.wording import NO_NUMBER
from tests.reports.test_break_even import PHASE


def metrics_of(**phases: Any) -> Metrics:
    """Return the metrics of some phases."""
    return Metrics({"break_even": {"phases": phases}})


def sized(members: int, requests: float) -> dict[str, Any]:
    """Return what iOS made in organizations of a size."""
    ios = {**PHASE["clients"]["ios"], "requests_per_device_minute": requests}
    return {**PHASE, "members_per_organization": members, "clients": {"ios": ios}}


SIZES = {**PHASE, "sizes": {"2": sized(2, 40.0), "10": sized(10, 30.0)}}


def test_a_row_for_each_phase_and_client_that_requested_something() -> None:
    """Beside the simulation."""
    table = stays_table(metrics_of(busy=PHASE))

    assert [row[0] for row in table.rows] == ["busy, iOS as designed"]
    assert table.rows[0][1:5] == ("30.0", "30.0", "28.0", "24.0\N{EN DASH}32.0")
    assert table.rows[0][5].startswith("107")
    assert not table.is_folded


def test_a_long_table_is_folded() -> None:
    """Nine phases."""
    assert stays_table(metrics_of(**{f"phase-{number}": PHASE for number in range(9)})).is_folded


def test_a_row_for_each_size_of_organization() -> None:
    """What is outside of the simulation is marked; a client that is not there has no number, one that is idle none."""
    web = {**PHASE["clients"]["ios"], "requests_per_device_minute": 9.0}
    both = {**PHASE["clients"], "web": web}
    table = places_table(metrics_of(busy={**SIZES, "clients": both}))

    assert table.head == ("phase, members", "writes", "iOS as designed")
    assert table.rows == (
        ("busy, 2", "30.0", "40.0 (24.0\N{EN DASH}32.0) !"),
        ("busy, 10", "30.0", "30.0 (24.0\N{EN DASH}32.0)"),
    )
    there = {**sized(10, 30.0), "clients": both}
    assert (
        places_table(metrics_of(busy={**SIZES, "clients": both, "sizes": {"2": sized(2, 40.0), "10": there}})).rows[0][
            3
        ]
        == NO_NUMBER
    )


def test_organizations_that_are_alike_need_no_such_rows() -> None:
    """They stand in the other table."""
    assert places_table(metrics_of(busy=PHASE)).rows == ()
    assert places_table(metrics_of(busy={**PHASE, "sizes": {}})).rows == ()
    assert places_table(Metrics({})).rows == ()


def test_a_point_for_each_size_says_whether_it_was_foreseen() -> None:
    """Without sizes one for the phase; who is not simulated has no such word."""
    assert measured_points(metrics_of(busy=SIZES)) == [
        Measured(model="ios", writes=30.0, requests=40.0, members=2, is_foreseen=False),
        Measured(model="ios", writes=30.0, requests=30.0, members=10, is_foreseen=True),
    ]
    assert [point.is_foreseen for point in measured_points(metrics_of(busy=PHASE))] == [True, None]
