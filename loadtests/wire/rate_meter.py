"""How a plan's limits per second are measured: a mean over a minute, as Supabase Realtime's `rate_counter.ex` takes it.

Pure, and shared: the embedded Realtime keeps limits with it, the harness predicts with it which ones a load will hit.
"""

from collections import deque
from typing import Final

BUCKET_S: Final = 5
BUCKETS: Final = 12
_BUCKET_NS: Final = BUCKET_S * 1_000_000_000


class RateMeter:
    """A mean over at most 60 s, in buckets of 5 s, compared with a limit at the end of each bucket.

    Begins at the first question with one empty bucket. A young meter averages over the few buckets that it has, so
    an early burst exceeds the limit sooner; an excess lasts until old buckets have aged out, at least 5 s.
    """

    def __init__(self, limit_per_s: int | None) -> None:
        self._limit_per_s = limit_per_s
        self._buckets: deque[int] = deque((0,), maxlen=BUCKETS)
        self._current = 0
        self._bucket_ends_ns: int | None = None
        self._mean_per_s = 0.0

    def add(self, now_ns: int, count: int = 1) -> None:
        """Count."""
        self._advance(now_ns)
        self._current += count

    def is_exceeded(self, now_ns: int) -> bool:
        """Whether the mean was at the limit or above when the last bucket ended."""
        return self._limit_per_s is not None and self.mean_per_s(now_ns) >= self._limit_per_s

    def mean_per_s(self, now_ns: int) -> float:
        """Return the mean when the last bucket ended."""
        self._advance(now_ns)
        return self._mean_per_s

    def _advance(self, now_ns: int) -> None:
        if self._limit_per_s is None:
            return
        if self._bucket_ends_ns is None:
            self._bucket_ends_ns = now_ns + _BUCKET_NS
        ended = (now_ns - self._bucket_ends_ns) // _BUCKET_NS + 1
        if ended <= 0:
            return
        self._bucket_ends_ns += ended * _BUCKET_NS
        for _ in range(min(ended, BUCKETS + 1)):
            self._buckets.append(self._current)
            self._current = 0
        self._mean_per_s = sum(self._buckets) / (len(self._buckets) * BUCKET_S)
