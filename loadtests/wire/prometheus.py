"""The text form in which a server tells its Prometheus metrics, version 0.0.4.

Pure; knows no server and no name of a metric. Timestamps and exemplars are passed over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{.*\})?\s+(\S+)(?:\s+-?\d+)?\s*(?:#.*)?")
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?\s*')
_ESCAPED: Final = re.compile(r"\\(.)")


class MalformedMetrics(ValueError):  # noqa: N818 - what the text is
    """A line that is neither a comment nor a sample. The text shows it."""


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: a name and its labels."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    """Label and value, in alphabetical order."""

    def label(self, name: str) -> str:
        """Return the value of a label; empty if it has none."""
        return dict(self.labels).get(name, "")

    def __str__(self) -> str:
        """Return it as the text form writes it."""
        if not self.labels:
            return self.name
        labels = ",".join(f'{label}="{_escape(value)}"' for label, value in self.labels)
        return f"{self.name}{{{labels}}}"


def read_metrics(text: str) -> Iterator[tuple[Series, float]]:
    """Yield each sample.

    Raises:
        MalformedMetrics: a line is no sample.

    """
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        sample = _SAMPLE.fullmatch(stripped)
        if sample is None:
            raise MalformedMetrics(f"no sample: {line!r}")
        name, labels, value = sample.groups()
        try:
            yield Series(name, _read_labels(labels or "{}", line)), float(value)
        except ValueError as error:
            raise MalformedMetrics(f"no sample: {line!r}") from error


def read_series(text: str) -> Series:
    """Return the series that `str` of one has written.

    Raises:
        MalformedMetrics: the text is none.

    """
    ((series, _),) = read_metrics(f"{text} 0")
    return series


def _read_labels(text: str, line: str) -> tuple[tuple[str, str], ...]:
    inside, labels, position = text[1:-1].strip(), dict[str, str](), 0
    while position < len(inside):
        label = _LABEL.match(inside, position)
        if label is None:
            raise MalformedMetrics(f"no labels: {line!r}")
        labels[label[1]] = _ESCAPED.sub(lambda escaped: "\n" if escaped[1] == "n" else escaped[1], label[2])
        position = label.end()
    return tuple(sorted(labels.items()))


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
