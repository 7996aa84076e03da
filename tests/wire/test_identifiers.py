"""Identifiers are text inside, and go back into paths as they came."""

import pytest

from loadtests.wire.identifiers import in_path, text_of

UUID = "0b6d0f1c-6a53-4f0e-9d3c-0a8f2f9a7b11"


@pytest.mark.parametrize(("told", "text"), [(UUID, UUID), ("7", "7"), (7, "7"), (2**63, str(2**63)), ("007", "007")])
def test_strings_and_whole_numbers_are_identifiers(told: object, text: str) -> None:
    """A number is its digits; what a string says is not interpreted."""
    assert text_of(told) == text


@pytest.mark.parametrize("told", [None, True, 1.5, "", [], {}])
def test_nothing_else_is_one(told: object) -> None:
    """`None` or `True` as text would be a job that nobody has."""
    assert text_of(told) is None


@pytest.mark.parametrize(
    ("text", "path"), [(UUID, UUID), ("7", "7"), ("WO 12/7", "WO%2012%2F7"), ("{job}", "%7Bjob%7D")]
)
def test_in_a_path_an_identifier_is_one_segment(text: str, path: str) -> None:
    """Whatever it is made of."""
    assert in_path(text) == path
