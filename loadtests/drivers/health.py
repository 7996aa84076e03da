"""How late our own event loop is: timers that run late, and bytes that wait to be read.

Every stamp of a device is at most as good as these two numbers. Knows no devices.
"""

import asyncio
import os
import socket
import struct
import threading
from time import monotonic_ns
from typing import Final

from loadtests.history.kinds import Kind, Process
from loadtests.history.ledger import Ledger

_INTERVAL_NS: Final = 100_000_000
_STAMP: Final = struct.Struct("<q")


class LoopHealth:
    """Samples one event loop ten times a second, from within (LOOP_LAG) and from outside (RECEIVE_AGE)."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, ledger: Ledger, process: Process, index: int = 0) -> None:
        """Take the event loop, and which process it is in: its index where there are several of the kind."""
        self._loop = loop
        self._ledger = ledger
        self._process = process
        self._index = index
        self._expected_ns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(0)  # not to be waited for: the loop says when it is readable
        self._stopping = threading.Event()
        self._writer = threading.Thread(target=self._write_stamps, name="receive-age", daemon=True)

    def start(self) -> None:
        """Begin to sample; call it from the loop."""
        self._loop.add_reader(self._ours, self._read_stamps)
        self._writer.start()
        self._arm()

    def stop(self) -> None:
        """End sampling."""
        self._stopping.set()
        self._writer.join()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._ours)
        self._ours.close()
        self._theirs.close()

    def _arm(self) -> None:
        self._expected_ns = monotonic_ns() + _INTERVAL_NS
        self._timer = self._loop.call_later(_INTERVAL_NS / 1e9, self._measure_lag)

    def _measure_lag(self) -> None:
        now_ns = monotonic_ns()
        lag_ns = now_ns - self._expected_ns
        self._ledger.record(Kind.LOOP_LAG, now_ns, actor=self._process, value=lag_ns, flag=self._index)
        self._arm()

    def _write_stamps(self) -> None:
        descriptor = self._theirs.fileno()
        while not self._stopping.wait(_INTERVAL_NS / 1e9):
            os.write(descriptor, _STAMP.pack(monotonic_ns()))

    def _read_stamps(self) -> None:
        stamps = self._ours.recv(64 * _STAMP.size)
        now_ns = monotonic_ns()
        for (stamp_ns,) in _STAMP.iter_unpack(stamps[: len(stamps) // _STAMP.size * _STAMP.size]):
            age_ns = now_ns - stamp_ns
            self._ledger.record(Kind.RECEIVE_AGE, now_ns, actor=self._process, value=age_ns, flag=self._index)
