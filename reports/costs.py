"""What devices cost the target, and whether the harness agrees with itself about polling."""

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NO_NUMBER, count, counted, interval, rate, times


def harness_check(metrics: Metrics) -> tuple[str, str, str]:
    """Return the line of the check in the table of health: the cohort that is furthest off, or why there is none."""
    name, bound = "polling, measured ÷ computed", "within 2% of 1"
    cohorts = metrics.keys("polling")
    if not cohorts:
        return name, "not applicable: the scenario has no pollers", bound
    cohorts = tuple(key for key in cohorts if "check" in metrics.keys("polling", key))
    if not cohorts:
        return name, "not applicable: the run was analysed before there was this check", bound
    checks = {key: str(metrics.at("polling", key, "check")) for key in cohorts}
    judged = [key for key, told in checks.items() if told in {"agrees", "differs"}]
    if not judged:
        return name, f"{interval(cohorts[0])}: {checks[cohorts[0]]}", bound
    worst = max(judged, key=lambda key: abs((metrics.number("polling", key, "mean_over_computed") or 0) - 1))
    ratio = times(metrics.number("polling", worst, "mean_over_computed"))
    return name, f"{ratio} ({interval(worst)}), of {len(judged)} of {counted(len(cohorts), 'cohort')}", bound


def cost_table(metrics: Metrics) -> Table:
    """Return what a device costs the target in an hour, by push and by polling."""
    told = [("push", ("push",)), *((f"polling {interval(key)}", ("polling", key)) for key in metrics.keys("polling"))]
    return Table(
        caption="What a device costs the target in an hour",
        head=("", "refreshes", "requests", "answered 304", "MB", "database reads", "API CPU, s", "95% interval"),
        rows=tuple((name, *_hourly(metrics, path)) for name, path in told),
        note="Reads are SQL statements. A 304 spares the body and no statement. CPU is measured CPU per GET, fitted "
        "over the samples of the API's process, times requests.",
    )


def _hourly(metrics: Metrics, path: tuple[str, ...]) -> tuple[str, ...]:
    def hourly(unit: str) -> float | None:
        per_minute = metrics.number(*path, f"{unit}_per_subscriber_minute")
        return None if per_minute is None else 60 * per_minute

    megabytes = hourly("bytes")
    cpu, low, high = (metrics.find(*path, f"api_cpu_s_per_subscriber_hour{end}") for end in ("", "_low", "_high"))
    return (
        rate(hourly("refreshes")),
        rate(hourly("requests")),
        count(metrics.find(*path, "unchanged_answers")),
        rate(None if megabytes is None else megabytes / 1e6),
        count(metrics.find(*path, "database_reads_per_subscriber_hour")),
        NO_NUMBER if cpu is None else f"{cpu:.2f}",
        NO_NUMBER if low is None or high is None else f"{low:.2f} to {high:.2f}",
    )
