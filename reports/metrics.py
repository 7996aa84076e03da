"""Looking things up in `metrics.json`: null is an answer ("no number"), a missing key is a broken contract."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.analysis.results import Quantiles
from reports.wording import NEVER


class MissingMetricError(KeyError):
    """A key that the contract promises is not there. The text names it."""

    def __str__(self) -> str:
        return f"metrics.json has no '{self.args[0]}', which the contract of metrics.json promises"


@dataclass(frozen=True, slots=True)
class Metrics:
    """A read-only view of the document `metrics.json`."""

    document: Mapping[str, Any]

    def at(self, *path: str) -> Any:
        """Return whatever stands at a path; None if it, or something it stands in, is null.

        Raises:
            MissingMetricError: the path is not in the document.

        """
        value: Any = self.document
        for depth, key in enumerate(path, start=1):
            if value is None:
                return None
            if key not in value:
                raise MissingMetricError(".".join(path[:depth]))
            value = value[key]
        return value

    def number(self, *path: str) -> float | None:
        """Return a number; the text "never" is +inf, and what is not finite otherwise is None."""
        return _number(self.at(*path))

    def quantiles(self, *path: str) -> Quantiles:
        """Return a distribution; one without any observation if it is null."""
        value = self.at(*path)
        if value is None:
            return Quantiles(p50=None, p95=None, p99=None, max=None, n=0, pairs=0)
        told = {key: self.number(*path, key) for key in ("p50", "p95", "p99", "max")}
        counts = {key: int(self.number(*path, key) or 0) for key in ("n", "pairs")}
        return Quantiles(
            p50=told["p50"],
            p95=told["p95"],
            p99=told["p99"],
            max=told["max"],
            n=counts["n"],
            pairs=counts["pairs"],
            p90=_number(value.get("p90")),
            never=int(value.get("never") or 0),
            negative=int(value.get("negative") or 0),
        )

    def find(self, *path: str) -> float | None:
        """Return a number that is told beyond the contract; None where there is none."""
        value: Any = self.document
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return _number(value)

    def keys(self, *path: str) -> tuple[str, ...]:
        """Return the keys of an object, in their order; none if it is null."""
        value = self.at(*path)
        return () if value is None else tuple(value)


def _number(value: object) -> float | None:
    if value == NEVER:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)
