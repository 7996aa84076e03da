"""The child's side: standard input is both the mailbox and the lifeline.

The parent holds the other end of the pipe and writes JSON lines into it. When the parent ends, however it
ends (SIGKILL included), the kernel closes the pipe and the child learns of it at once, on every platform and
with no signal to set up. A child therefore never outlives its parent by more than its own clean-up.
"""

import io
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson

Message = dict[str, Any]


def read_hello() -> Message:
    """Return the parent's first message, which says what this process is to do.

    Raises:
        EOFError: the parent ended before it spoke.

    """
    line = sys.stdin.buffer.readline()
    if not line:
        raise EOFError("the parent process ended before it sent its first message")
    message: Message = orjson.loads(line)
    return message


def say(message: Mapping[str, Any]) -> None:
    """Send one message to the parent. Standard output belongs to messages alone: logs go to standard error."""
    try:
        os.write(1, orjson.dumps(message) + b"\n")
    except BrokenPipeError:
        return  # nobody is left to hear it: the lifeline says the same in a moment, and then there is to clean up


def watch(on_message: Callable[[Message], None], on_gone: Callable[[], None]) -> threading.Thread:
    """Call `on_message` for each further message and `on_gone` once, when the parent is gone or hangs up.

    Both are called in a thread of its own: an event loop passes `call_soon_threadsafe`.
    """
    # The thread takes the stream for itself. Were it still `sys.stdin`, an interpreter that ends first would try
    # to close it under the blocked read, and abort.
    assert isinstance(sys.stdin, io.TextIOWrapper)
    mailbox = sys.stdin.detach()

    def listen() -> None:
        for line in mailbox:
            on_message(orjson.loads(line))
        on_gone()

    thread = threading.Thread(target=listen, name="lifeline", daemon=True)
    thread.start()
    return thread
