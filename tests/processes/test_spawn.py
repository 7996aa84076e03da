"""Children as their parent sees them: real processes, spoken to, waited for, ended."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from loadtests.processes.spawn import Child, ChildError

PATIENCE_S = 20

PREAMBLE = """
import os, signal, sys, threading, time
from loadtests.processes.lifeline import read_hello, say, watch
hello = read_hello()
"""

Start = Callable[[str], Child]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a child from its source code; whatever still lives is stopped at the end."""
    children: list[Child] = []

    def start_child(body: str) -> Child:
        module = f"child_{len(children)}"
        (tmp_path / f"{module}.py").write_text(PREAMBLE + body, encoding="utf-8")
        child = Child.start(
            module,
            name="the child",
            log=tmp_path / "child.log",
            hello={"number": 7},
            environment={"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        )
        children.append(child)
        return child

    yield start_child
    for child in children:
        child.stop(0.1)


pytestmark = pytest.mark.e2e


def test_hello_goes_in_and_messages_come_out(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON lines, both ways, in order; and whatever the environment names, no client of a child uses a proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    child = start("""
from urllib.request import proxy_bypass
say({"is": "ready", "number": hello["number"], "is_direct": bool(proxy_bypass("api.example.com:443"))})
done = threading.Event()
watch(lambda message: say({"is": "echo", **message}), done.set)
done.wait()
""")
    ready = child.wait_for("ready", PATIENCE_S)
    child.send({"do": "one"})
    child.send({"do": "two"})
    heard = [child.next_message(PATIENCE_S), child.next_message(PATIENCE_S)]

    assert ready == {"is": "ready", "number": 7, "is_direct": True}
    assert heard == [{"is": "echo", "do": "one"}, {"is": "echo", "do": "two"}]
    assert child.stop() == 0


def test_messages_are_fetched_without_waiting(start: Start) -> None:
    """Nothing said, nothing returned; each message once."""
    child = start("""
say({"is": "one"}); say({"is": "two"}); say({"is": "ready"})
sys.stdin.read()
""")
    first = child.wait_for("one", PATIENCE_S)
    child.wait_for("ready", PATIENCE_S)

    assert first == {"is": "one"}
    assert child.messages() == []
    assert child.next_message(0) is None


@pytest.mark.parametrize("noise", ["downloading 3 of 7", "5", "null", '["a list"]', '"a text"', "\\xff"])
def test_a_line_that_is_no_message_does_no_harm(start: Start, noise: str) -> None:
    """Libraries print; what they print is kept apart from messages, even when it happens to be JSON."""
    child = start(f"""
os.write(1, {noise!r}.encode("latin-1") + b"\\n")
say({{"is": "ready"}})
sys.stdin.read()
""")
    said = child.next_message(PATIENCE_S)
    child.wait_for("ready", PATIENCE_S)

    assert said is not None
    assert said["is"] == "noise"


def test_a_failure_that_the_child_explains_is_passed_on(start: Start) -> None:
    """Its reason is the error's text."""
    child = start('say({"is": "failed", "why": "the port is taken"}); sys.stdin.read()')

    with pytest.raises(ChildError, match="the child failed: the port is taken"):
        child.wait_for("ready", PATIENCE_S)


def test_a_child_that_ends_too_early_gets_an_obituary(start: Start) -> None:
    """Exit code and the end of its log, where the traceback is."""
    child = start('raise RuntimeError("out of cheese")')

    with pytest.raises(ChildError, match=r"(?s)the child \(pid \d+\) ended with 1; .*RuntimeError: out of cheese"):
        child.wait_for("ready", PATIENCE_S)


def test_a_killed_child_gets_the_signals_name(start: Start) -> None:
    """SIGKILL leaves no words of its own."""
    child = start('say({"is": "ready"}); sys.stdin.read()')
    child.wait_for("ready", PATIENCE_S)
    os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(ChildError, match="was killed by SIGKILL"):
        child.wait_for("done", PATIENCE_S)


def test_last_words_are_heard_before_the_obituary(start: Start) -> None:
    """A child that says what was asked for, then ends, has said it."""
    child = start('say({"is": "progress"}); say({"is": "done"})')
    assert child._process.wait(PATIENCE_S) == 0

    assert child.wait_for("done", PATIENCE_S) == {"is": "done"}


def test_silence_runs_into_the_time_limit(start: Start) -> None:
    """The text names the word that was missed, and the log."""
    child = start("sys.stdin.read()")

    with pytest.raises(ChildError, match=r"the child did not say 'ready' within 0.05 s; see .*child\.log"):
        child.wait_for("ready", 0.05)


def test_speaking_to_a_child_that_is_gone_is_no_error(start: Start) -> None:
    """Its end is noticed where it is waited for."""
    child = start("")
    assert child._process.wait(PATIENCE_S) == 0
    for _ in range(3):
        child.send({"do": "anything"})

    assert child.stop() == 0


def test_stopping_asks_before_it_terminates(start: Start) -> None:
    """A child that hears the hang-up ends by itself, with its own exit code."""
    child = start("""
done = threading.Event()
watch(lambda message: None, done.set)
say({"is": "ready"})
done.wait()
os._exit(5)
""")
    child.wait_for("ready", PATIENCE_S)

    assert child.stop() == 5


def test_stopping_terminates_a_child_that_does_not_listen(start: Start) -> None:
    """SIGTERM follows the hang-up."""
    child = start('say({"is": "ready"}); time.sleep(60)')
    child.wait_for("ready", PATIENCE_S)

    assert child.stop(0.1) == -signal.SIGTERM


def test_stopping_kills_a_child_that_refuses(start: Start) -> None:
    """SIGKILL follows SIGTERM."""
    child = start("""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
say({"is": "ready"})
time.sleep(60)
""")
    child.wait_for("ready", PATIENCE_S)

    assert child.stop(0.1) == -signal.SIGKILL


def test_a_child_is_a_session_of_its_own(start: Start) -> None:
    """Ctrl-C at the terminal reaches the parent alone."""
    child = start('say({"is": "ready"}); sys.stdin.read()')
    child.wait_for("ready", PATIENCE_S)

    assert os.getsid(child.pid) == child.pid != os.getsid(0)


PARENT = """
from pathlib import Path
from loadtests.processes.spawn import Child
child = Child.start("grandchild", name="grandchild", log=Path(__file__).with_name("grandchild.log"), hello={})
say({"is": "ready", "pid": child.wait_for("ready", 20)["pid"]})
sys.stdin.read()
"""
GRANDCHILDREN = {
    "one that waits": """
done = threading.Event()
watch(lambda message: None, done.set)
say({"is": "ready", "pid": os.getpid()})
done.wait()
""",
    "one that works": """
watch(lambda message: None, lambda: os._exit(1))
say({"is": "ready", "pid": os.getpid()})
while True:
    pass
""",
}


@pytest.mark.parametrize("kind", GRANDCHILDREN)
def test_a_child_learns_of_its_parents_death_by_sigkill(start: Start, tmp_path: Path, kind: str) -> None:
    """Nobody is left to tell it, and it is gone at once all the same, even in the middle of its work."""
    (tmp_path / "grandchild.py").write_text(PREAMBLE + GRANDCHILDREN[kind], encoding="utf-8")
    parent = start(PARENT)
    grandchild = psutil.Process(parent.wait_for("ready", PATIENCE_S)["pid"])
    os.kill(parent.pid, signal.SIGKILL)

    assert is_gone(grandchild)


def is_gone(process: psutil.Process) -> bool:
    """Wait for a process that is not a child of ours to end."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        psutil.wait_procs([process], timeout=0.05)
    return False


def test_a_child_without_a_log_writes_to_our_standard_error(start: Start, tmp_path: Path) -> None:
    """Then there is no file to quote, and none to remove."""
    (tmp_path / "loud.py").write_text('import sys; sys.stderr.write("hello"); sys.exit(3)', encoding="utf-8")
    parent = start("""
from loadtests.processes.spawn import Child, ChildError
child = Child.start("loud", name="loud", log=None, hello={})
try:
    child.wait_for("ready", 20)
except ChildError as error:
    say({"is": "ready", "why": str(error)})
""")
    told = parent.wait_for("ready", PATIENCE_S)

    assert told["why"].startswith("loud (pid ")
    assert told["why"].endswith("ended with 3")
    assert "hello" in parent.log_tail()
