"""The planter: asks the target, at the right times, to do something wrong, and fetches what it really did.

Speaks to the target's control endpoint from a thread of its own, so that a slow answer delays nobody. It writes no
ledger: whoever asks for its news does. Knows nothing of what a fault does, nor how it is found.
"""

import json
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Self
from urllib.parse import urlsplit

from loadtests.scenario.faults import Fault

_NS: Final = 1_000_000_000
_TIMEOUT_S: Final = 30.0
"""A restarted server is acknowledged when it is up again."""


class FaultRefusedError(RuntimeError):
    """The target cannot commit faults, or did not take one. The text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A fault that the target has agreed to."""

    fault: Fault
    number: int
    """The target's."""
    due_ns: int
    at_ns: int
    """When it was acknowledged."""

    @property
    def name(self) -> str:
        """Its kind and parameters, as text."""
        return f"{self.fault.kind} {json.dumps(self.fault.parameters, sort_keys=True)}"


class ControlEndpoint:
    """The address where faults are asked for; a connection for each question."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise FaultRefusedError(
                "the scenario plants faults, and this target commits none: it has no control endpoint "
                "(leave the [[faults]] tables out)"
            )
        self._host, self._port = parts.hostname, parts.port

    def plant(self, fault: Fault) -> int:
        """Ask for one fault; return the target's number of it.

        Raises:
            FaultRefusedError: the target did not take it.

        """
        answer = self._ask("POST", {"kind": fault.kind, "seed": fault.seed, **fault.parameters}, f"'{fault.kind}'")
        return int(answer["id"])

    def ground_truth(self) -> dict[str, Any]:
        """Return what the target says it has really done.

        Raises:
            FaultRefusedError: it does not say.

        """
        return self._ask("GET", None, "what was planted")

    def _ask(self, method: str, body: object, about: str) -> dict[str, Any]:
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, "/faults", text, {"content-type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise FaultRefusedError(f"the target's control endpoint did not answer about {about}: {error}") from error
        finally:
            connection.close()
        if response.status != 200 or not isinstance(answer, dict):
            why = answer.get("message", answer) if isinstance(answer, dict) else answer
            raise FaultRefusedError(f"the target did not take {about}: {why}")
        return answer


class FaultPlanter:
    """Plants the faults of one run in the order of their times."""

    def __init__(self, endpoint: ControlEndpoint | None, faults: Sequence[Fault]) -> None:
        self._endpoint = endpoint
        self._faults = sorted(faults, key=lambda fault: fault.at_s)
        self._news: queue.SimpleQueue[Planted | FaultRefusedError] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._plant_all, name="faults", daemon=True)
        self._start_ns = 0

    @classmethod
    def for_run(cls, control_url: str, faults: Sequence[Fault]) -> Self:
        """Return the planter of a scenario's faults.

        Raises:
            FaultRefusedError: there are faults, and the target commits none.

        """
        return cls(ControlEndpoint(control_url) if faults else None, faults)

    @property
    def restarts_database(self) -> bool:
        """Whether the database goes away on purpose, and comes back."""
        return any(fault.kind == "restart_postgres" for fault in self._faults)

    def start(self, start_ns: int) -> None:
        """Begin; the load starts at `start_ns`, CLOCK_MONOTONIC."""
        self._start_ns = start_ns
        if self._faults:
            self._thread.start()

    def news(self) -> list[Planted]:
        """Return what was planted since the last call.

        Raises:
            FaultRefusedError: one was not taken; those before it were told.

        """
        planted: list[Planted] = []
        while not self._news.empty():
            told = self._news.get()
            if isinstance(told, FaultRefusedError):
                if planted:
                    self._news.put(told)
                    return planted
                raise told
            planted.append(told)
        return planted

    def ground_truth(self) -> dict[str, Any] | None:
        """Return what the target has really done; None when nothing was to be planted.

        Raises:
            FaultRefusedError: it does not say.

        """
        return None if self._endpoint is None else self._endpoint.ground_truth()

    def close(self) -> None:
        """Plant nothing more."""
        self._ending.set()

    def _plant_all(self) -> None:
        assert self._endpoint is not None
        for fault in self._faults:
            due_ns = self._start_ns + round(fault.at_s * _NS)
            if self._ending.wait(max(0.0, (due_ns - time.monotonic_ns()) / _NS)):
                return
            try:
                number = self._endpoint.plant(fault)
            except FaultRefusedError as error:
                self._news.put(error)
                return
            self._news.put(Planted(fault=fault, number=number, due_ns=due_ns, at_ns=time.monotonic_ns()))
