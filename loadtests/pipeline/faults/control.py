"""The control endpoint: faults asked for, ended and accounted for over HTTP, on the loopback address alone.

`POST /faults`, `GET /faults`, `DELETE /faults/ID`. Knows HTTP and JSON; what a fault does is the supervision's.
"""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final, Protocol

import orjson

from loadtests.pipeline.faults.kinds import Fault, FaultRefused, read_fault
from loadtests.pipeline.settings import LOOPBACK

_MAX_BODY_BYTES: Final = 64 * 1024
_CLIENT_TIMEOUT_S: Final = 10

log = logging.getLogger(__name__)


class Control(Protocol):
    """What the endpoint passes its requests on to, from any thread."""

    def begin(self, fault: Fault) -> int:
        """Return the id of a fault that has begun; raises FaultRefused if it cannot here."""

    def end(self, number: int) -> bool:
        """End a fault; return whether there is one with this id."""

    def truth(self) -> Mapping[str, Any]:
        """Return all faults and what they did."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    """A request may wait for a supervisor that has ended."""

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which nobody asks for and which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]


@contextmanager
def control_endpoint(control: Control) -> Iterator[str]:
    """Serve within the block; yields the endpoint's address."""
    with _Server((LOOPBACK, 0), _handler_for(control)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="control", daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _handler_for(control: Control) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class, not a branch
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        timeout = _CLIENT_TIMEOUT_S

        def do_POST(self) -> None:
            if self.path != "/faults":
                self._answer(HTTPStatus.NOT_FOUND, {"message": "POST goes to /faults"})
                return
            try:
                number = control.begin(read_fault(self._body()))
            except FaultRefused as refusal:
                self._answer(HTTPStatus.BAD_REQUEST, {"message": str(refusal)})
            else:
                self._answer(HTTPStatus.OK, {"id": number})

        def do_GET(self) -> None:
            if self.path == "/faults":
                self._answer(HTTPStatus.OK, control.truth())
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"message": "GET goes to /faults"})

        def do_DELETE(self) -> None:
            found = re.fullmatch(r"/faults/(\d{1,9})", self.path)
            if found and control.end(int(found[1])):
                self._answer(HTTPStatus.OK, {"id": int(found[1])})
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"message": "there is no such fault; GET /faults lists them"})

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            log.info("control: " + format, *args)  # noqa: G003 - the library's own formatting

        def _body(self) -> object:
            size = self.headers.get("content-length", "")
            if not size.isdecimal() or int(size) > _MAX_BODY_BYTES:
                raise FaultRefused(f"the body needs a content-length of at most {_MAX_BODY_BYTES} bytes")
            try:
                body: object = orjson.loads(self.rfile.read(int(size)))
            except orjson.JSONDecodeError as error:
                raise FaultRefused(f"the body is not JSON: {error}") from None
            return body

        def _answer(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
            body = orjson.dumps(content)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
