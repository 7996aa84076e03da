"""What devices cost the target, and whether the harness agrees with itself about polling."""

from typing import Final

from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NO_NUMBER, count, counted, interval, rate, size, times

_CONDITIONAL: Final = "-conditional"


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


def conditional_polling(metrics: Metrics, interval_s: float) -> str:
    """Say what naming the answer that one has changes, which no count of requests shows: in bytes and in reads.

    With the numbers of a cohort that was measured both ways, of this interval if there is one.
    """
    what = "Conditional polling (304 while nothing has changed) makes as many requests and spares bytes alone"
    cohorts = metrics.keys("polling")
    pairs = [key for key in cohorts if f"{key}{_CONDITIONAL}" in cohorts]
    if not pairs:
        return f"{what}, which `polling-baseline` measures; the embedded API reads its database as often."
    own = f"{interval_s:g}s"
    pair = own if own in pairs else pairs[0]
    plain, spared = (_sent(metrics, ("polling", key)) for key in (pair, f"{pair}{_CONDITIONAL}"))
    return (
        f"{what}: in this run {spared} an hour instead of {plain}, every {interval(pair)}; push "
        f"{_sent(metrics, ('push',))}."
    )


def _sent(metrics: Metrics, path: tuple[str, ...]) -> str:
    """Return bytes of an hour, with database reads where the target tells them."""
    per_minute = metrics.number(*path, "bytes_per_subscriber_minute")
    reads = metrics.find(*path, "database_reads_per_subscriber_hour")
    sent = size(None if per_minute is None else 60 * per_minute)
    return sent if reads is None else f"{sent} ({count(reads)} database reads)"


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
