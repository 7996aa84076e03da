"""Energy as a table."""

from reports.battery import battery_exhibits, battery_table
from reports.input import ReportInput
from reports.metrics import Metrics


def radio(joules: float) -> dict[str, float]:
    """Return the metrics of one radio."""
    return {"joules_per_hour": joules, "battery_share_per_hour": joules / 43_200, "wakeups_per_hour": 12, "on_share": 1}


def test_each_way_of_being_told_is_a_row() -> None:
    """LTE first, then Wi-Fi."""
    told = {name: {"lte": radio(3816.0), "wifi": radio(43.2)} for name in ("push", "push_in_background", "5s")}

    rows = battery_table(Metrics({"battery": told})).rows

    assert [row[0] for row in rows] == ["push", "push in background", "polling 5\N{NO-BREAK SPACE}s"]
    assert rows[0][1] == "3,816"
    assert rows[0][2].startswith("8.8")
    assert rows[0][6].startswith("0.1")


def test_a_run_that_was_analysed_before_has_no_table() -> None:
    """It did not know of batteries."""
    assert battery_table(Metrics({})).rows == ()


def test_a_quiet_hour_is_told_in_joules(full_run: ReportInput) -> None:
    """Over LTE heartbeats every 25 s take about half of what polling every 5 s does, and more than every 30 s."""
    (hour,) = battery_exhibits(full_run)

    assert "one in 25\N{NO-BREAK SPACE}s" in hour.takeaway
    assert hour.table is not None
    joules = {row[0]: float(row[1].replace(",", "")) for row in hour.table.rows}
    assert joules["polling 30\N{NO-BREAK SPACE}s"] < joules["push"] < 0.51 * joules["polling 5\N{NO-BREAK SPACE}s"]
    assert hour.drawing is not None


def test_a_run_in_which_nothing_was_fetched_has_no_quiet_hour(empty_run: ReportInput) -> None:
    """There were no devices to tell of."""
    assert battery_exhibits(empty_run) == ()
