"""Passwords are kept as hashes that tell nothing."""

import pytest

from loadtests.pipeline.gateway.auth.passwords import hash_password, is_password


def test_a_hash_fits_its_password_and_no_other() -> None:
    """Nor a part of it, nor more than it."""
    stored = hash_password("correct horse")

    assert is_password("correct horse", stored)
    assert not any(is_password(other, stored) for other in ("correct", "correct horse ", "", "Correct horse"))


def test_two_hashes_of_one_password_differ_and_hold_no_trace_of_it() -> None:
    """Each has its own salt."""
    one, other = hash_password("correct horse"), hash_password("correct horse")

    assert one != other
    assert "correct" not in one


@pytest.mark.parametrize("stored", [None, "", "plain text", "$2a$10$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_of_ours_fits_nothing(stored: str | None) -> None:
    """A user that was made by SQL alone cannot sign in."""
    assert not is_password("", stored)
    assert not is_password("plain text", stored)
