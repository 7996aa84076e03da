"""Costs per hour and the harness's check, as a reader sees them."""

from typing import Any

from reports.costs import conditional_polling, cost_table, harness_check
from reports.metrics import Metrics
from reports.wording import NO_NUMBER

COST = {
    "refreshes_per_subscriber_minute": 12.0,
    "requests_per_subscriber_minute": 12.0,
    "bytes_per_subscriber_minute": 100_000.0,
}
TOLD = {
    "unchanged_answers": 31,
    "database_reads_per_subscriber_hour": 1440.0,
    "api_cpu_s_per_subscriber_hour": 0.4,
    "api_cpu_s_per_subscriber_hour_low": 0.3,
    "api_cpu_s_per_subscriber_hour_high": 0.55,
}


def checked(**cohorts: tuple[float, str]) -> Metrics:
    """Return the metrics of cohorts with these ratios and checks."""
    polling: dict[str, Any] = {
        name.removeprefix("every_"): {"mean_over_computed": ratio, "check": check}
        for name, (ratio, check) in cohorts.items()
    }
    return Metrics({"polling": polling})


def test_costs_are_told_by_the_hour() -> None:
    """Sixty times what a minute costs; what is not known is a dash."""
    table = cost_table(Metrics({"push": COST, "polling": {"5s-conditional": {**COST, **TOLD}}}))

    assert table.rows[0] == ("push", "720", "720", NO_NUMBER, "6.00", NO_NUMBER, NO_NUMBER, NO_NUMBER)
    assert table.rows[1][0] == "polling 5\u00a0s (conditional)"
    assert table.rows[1][1:] == ("720", "720", "31", "6.00", "1,440", "0.40", "0.30 to 0.55")


def test_conditional_polling_is_told_by_its_bytes_and_reads() -> None:
    """Of the cohort that was measured both ways, at the interval of the map if there is one."""
    reads = {"database_reads_per_subscriber_hour": 1440.0}
    spared = {**COST, **reads, "bytes_per_subscriber_minute": 25_000.0}
    polling = {"2s": COST, "2s-conditional": COST, "5s": {**COST, **reads}, "5s-conditional": spared}
    metrics = Metrics({"push": COST, "polling": polling})

    assert (
        conditional_polling(metrics, 5.0)
        .replace("\u00a0", " ")
        .endswith(
            "in this run 1.50 MB (1,440 database reads) an hour instead of 6.00 MB (1,440 database reads), every 5 s; "
            "push 6.00 MB."
        )
    )
    assert "6.00\u00a0MB an hour instead of 6.00\u00a0MB, every 2\u00a0s" in conditional_polling(metrics, 10.0)


def test_without_such_a_cohort_it_is_told_in_general() -> None:
    """With where to measure it."""
    assert "which `polling-baseline` measures" in conditional_polling(
        Metrics({"push": COST, "polling": {"5s": COST}}), 5.0
    )


def test_the_cohort_that_is_furthest_off_is_named() -> None:
    """Whether it is too slow or too fast."""
    line = harness_check(
        checked(every_2s=(1.001, "agrees"), every_5s=(0.97, "differs"), every_60s=(2, "not applicable: x"))
    )

    assert line == ("polling, measured ÷ computed", "0.970 (5\u00a0s), of 2 of 3\u00a0cohorts", "within 2% of 1")


def test_a_check_that_does_not_apply_says_why() -> None:
    """It is never silently missing."""
    assert harness_check(checked(every_2s=(1.2, "not applicable: 3 of the polls failed")))[1] == (
        "2\u00a0s: not applicable: 3 of the polls failed"
    )
    assert harness_check(Metrics({"polling": {"2s": {}}}))[1].startswith("not applicable: the run was analysed before")
    assert harness_check(checked())[1] == "not applicable: the scenario has no pollers"
