"""Which account runs PostgreSQL, and what it can reach."""

import os
from pathlib import Path

import pytest

from loadtests.pipeline.account import can_reach, process_identity, unprivileged_account


def test_postgresql_never_runs_as_root() -> None:
    """Root gets another account; anybody else is good enough."""
    account = unprivileged_account()

    assert (account is None) == (os.geteuid() != 0)
    assert account is None or account.uid != 0


def test_without_another_account_a_process_is_ours() -> None:
    """No identity is passed where none is to be changed: an ordinary user may not."""
    assert process_identity(None) == {}


def test_what_is_missing_cannot_be_reached(tmp_path: Path) -> None:
    """Reach is asked of the operating system, for ourselves too."""
    assert can_reach(tmp_path, None)
    assert not can_reach(tmp_path / "missing", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask for somebody else")
def test_a_closed_folder_above_is_out_of_reach(tmp_path: Path) -> None:
    """Permissions of the whole way count, not only those of the last step."""
    closed = tmp_path / "closed"
    inside = closed / "open"
    inside.mkdir(parents=True)
    closed.chmod(0o700)

    assert not can_reach(inside, unprivileged_account())
