"""What the keys of `metrics.json` mean that tell what devices cost the target, and how the harness checks itself."""

from typing import Final, Literal

_Entry = tuple[str, str, Literal["number", "quantiles", "other"]]

_ABOUT: Final = {"push": "Subscribers", "polling.<interval>": "Pollers", "clients.<model>": "Subscribers of this model"}
_CPU: Final = "api_cpu_s_per_subscriber_hour"

COST_KEYS: Final[dict[str, _Entry]] = {
    **{
        f"{told}.{key}": (unit, f"{whose}: {meaning}", "number")
        for told, whose in _ABOUT.items()
        for key, unit, meaning in (
            ("unchanged_answers", "answers", "304, nothing has changed: without a body, and counted with 0 bytes."),
            (
                "database_reads_per_subscriber_hour",
                "1/h",
                "SQL statements for a device's answered requests, as the target tells of each; null if it does not.",
            ),
        )
    },
    **{
        f"{told}.{_CPU}{end}": ("s/h", f"{_ABOUT[told]}: {meaning}", "number")
        for told in ("push", "polling.<interval>")
        for end, meaning in (
            ("", "CPU of the jobs API for a device's requests: api_cpu.ms_per_get times requests; null if that is."),
            ("_low", "lower end of its 95% interval."),
            ("_high", "upper end."),
        )
    },
    "api_cpu.ms_per_get": (
        "ms",
        (
            "CPU of the jobs API per GET: least squares of its use between two samples on the GETs and mutations that "
            "ended there and on the time. Null for an external target, below 20 samples, or when these do not vary "
            "apart."
        ),
        "number",
    ),
    "api_cpu.ms_per_get_low": ("ms", "Lower end of the 95% interval, at least 0.", "number"),
    "api_cpu.ms_per_get_high": ("ms", "Upper end, at most all CPU ÷ all GETs.", "number"),
    "api_cpu.samples": ("samples", "Stretches between two samples of the process in the window.", "number"),
    "polling.<interval>.computed_pairs": ("pairs", "Seen, and so compared with what is computed.", "number"),
    "polling.<interval>.check": (
        "",
        (
            "Whether mean_over_computed is within 2% of 1: agrees, differs, or not applicable and why (below 30 pairs; "
            "failed polls; 95% of the polls do not end within 2% of the interval)."
        ),
        "other",
    ),
    "health.remarks": ("", "What is odd about the harness and does not touch the verdict.", "other"),
}
"""Unit, meaning and shape of each."""
