"""The one directory that a pipeline owns on disk: made at the start, removed at the end, swept when it was orphaned.

A file inside is locked for as long as the owner lives; the kernel lets go of the lock however the owner ends.
So whoever can take the lock knows that the owner is gone, and a directory without that file is somebody else's.
"""

import fcntl
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from loadtests.pipeline.account import Account, can_reach, unprivileged_account

PREFIX = "push-pipeline-"
_LOCK = "owner.lock"
_log = logging.getLogger(__name__)


@contextmanager
def owned_directory(parent: Path) -> Iterator[Path]:
    """Make a new directory below `parent`, keep it marked as alive, and remove it with all that is in it.

    Sweeps `parent` first. Where PostgreSQL has to run as another user who cannot enter `parent`, one of the
    machine's public temporary folders is used instead.
    """
    account = unprivileged_account()
    parent = _public_parent(parent, account)
    sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    if account is not None:
        directory.chmod(0o711)  # others may pass through, and not look around
    lock = _lock_new(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
        os.close(lock)


def sweep(parent: Path) -> list[Path]:
    """Remove the directories below `parent` whose owner is gone, and return them.

    A PostgreSQL that outlived its owner (possible where the kernel has no parent-death signal) is ended first.
    Directories of live owners, of other users and without our mark are left alone.
    """
    removed = []
    for directory in sorted(parent.glob(f"{PREFIX}*")):
        lock = _lock_orphaned(directory)
        if lock is None:
            continue
        try:
            _end_orphaned_postgres(directory)
            shutil.rmtree(directory)
        finally:
            os.close(lock)
        _log.warning("removed %s, which an earlier pipeline left behind", directory)
        removed.append(directory)
    return removed


def _public_parent(parent: Path, account: Account | None) -> Path:
    if not parent.is_dir():
        raise NotADirectoryError(
            f"{parent}, where the pipeline's temporary directory belongs, is no directory: create it, or set TMPDIR"
        )
    if account is None or can_reach(parent, account):
        return parent
    for public in (Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - the directory itself gets a random name
        if can_reach(public, account):
            _log.warning("user '%s' cannot enter %s: using %s", account.name, parent, public)
            return public
    raise PermissionError(
        f"user '{account.name}', who runs PostgreSQL, cannot enter {parent}: "
        "set TMPDIR to a folder that everybody may enter"
    )


def _lock_new(directory: Path) -> int:
    # Locked before it gets its name: no sweep ever sees the mark of a live owner unlocked.
    unnamed = directory / f"{_LOCK}.new"
    lock = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    unnamed.rename(directory / _LOCK)
    return lock


def _lock_orphaned(directory: Path) -> int | None:
    """Return the lock of a directory of ours whose owner is gone; None for every other directory."""
    try:
        if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
            return None
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None  # no mark, not ours to open, or swept by somebody else just now
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _end_orphaned_postgres(directory: Path) -> None:
    for status in directory.glob("*/cluster/postmaster.pid"):
        try:
            postmaster = psutil.Process(int(status.read_text().split()[0]))
            # The number may belong to another process by now: only one that serves this cluster is ours to end.
            if str(status.parent) not in postmaster.cmdline():
                continue
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(10)
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue
