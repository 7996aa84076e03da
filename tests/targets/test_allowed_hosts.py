"""The files in which allowed hosts stand."""

from pathlib import Path

import pytest

from loadtests.checks.guard import GuardError
from loadtests.targets.allowed_hosts import default_places, read_allow_list


def test_hosts_of_both_files_are_allowed(tmp_path: Path) -> None:
    """Beside the work, and in the user's configuration; both are named in messages."""
    beside, own = default_places(tmp_path / "work", tmp_path / "config")
    for place, text in ((beside, "a.example.org\n"), (own, "b.example.org # ours\n")):
        place.parent.mkdir(parents=True)
        place.write_text(text, encoding="utf-8")
    told = read_allow_list((beside, own))

    assert told.hosts == {"a.example.org", "b.example.org"}
    assert told.where == f"{beside} or {own}"


def test_without_any_file_nothing_is_allowed(tmp_path: Path) -> None:
    """A fresh machine loads nobody."""
    assert read_allow_list(default_places(tmp_path, tmp_path)).hosts == frozenset()


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    """With the sentence that says what to write."""
    with pytest.raises(GuardError, match="a host on each line"):
        read_allow_list((tmp_path / "none",), must_exist=True)


def test_a_file_that_cannot_be_read_allows_nothing(tmp_path: Path) -> None:
    """Silence would look like an empty list."""
    with pytest.raises(GuardError, match="cannot be read"):
        read_allow_list((tmp_path,))
