"""The supervisor: `python -m loadtests.pipeline` runs the whole pipeline for as long as its parent lives.

The hello on standard input is `StackSettings`. It answers `{"is": "ready", "endpoint", "directory", "pids"}`, and
`{"is": "failed", "why"}` when the pipeline cannot start or a part of it dies, which ends the others too. Parts that
are killed by a fault, on command, are started again.
"""

import logging
import signal
import sys
import threading
import time
from datetime import UTC, datetime

from loadtests.pipeline.faults.control import control_endpoint
from loadtests.pipeline.faults.register import Register
from loadtests.pipeline.faults.supervision import Supervision
from loadtests.pipeline.settings import StackSettings
from loadtests.pipeline.stack import StartInterruptedError, running_stack, watch_until_told
from loadtests.processes.lifeline import Message, read_hello, say, watch

_log = logging.getLogger("loadtests.pipeline")


def main() -> int:
    """Run until the parent hangs up or a signal comes (0), or until something fails (1)."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    ending = threading.Event()
    for how in (signal.SIGTERM, signal.SIGINT):
        signal.signal(how, lambda *_: ending.set())
    try:
        settings = StackSettings.from_json(read_hello())
        watch(on_message=_ignore, on_gone=ending.set)
        now_s = int(datetime.now(tz=UTC).timestamp())
        supervision = Supervision(Register(), time.monotonic_ns)
        with (
            control_endpoint(supervision) as control_url,
            running_stack(settings, now_s=now_s, control_url=control_url, interrupted=ending.is_set) as stack,
            supervision.in_charge_of(stack),
        ):
            say(stack.ready_message())
            failure = watch_until_told(stack, supervision, ending)
            if failure is not None:
                say({"is": "failed", "why": failure})  # before the clean-up: the run wants to know now
                _log.error("%s", failure)
    except StartInterruptedError:
        return 0
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever it is, the parent is told
        _log.exception("the pipeline failed")
        say({"is": "failed", "why": str(error) or repr(error)})
        return 1
    return 0 if failure is None else 1


def _ignore(message: Message) -> None:
    _log.warning("unknown message: %s", message)


if __name__ == "__main__":
    sys.exit(main())
