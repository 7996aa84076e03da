"""The child's side of the pipe, in real processes that are started by hand."""

import subprocess
import sys

import orjson
import pytest

PATIENCE_S = 20

pytestmark = pytest.mark.e2e


def run_child(body: str, spoken: bytes) -> "subprocess.CompletedProcess[bytes]":
    """Run a child to its end: `spoken` on its standard input, then nothing more."""
    source = f"import os, sys, threading\nfrom loadtests.processes.lifeline import read_hello, say, watch\n{body}"
    return subprocess.run(
        [sys.executable, "-c", source], input=spoken, capture_output=True, timeout=PATIENCE_S, check=False
    )


def test_the_first_line_is_the_hello() -> None:
    """Standard output is unbuffered: what was said is in the pipe."""
    child = run_child("say(read_hello()); os._exit(3)", b'{"number":7}\n')

    assert (orjson.loads(child.stdout), child.returncode) == ({"number": 7}, 3)


def test_a_parent_that_never_spoke_is_an_error() -> None:
    """The child does not wait for ever."""
    child = run_child("read_hello()", b"")

    assert child.returncode == 1
    assert b"EOFError: the parent process ended before it sent its first message" in child.stderr


def test_each_message_is_heard_and_then_the_silence() -> None:
    """In order, and the end of the parent once, after the last message."""
    child = run_child(
        """
gone = threading.Event()
read_hello()
watch(say, lambda: (say({"is": "gone"}), gone.set()))
gone.wait()
""",
        b'{"hello":1}\n{"do":"one"}\n{"do":"two"}\n',
    )

    assert [orjson.loads(line) for line in child.stdout.splitlines()] == [{"do": "one"}, {"do": "two"}, {"is": "gone"}]
    assert (child.returncode, child.stderr) == (0, b"")


def start_child(source: str) -> "subprocess.Popen[bytes]":
    """Start a child whose parent goes on living."""
    return subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_an_interpreter_may_end_while_it_still_listens() -> None:
    """The listening thread sits in a read: ending must neither hang nor abort."""
    imports = "import sys\nfrom loadtests.processes.lifeline import read_hello, watch\n"
    with start_child(f"{imports}read_hello(); watch(print, print); sys.exit(6)") as child:
        assert child.stdin is not None
        assert child.stderr is not None
        child.stdin.write(b"{}\n")
        child.stdin.flush()
        code = child.wait(PATIENCE_S)

        assert (code, child.stderr.read()) == (6, b"")


def test_speaking_to_nobody_is_no_error() -> None:
    """The lifeline tells of the parent's end; a message that comes too late is lost quietly."""
    imports = "from loadtests.processes.lifeline import read_hello, say\n"
    with start_child(f"{imports}read_hello(); say({{'is': 'late'}})") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        child.stdin.write(b"{}\n")
        child.stdin.flush()
        code = child.wait(PATIENCE_S)

        assert (code, child.stderr.read()) == (0, b"")
