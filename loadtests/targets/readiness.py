"""One job on its way through a whole target, before any load: from the API to a screen, each step observed.

Blocking, a few requests and one WebSocket, and bounded in time. What the observations mean is `checks.readiness`'s
business.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from socket import create_connection
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import orjson
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from loadtests.checks.readiness import Answered, Observed
from loadtests.clients.channel import Channel
from loadtests.wire import phoenix
from loadtests.wire.changes import decode_change
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.phoenix import Reply, System, Vsn
from loadtests.wire.tls import client_context, explain
from loadtests.wire.way import Way

WITHIN_S: Final = 14.0
"""All steps together."""
LIVE_WITHIN_S: Final = 8.0
"""A cold project needs up to three seconds."""
SIGNAL_WITHIN_S: Final = 5.0
_LIST_WITHIN_S: Final = 2.0
_REQUEST_S: Final = 5.0
_LIST: Final = "/api/jobs?page=1&limit=25"
_JOB: Final = {
    "client_name": "Readiness probe",
    "client_type": "commercial",
    "job_type": "inspection",
    "location": "1 Probe Street",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Who sends the job, and who looks at it."""

    endpoint: Endpoint
    organization_id: str
    author_token: str
    member_token: str
    has_event: Callable[[str], bool | None] | None = None
    """Looks whether the database holds an event of a job; None: nobody may."""
    _end_s: float = field(default_factory=lambda: time.monotonic() + WITHIN_S)

    def observe(self) -> Observed:
        """Send one job through the target, and return what was seen on its way."""
        verify: Any = client_context(self.endpoint.ca_file)
        with httpx.Client(base_url=self.endpoint.api_url, timeout=_REQUEST_S, verify=verify) as api:
            before = self._list(api, self.member_token)
            seen = Observed(listed_before=before, realtime_url=self.endpoint.realtime_url)
            return self._through_realtime(api, seen) if before.is_ok else seen

    # ---- Realtime

    def _through_realtime(self, api: httpx.Client, seen: Observed) -> Observed:
        query = urlencode({"apikey": self.endpoint.anon_key, "vsn": Vsn.V2.value})
        secure = client_context(self.endpoint.ca_file) if self.endpoint.realtime_url.startswith("wss") else None
        way, within_s = Way.to(self.endpoint), self._left_s(_REQUEST_S)
        name = way.address[0] if secure else None
        try:
            with (
                create_connection(way.address, timeout=within_s) as raw,
                connect(
                    f"{way.url}?{query}",
                    sock=raw,
                    ssl=secure,
                    server_hostname=name,
                    open_timeout=within_s,
                    close_timeout=1,
                ) as socket,
            ):
                return self._live_and_told(api, socket, seen)
        except InvalidStatus as error:
            told = error.response.body.decode(errors="replace")[:200] if error.response.body else "and says no more"
            return replace(seen, socket_trouble=f"it answers {error.response.status_code}, {told}")
        except (OSError, WebSocketException) as error:
            return replace(seen, socket_trouble=explain(error, self.endpoint.realtime_url))

    def _live_and_told(self, api: httpx.Client, socket: Connection, seen: Observed) -> Observed:
        channel = Channel.of_organization(self.organization_id)
        join = phoenix.join(topic=channel.topic, ref="1", bindings=[channel.binding], access_token=self.member_token)
        socket.send(phoenix.encode_client(join, Vsn.V2).decode(), text=True)
        seen = _wait_live(socket, seen, time.monotonic() + self._left_s(LIVE_WITHIN_S))
        if not seen.is_live:
            return seen
        created, job = self._create(api)
        seen = replace(seen, created=created)
        if job is None:
            return seen
        if not _wait_signal(socket, job, time.monotonic() + self._left_s(SIGNAL_WITHIN_S)):
            return replace(seen, has_event_row=None if self.has_event is None else self.has_event(job))
        return replace(seen, is_signalled=True, is_listed=self._wait_listed(api, job))

    def _left_s(self, most_s: float) -> float:
        """Return how long a step may take."""
        return min(most_s, max(self._end_s - time.monotonic(), 0.1))

    # ---- the jobs API

    def _list(self, api: httpx.Client, token: str) -> Answered:
        answer, body = self._ask(api, "GET", _LIST, token, within_s=self._left_s(_REQUEST_S))
        return replace(answer, has_jobs=isinstance(_jobs(body), list))

    def _create(self, api: httpx.Client) -> tuple[Answered, str | None]:
        answer, body = self._ask(
            api, "POST", "/api/jobs", self.author_token, within_s=self._left_s(_REQUEST_S), body=_JOB
        )
        made = body.get("data", body) if isinstance(body, dict) else None
        job = str(made["id"]) if isinstance(made, dict) and "id" in made and answer.is_ok else None
        return replace(answer, has_jobs=job is not None), job

    def _ask(
        self, api: httpx.Client, method: str, path: str, token: str, *, within_s: float, body: Any = None
    ) -> tuple[Answered, Any]:
        """Return what a request of the contract came to, and its answer in the contract's shape."""
        routes = self.endpoint.route_table
        path, body = routes.path(path), routes.body(body)
        url = f"{str(api.base_url).rstrip('/')}{path}"
        headers = {"authorization": f"Bearer {token}"}
        try:
            answer = api.request(method, path, json=body, headers=headers, timeout=within_s)
        except httpx.HTTPError as error:
            return Answered(url=url, says=explain(error, api.base_url.host)), None
        told = _read(answer.content)
        if told is None:
            return Answered(url=url, status=answer.status_code, says="no JSON", has_jobs=False), None
        says = str(told.get("code") or told.get("message") or "") if isinstance(told, dict) else ""
        return Answered(url=url, status=answer.status_code, says=says), _read(routes.answer(answer.content))

    def _wait_listed(self, api: httpx.Client, job: str) -> bool:
        deadline_s = time.monotonic() + self._left_s(_LIST_WITHIN_S)
        while True:
            _, body = self._ask(api, "GET", _LIST, self.member_token, within_s=self._left_s(_REQUEST_S))
            if any(isinstance(each, dict) and each.get("id") == job for each in _jobs(body) or ()):
                return True
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.1)


