"""The pipeline's directory: gone at the end, and swept when its owner was killed."""

import os
from pathlib import Path
from tempfile import gettempdir, mkdtemp

import pytest

from loadtests.pipeline.directory import PREFIX, _lock_new, owned_directory, sweep
from loadtests.pipeline.postgres import PostgresServer


def orphan(parent: Path) -> Path:
    """Make the directory of an owner that is gone."""
    directory = Path(mkdtemp(prefix=PREFIX, dir=parent))
    os.close(_lock_new(directory))  # the kernel does the same when the owner ends
    return directory


def test_the_directory_is_gone_at_the_end() -> None:
    """With all that was written into it, and after an error too."""
    seen: list[Path] = []

    def use() -> None:
        with owned_directory(Path(gettempdir())) as directory:
            (directory / "file").write_text("content")
            seen.append(directory)
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert not seen[0].exists()


def test_a_parent_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """The error says what belongs there and what to do."""
    with (
        pytest.raises(NotADirectoryError, match=r"nowhere, where .* set TMPDIR"),
        owned_directory(tmp_path / "nowhere"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_a_parent_that_postgresql_cannot_enter_is_replaced(tmp_path: Path) -> None:
    """Root's own folders stay closed; the directory goes where everybody may pass."""
    tmp_path.chmod(0o700)
    with owned_directory(tmp_path) as directory:
        assert directory.parent == Path("/tmp")  # noqa: S108 - the public folder is the point


def test_a_live_directory_is_not_swept() -> None:
    """Two pipelines at once leave each other alone."""
    with owned_directory(Path(gettempdir())) as first, owned_directory(Path(gettempdir())) as second:
        removed = sweep(first.parent)

        assert first.is_dir()
        assert second.is_dir()
    assert {first, second}.isdisjoint(removed)


def test_an_orphaned_directory_is_swept(tmp_path: Path) -> None:
    """The next start removes what a killed one left behind."""
    left_behind = orphan(tmp_path)

    assert sweep(tmp_path) == [left_behind]
    assert not left_behind.exists()


def test_what_is_not_ours_is_not_swept(tmp_path: Path) -> None:
    """Neither a name like ours without our mark, nor a link to one of ours."""
    unmarked = tmp_path / f"{PREFIX}somebody"
    unmarked.mkdir()
    elsewhere = orphan(tmp_path / unmarked.name)
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(elsewhere)

    assert sweep(tmp_path) == []
    assert elsewhere.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_directory_is_not_swept(tmp_path: Path) -> None:
    """Root could remove it, and does not."""
    theirs = orphan(tmp_path)
    os.chown(theirs, 65534, 65534)

    assert sweep(tmp_path) == []


@pytest.mark.e2e
def test_an_orphaned_postgresql_is_ended_with_its_directory() -> None:
    """Where the kernel does not end it with its parent, the next start does."""
    with owned_directory(Path(gettempdir())) as parent:
        left_behind = orphan(parent)
        left_behind.chmod(0o711)
        with PostgresServer.create(left_behind / "postgres") as server:
            removed = sweep(parent)

            assert server.exit_code is not None
        assert removed == [left_behind]
