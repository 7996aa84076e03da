"""The runner finds every difference that a recording can show."""

from typing import Any

import pytest

from tests.conformance.cases import decode, load
from tests.conformance.patterns import difference, matches_in_any_order
from tests.conformance.placeholders import ORGANIZATIONS, Names

SECRET = "a secret of at least thirty-two bytes"


def names() -> Names:
    """Return the placeholders of some case."""
    return Names(load()[0], SECRET)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1, "b": None}, {"b": None, "a": 1}),
        ({"$unordered": ["$id1", "$id2"]}, [5, 6]),
        (["$id1", "$id1", "$id2"], [5, 5, 5]),
        ("$timestamp_ms1", "2026-01-31T12:34:56.789Z"),
        ("$timestamp_us1", "2026-01-31T12:34:56.78912+00:00"),
        ("$timestamp_us1", "2026-01-31T12:34:56+00:00"),
        ("expired {{int}} seconds ago (x)", "expired 12 seconds ago (x)"),
        ("$repeat:a:3", "aaa"),
        ("$any", {"x": []}),
        (1.5, 1.5),
    ],
)
def test_what_fits_is_no_difference(pattern: Any, value: Any) -> None:
    """Key order does not matter; equal placeholders mean equal values, different ones may too."""
    assert difference(pattern, value, names()) is None


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": None}, {}),
        ({"a": None}, {"a": 0}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        (1, True),
        (1, 1.0),
        ("$id1", "5"),
        (["$id1", "$id1"], [5, 6]),
        ({"$unordered": ["$id1", "$id1"]}, [5, 6]),
        ("$timestamp_ms1", "2026-01-31T12:34:56.78Z"),
        ("$timestamp_us1", "2026-01-31T12:34:56.780+00:00"),
        ("expired {{int}} seconds", "expired -1 seconds"),
        ("a.c", "abc"),
        ("$repeat:a:3", "aa"),
    ],
)
def test_what_does_not_fit_is_a_difference(pattern: Any, value: Any) -> None:
    """Extra keys, missing nulls, another order, another type, another text."""
    assert difference(pattern, value, names()) is not None


def test_numbers_are_compared_as_they_are_written() -> None:
    """Not as doubles."""
    pattern, value = decode("[0.1, 12345678901234567890]"), decode("[0.10000000000000001, 12345678901234567890]")

    assert difference(pattern, pattern, names()) is None
    assert difference(pattern, value, names()) is not None


def test_failed_attempt_binds_nothing() -> None:
    """An order that does not fit leaves placeholders free for the one that does."""
    bound = names()

    assert matches_in_any_order([["$id1", "b"], ["$id1", "a"]], [[5, "a"], [5, "b"]], bound)
    assert not matches_in_any_order([["$id2", "b"]], [[7, "a"]], bound)
    assert difference("$id2", 8, bound) is None


def test_organizations_are_mapped_there_and_back() -> None:
    """A case has organizations of its own, and its frames show the recorded ones."""
    some = names()
    own = some.foreign(f"id=eq.{ORGANIZATIONS[0]}")

    assert ORGANIZATIONS[0] not in own
    assert some.recorded(own) == f"id=eq.{ORGANIZATIONS[0]}"