def _read(content: bytes) -> Any:
    """Return an answer's JSON; None: it is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def has_event_by_rest(endpoint: Endpoint, job: str) -> bool | None:
    """Return whether the tables' API shows an event of a job; None: it does not say."""
    verify: Any = client_context(endpoint.ca_file)
    try:
        answer = httpx.get(
            f"{endpoint.supabase_url}/rest/v1/realtime_events",
            params={"select": "id", "entity_id": f"eq.{job}", "limit": "1"},
            headers={"apikey": endpoint.service_key, "authorization": f"Bearer {endpoint.service_key}"},
            timeout=_LIST_WITHIN_S,
            verify=verify,
        )
    except httpx.HTTPError:
        return None
    return bool(answer.json()) if answer.is_success else None


def _jobs(body: Any) -> list[Any] | None:
    """Return the jobs of a list's answer, wrapped in `data` or bare; None: it is no list."""
    jobs = body.get("data") if isinstance(body, dict) else body
    return jobs if isinstance(jobs, list) else None


def _wait_live(socket: Connection, seen: Observed, deadline_s: float) -> Observed:
    while (frame := _receive(socket, deadline_s)) is not None:
        message = phoenix.read_server(frame, Vsn.V2)
        if isinstance(message, Reply) and message.ref == "1" and not message.ok:
            return replace(seen, join_refusal=message.reason or "no reason given")
        if isinstance(message, System) and message.extension == "postgres_changes":
            if message.is_subscribed:
                return replace(seen, is_live=True)
            return replace(seen, subscription_refusal=message.message)
    return seen


def _wait_signal(socket: Connection, job: str, deadline_s: float) -> bool:
    while (frame := _receive(socket, deadline_s)) is not None:
        change = decode_change(frame)
        if change is not None and change.entity_id == job:
            return True
    return False


def _receive(socket: Connection, deadline_s: float) -> bytes | None:
    """Return the next frame's text; None: none came in time."""
    try:
        frame = socket.recv(timeout=max(deadline_s - time.monotonic(), 0.0))
    except TimeoutError:
        return None
    return frame.encode() if isinstance(frame, str) else frame
