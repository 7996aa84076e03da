"""Which of the possible victims a fault takes: a matter of its seed alone, and never more than it may.

Pure; knows nothing of what the victims are.
"""

from random import Random
from typing import Final

COUNTED_SHARE: Final = 0.2
"""The share when only a count is given: the victims shall not all lie in the first event."""


class Choice:
    """Choose a share of those offered one after another, and at most `count`."""

    def __init__(self, *, seed: int, share: float | None = None, count: int | None = None) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable on purpose
        self._share = COUNTED_SHARE if share is None else share
        self._left = count

    @property
    def is_over(self) -> bool:
        """Whether nobody will be chosen any more."""
        return self._left == 0

    def takes(self) -> bool:
        """Whether the next one is chosen."""
        if self._left == 0 or self._random.random() >= self._share:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def give_back(self) -> None:
        """Undo one choice that came to nothing."""
        if self._left is not None:
            self._left += 1
