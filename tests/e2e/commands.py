"""The command line in processes of its own, as a person or a build server starts it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import psutil

import loadtests

PATIENCE_S = 600
"""Nothing takes so long; it guards against what hangs, also on a machine that has other things to do."""
LOOK_S = 0.1
FAMILY_EVERY = 5
"""Looking through all processes of the machine costs more than reading a file: at each fifth look."""
POSTGRES = "/postgres -D "
ROOT = Path(loadtests.__file__).parents[1]


@dataclass(slots=True)
class Command:
    """One `loadtests …` that is running."""

    process: "subprocess.Popen[str]"
    log: Path
    """What it writes to standard output and standard error."""
    relatives: dict[psutil.Process, str] = field(default_factory=dict)
    """Every process of the family that was ever seen, with its command line."""

    @property
    def text(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_text(self, pattern: str) -> str:
        """Wait until something that matches was written; return it."""
        deadline = time.monotonic() + PATIENCE_S
        for look in count():
            found = re.search(pattern, self.text, re.MULTILINE)
            if found or look % FAMILY_EVERY == 0:
                self.remember_family()
            if found:
                return found[0]
            if self.process.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(LOOK_S)  # polls a file that another process writes
        raise AssertionError(f"it never wrote {pattern!r}, but this:\n{self.text}")

    def wait_load(self) -> None:
        """Wait until the load runs."""
        self.wait_text("^load ")

    def wait_end(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end; it wrote:\n{self.text}") from None

    def remember_family(self) -> None:
        """Note which processes it has started; once it is dead, nobody can tell."""
        try:
            own = psutil.Process(self.process.pid)
            family = [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for relative in family:
            with suppress(psutil.NoSuchProcess):
                self.relatives[relative] = " ".join(relative.cmdline())

    def relative(self, pattern: str) -> psutil.Process:
        """Return the one living process of the family whose command line matches."""
        self.remember_family()
        (found,) = [process for process, line in self.relatives.items() if lives(process) and re.search(pattern, line)]
        return found

    @property
    def target_directories(self) -> set[Path]:
        """The temporary directory of each PostgreSQL that was seen."""
        commands = [line.partition(POSTGRES)[2] for line in self.relatives.values() if POSTGRES in line]
        return {Path(options.split()[0]).parents[1] for options in commands}

    def left_behind(self, within_s: float = 10.0) -> list[object]:
        """Return what is still there when `within_s` have passed: processes, and the pipeline's directory."""
        psutil.wait_procs(self.relatives, within_s)
        alive = [process for process in self.relatives if lives(process)]
        return [*alive, *(directory for directory in self.target_directories if directory.exists())]


def lives(process: psutil.Process) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A run that came to its end."""

    directory: Path
    exit_code: int
    text: str

    def json(self, name: str) -> Any:
        """Return one of its documents."""
        document: Any = orjson.loads((self.directory / name).read_bytes())
        return document


@contextmanager
def started(*arguments: str | Path, folder: Path, prefix: Sequence[str] = (), **environment: str) -> Iterator[Command]:
    """Start `loadtests` with arguments in `folder`, outside the checkout; kill what is left of it at the end."""
    folder.mkdir(exist_ok=True)
    log = folder / "terminal.txt"
    paths = [environment.pop("PYTHONPATH", ""), str(ROOT)]
    with log.open("w", encoding="utf-8") as terminal:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "loadtests", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            cwd=folder,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment},
        )
    command = Command(process, log)
    try:
        yield command
    finally:
        command.remember_family()
        for relative in filter(lives, command.relatives):
            relative.kill()
        process.wait(PATIENCE_S)


StartCommand = Callable[..., AbstractContextManager[Command]]
"""`started`, in a folder of its own."""
