"""The planter, against an HTTP server that takes faults and refuses some."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loadtests.drivers.faults import FaultPlanter, FaultRefusedError, Planted
from loadtests.scenario.faults import Fault


class Handler(BaseHTTPRequestHandler):
    """Answers as the control endpoint does."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Take a fault, unless it is a kill."""
        fault = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if fault["kind"] == "kill":
            self._answer(400, {"message": "nobody is killed here"})
            return
        self.asked.append(fault)
        self._answer(200, {"id": len(self.asked)})

    def do_GET(self) -> None:
        """Tell what was asked for."""
        self._answer(200, {"faults": self.asked})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def control_url() -> Iterator[str]:
    """Yield the address of a control endpoint."""
    handler = type("FreshHandler", (Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def fault_of(kind: str, at_s: float, **parameters: Any) -> Fault:
    """Return one fault."""
    return Fault.model_validate({"kind": kind, "at_s": at_s, **parameters})


def wait_for_news(planter: FaultPlanter, count: int) -> list[Planted]:
    """Return the first `count` planted faults."""
    told: list[Planted] = []
    deadline = time.monotonic() + 10
    while len(told) < count and time.monotonic() < deadline:
        told += planter.news()
        threading.Event().wait(0.005)
    return told


def test_faults_are_planted_in_the_order_of_their_times(control_url: str) -> None:
    """Not before they are due, whatever their order in the scenario."""
    faults = [fault_of("drop", 0.05, count=3, seed=9), fault_of("slot_lost", 0.0)]
    planter = FaultPlanter.for_run(control_url, faults)
    start_ns = time.monotonic_ns()
    planter.start(start_ns)

    told = wait_for_news(planter, 2)

    assert [(each.fault.kind, each.number, each.due_ns - start_ns) for each in told] == [
        ("slot_lost", 1, 0),
        ("drop", 2, 50_000_000),
    ]
    assert all(each.at_ns >= each.due_ns for each in told)
    assert told[1].name == 'drop {"count": 3}'
    assert planter.ground_truth() == {
        "faults": [{"kind": "slot_lost", "seed": 1}, {"kind": "drop", "seed": 9, "count": 3}]
    }


def test_a_refusal_is_told_after_what_was_planted(control_url: str) -> None:
    """With the target's own words."""
    planter = FaultPlanter.for_run(
        control_url, [fault_of("slot_lost", 0.0), fault_of("kill", 0.01, part="api"), fault_of("slot_lost", 0.02)]
    )
    planter.start(time.monotonic_ns())

    with pytest.raises(FaultRefusedError, match="did not take 'kill': nobody is killed here"):
        wait_for_news(planter, 3)


def test_a_closed_planter_plants_nothing_more(control_url: str) -> None:
    """The fault that was due in an hour never comes."""
    planter = FaultPlanter.for_run(control_url, [fault_of("slot_lost", 3600)])
    planter.start(time.monotonic_ns())
    planter.close()

    assert planter.ground_truth() == {"faults": []}
    assert planter.news() == []


def test_a_target_without_control_endpoint_takes_no_faults() -> None:
    """Said before anything starts; without faults nothing is asked."""
    with pytest.raises(FaultRefusedError, match="no control endpoint"):
        FaultPlanter.for_run("", [fault_of("slot_lost", 0)])

    assert FaultPlanter.for_run("", []).ground_truth() is None


def test_a_target_that_does_not_answer_is_told() -> None:
    """Nobody listens on port 1."""
    planter = FaultPlanter.for_run("http://127.0.0.1:1", [fault_of("slot_lost", 0)])

    with pytest.raises(FaultRefusedError, match="did not answer about what was planted"):
        planter.ground_truth()
