"""How many events an organization may emit before its rows get labelled.

Pure: the time is passed in. Knows neither events nor the database.
"""

_FIRST_SWEEP_KEYS = 1024


class FixedWindow:
    """Count per key in windows that begin with a key's first event, and with its first event after a lapse."""

    def __init__(self, *, limit: int, window_ns: int) -> None:
        assert limit >= 1, limit
        assert window_ns > 0, window_ns
        self._limit = limit
        self._window_ns = window_ns
        self._windows: dict[str, tuple[int, int]] = {}
        self._sweep_at = _FIRST_SWEEP_KEYS

    def __len__(self) -> int:
        """The number of keys remembered."""
        return len(self._windows)

    def exceeds(self, key: str, now_ns: int) -> bool:
        """Count one event of `key` and say whether it is beyond the limit of its window."""
        began_ns, count = self._windows.get(key, (now_ns, 0))
        if now_ns - began_ns >= self._window_ns:
            began_ns, count = now_ns, 0
        self._windows[key] = (began_ns, count + 1)
        if len(self._windows) > self._sweep_at:
            self._forget_lapsed(now_ns)
        return count + 1 > self._limit

    def _forget_lapsed(self, now_ns: int) -> None:
        # Sweeping again only at twice what is left keeps the cost per event constant.
        self._windows = {key: window for key, window in self._windows.items() if now_ns - window[0] < self._window_ns}
        self._sweep_at = max(_FIRST_SWEEP_KEYS, 2 * len(self._windows))
