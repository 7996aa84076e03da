"""What is said of refreshes that were in vain: a sentence and tables from numbers by hand."""

from typing import Any

from reports.metrics import Metrics
from reports.waste import uses_table, waste_by_kind_table, wasting

USES = ("retried", "failed", "unseen", "necessary", "overtaken", "duplicate", "redundant")
NBSP = "\N{NO-BREAK SPACE}"


def spent(repeated: int = 0, **refreshes: int) -> dict[str, Any]:
    """Return what one kind of device spent, by use: 1 kB and two statements each."""
    told = {use: refreshes.get(use, 0) for use in USES}
    whole = sum(told.values())
    return {
        "refreshes": whole,
        "necessary_share": told["necessary"] / whole if whole else None,
        "repeated_in_flush": repeated,
        **{
            use: {
                "refreshes": number,
                "requests": number,
                "bytes": 1000 * number,
                "database_reads": None if number and use in {"retried", "failed"} else 2 * number,
            }
            for use, number in told.items()
        },
    }


def metrics_of(cohorts: tuple[str, ...] = (), **kinds: dict[str, Any]) -> Metrics:
    """Return the metrics of a run."""
    return Metrics({"waste": kinds, "polling": {name: {} for name in cohorts}})


def test_the_sentence_begins_with_what_was_necessary() -> None:
    """What did not occur is not mentioned."""
    said = wasting(metrics_of(push=spent(necessary=60, redundant=30, failed=10)))

    assert said == (
        f"Of 100{NBSP}refreshes requested in the window for whatever cause, 60{NBSP}% showed something new; "
        f"30{NBSP}% brought nothing new and 10{NBSP}% failed."
    )


def test_what_a_flush_fetched_twice_is_told_within_what_brought_nothing() -> None:
    """It is a part of the redundant ones, which come first."""
    said = wasting(metrics_of(push=spent(20, necessary=50, redundant=30, overtaken=20)))

    assert f"30{NBSP}% brought nothing new (20{NBSP}% fetched what their own flush had just fetched)" in said


def test_where_nothing_was_in_vain_the_sentence_ends_there() -> None:
    """No list of nothing."""
    assert wasting(metrics_of(push=spent(necessary=3))).endswith(f"100{NBSP}% showed something new.")


def test_each_use_that_occurred_is_a_row_with_its_cost() -> None:
    """What failures cost the database is not known."""
    rows = uses_table(metrics_of(push=spent(necessary=60, duplicate=30, retried=10)), is_embedded=True).rows

    assert [row[0].partition(":")[0] for row in rows] == ["necessary", "duplicate", "failed, and requested again"]
    assert rows[1][1:] == ("30", f"30{NBSP}%", f"30.0{NBSP}kB", "60")
    assert rows[2][4] == "\N{EN DASH}"


def test_what_another_target_reads_is_not_known() -> None:
    """The number is that of the embedded API, so the column is not there."""
    table = uses_table(metrics_of(push=spent(necessary=1)), is_embedded=False)

    assert table.head == ("use", "requests", "share", "bytes")
    assert "Database reads" not in table.note


def test_kinds_of_devices_stand_side_by_side() -> None:
    """Columns are the uses that occurred with any of them."""
    kinds = {"ios": spent(necessary=1, redundant=3), "web": spent(), "5s": spent(necessary=1, redundant=9)}
    table = waste_by_kind_table(metrics_of(("5s",), push=spent(necessary=1, redundant=3), **kinds))

    assert table.head == ("", "refreshes", "necessary", "redundant")
    assert table.rows == (
        ("iOS as designed", "4", f"25{NBSP}%", f"75{NBSP}%"),
        (f"polling 5{NBSP}s", "10", f"10{NBSP}%", f"90{NBSP}%"),
    )


def test_one_kind_alone_is_not_compared() -> None:
    """The table of push says it all."""
    assert waste_by_kind_table(metrics_of(push=spent(necessary=1), ios=spent(necessary=1))).rows == ()


def test_a_run_without_refreshes_and_one_that_was_analysed_before_say_nothing() -> None:
    """There is nothing to class, or it was not classed."""
    for metrics in (metrics_of(push=spent()), Metrics({})):
        assert (wasting(metrics), uses_table(metrics, is_embedded=True).rows, waste_by_kind_table(metrics).rows) == (
            "",
            (),
            (),
        )
