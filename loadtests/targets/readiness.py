"""One job on its way through a whole target, before any load: from the API to a screen, each step observed.

Blocking, a few requests and one WebSocket, and bounded in time twice: each step is given a part of one budget, and
whoever asks waits no longer than that for all of them. What the observations mean is `checks.readiness`'s business.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from socket import create_connection
from socket import socket as Socket  # noqa: N812 - `socket` is the WebSocket here
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from loadtests.checks.readiness import Answered, Observed
from loadtests.clients.channel import Channel
from loadtests.clients.requests import PAGE_LIMIT, RequestKey
from loadtests.targets.answers import answered, has_job, read_json, unanswered, unreadable_revision
from loadtests.targets.budget import Budget
from loadtests.targets.routes_in_use import NOTHING, Asked, Use, requests_of
from loadtests.wire import phoenix
from loadtests.wire.changes import decode_change
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.identifiers import text_of
from loadtests.wire.phoenix import Reply, System, Vsn
from loadtests.wire.routes import CONTRACT, LISTS
from loadtests.wire.tls import client_context, explain
from loadtests.wire.way import Way

WITHIN_S: Final = 10.5
"""All steps together, as far as they keep what they are given."""
STEPS: Final = 15
"""Each may take a last moment more: the list, a connection, an upgrade, a join, a job, its signal, its listing and that
answer; then the seven routes that a run may use besides."""
LOOK_WITHIN_S: Final = 2
"""For the event's row, when no signal came."""
AT_LAST_S: Final = 14.5
"""Nobody is waited for any longer, such as a server that sends a byte now and then, or a look-up of a name."""
LIVE_WITHIN_S: Final = 8.0
"""A cold project needs up to three seconds."""
SIGNAL_WITHIN_S: Final = 5.0
_LIST_WITHIN_S: Final = 2.0
_REQUEST_S: Final = 5.0
_LIST: Final = RequestKey.job_list(limit=PAGE_LIMIT).path
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
    jobs: int = 0
    """How many jobs the organization is known to have."""
    use: Use = NOTHING
    """What else the run will ask for."""
    within_s: float = WITHIN_S
    """How long all steps may take together, as far as they keep what they are given."""
    signal_within_s: float = SIGNAL_WITHIN_S
    """How long the event of its job is waited for."""
    clock: Callable[[], float] = time.monotonic
    _step: list[str] = field(default_factory=lambda: ["the probe"])
    """What is under way."""

    def observe(self, at_last_s: float = AT_LAST_S) -> Observed:
        """Send one job through the target, and return what was seen on its way, after `at_last_s` in any case."""
        told: list[Observed | BaseException] = []

        def look() -> None:
            try:
                told.append(self._observe(Budget(total_s=self.within_s, clock=self.clock)))
            except BaseException as error:  # noqa: BLE001 - whoever waits raises it
                told.append(error)

        # Nothing ends a look-up or a read from outside: who is stuck there is left behind.
        thread = threading.Thread(target=look, name="readiness probe", daemon=True)
        thread.start()
        thread.join(at_last_s)
        if not told:
            nothing = Answered(url=self.endpoint.api_url)
            return Observed(listed_before=nothing, realtime_url=self.endpoint.realtime_url, stuck_in=self._step[-1])
        if isinstance(told[0], BaseException):
            raise told[0]
        return told[0]

    def _observe(self, budget: Budget) -> Observed:
        verify: Any = client_context(self.endpoint.ca_file)
        with httpx.Client(trust_env=False, base_url=self.endpoint.api_url, timeout=_REQUEST_S, verify=verify) as api:
            before, jobs = self._list(api, budget)
            seen = Observed(
                listed_before=before,
                realtime_url=self.endpoint.realtime_url,
                jobs_listed=None if jobs is None else len(jobs),
                jobs_there=min(self.jobs, PAGE_LIMIT),
            )
            return self._through_realtime(api, seen, budget) if before.is_ok else seen

    # ---- Realtime

    def _through_realtime(self, api: httpx.Client, seen: Observed, budget: Budget) -> Observed:
        self._step.append(f"the WebSocket at {self.endpoint.realtime_url}")
        query = urlencode({"apikey": self.endpoint.anon_key, "vsn": Vsn.V2.value})
        secure = client_context(self.endpoint.ca_file) if self.endpoint.realtime_url.startswith("wss") else None
        way = Way.to(self.endpoint)
        name = way.address[0] if secure else None
        try:
            with (
                _connected(way.address, budget.left_s(_REQUEST_S)) as raw,
                connect(
                    f"{way.url}?{query}",
                    sock=raw,
                    proxy=None,
                    ssl=secure,
                    server_hostname=name,
                    open_timeout=budget.left_s(_REQUEST_S),
                    close_timeout=0.5,
                ) as socket,
            ):
                return self._live_and_told(api, socket, seen, budget=budget)
        except InvalidStatus as error:
            told = error.response.body.decode(errors="replace")[:200] if error.response.body else "and says no more"
            return replace(seen, socket_trouble=f"it answers {error.response.status_code}, {told}")
        except (OSError, WebSocketException) as error:
            return replace(seen, socket_trouble=explain(error, way.address[0]))

    def _live_and_told(self, api: httpx.Client, socket: Connection, seen: Observed, *, budget: Budget) -> Observed:
        channel = Channel.of_organization(self.organization_id)
        join = phoenix.join(topic=channel.topic, ref="1", bindings=[channel.binding], access_token=self.member_token)
        socket.send(phoenix.encode_client(join, Vsn.V2).decode(), text=True)
        ears = _Ears(socket, self.clock)
        seen = ears.wait_live(seen, budget.until_s(LIVE_WITHIN_S))
        if not seen.is_live:
            return seen
        created, job = self._create(api, budget)
        seen = replace(seen, created=created)
        if job is None:
            return seen
        if not ears.wait_signal(job, budget.until_s(self.signal_within_s)):
            self._step.append("the look for the job's event")
            return replace(seen, has_event_row=None if self.has_event is None else self.has_event(job))
        is_listed = self._wait_listed(api, job, budget)
        refused = self._refused(api, job, budget) if is_listed else None
        return replace(seen, is_signalled=True, is_listed=is_listed, refused=refused)

    # ---- the jobs API

    def _list(self, api: httpx.Client, budget: Budget) -> tuple[Answered, list[Any] | None]:
        asked = Asked(what="the jobs list", method="GET", path=_LIST, by_author=False, list_of="jobs")
        answer, jobs = self._ask(api, asked, budget)
        return answer, jobs if isinstance(jobs, list) else None

    def _create(self, api: httpx.Client, budget: Budget) -> tuple[Answered, str | None]:
        asked = Asked(what="a new job", method="POST", path=CONTRACT["jobs"], by_author=True, body=_JOB)
        answer, made = self._ask(api, asked, budget)
        if not answer.is_ok:
            return answer, None
        if (why := unreadable_revision(made)) is not None:
            return replace(answer, is_understood=False, says=why), None
        return answer, str(made["id"])

    def _refused(self, api: httpx.Client, job: str, budget: Budget) -> tuple[str, Answered] | None:
        """Return the first of the other routes that does not do what is asked, and what it answered."""
        for asked in requests_of(self.use, job):
            answer, _ = self._ask(api, asked, budget)
            if not answer.is_ok:
                return asked.what, answer
        return None

    def _ask(self, api: httpx.Client, asked: Asked, budget: Budget) -> tuple[Answered, Any]:
        """Return what a request of the contract came to, and the list or the job that it told."""
        routes = self.endpoint.route_table
        path = routes.path(asked.path)
        url = f"{str(api.base_url).rstrip('/')}{path}"
        token = self.author_token if asked.by_author else self.member_token
        self._step.append(f"{asked.method} {url}")
        try:
            answer = api.request(
                asked.method,
                path,
                json=routes.body(asked.body),
                headers={"authorization": f"Bearer {token}"},
                timeout=budget.left_s(_REQUEST_S),
            )
        except httpx.HTTPError as error:
            return unanswered(url, error), None
        told = _inner(read_json(routes.answer(answer.content, asked.list_of)), asked.list_of)
        is_it = (
            isinstance(told, list)
            if asked.list_of
            else isinstance(told, dict) and (not asked.tells_job or text_of(told.get("id")) is not None)
        )
        return replace(answered(url, answer), is_understood=is_it), told

    def _wait_listed(self, api: httpx.Client, job: str, budget: Budget) -> bool:
        deadline_s = budget.until_s(_LIST_WITHIN_S)
        while True:
            _, jobs = self._list(api, budget)
            if has_job(jobs, job):
                return True
            if self.clock() > deadline_s:
                return False
            time.sleep(0.1)


def _connected(address: tuple[str, int], within_s: float) -> Socket:
    """Return a socket that is connected within the time given, and waits for ever from then on.

    The time of a connection would go on as that of each reading: a server that is quiet for so long would be lost.
    """
    connected = create_connection(address, timeout=within_s)
    connected.settimeout(None)
    return connected


def _inner(told: Any, list_of: str) -> Any:
    """Return what an answer of the contract wraps; a flag's stands bare."""
    inner = told.get("data", told) if isinstance(told, dict) else None
    return inner.get(LISTS[list_of]) if LISTS.get(list_of) and isinstance(inner, dict) else inner


def has_event_by_rest(endpoint: Endpoint, job: str) -> bool | None:
    """Return whether the tables' API shows an event of a job; None: it does not say."""
    verify: Any = client_context(endpoint.ca_file)
    try:
        answer = httpx.get(
            f"{endpoint.supabase_url}/rest/v1/realtime_events",
            params={"select": "id", "entity_id": f"eq.{job}", "limit": "1"},
            headers={"apikey": endpoint.service_key, "authorization": f"Bearer {endpoint.service_key}"},
            timeout=LOOK_WITHIN_S,
            verify=verify,
            trust_env=False,
        )
    except httpx.HTTPError:
        return None
    return bool(answer.json()) if answer.is_success else None


@dataclass(frozen=True, slots=True)
class _Ears:
    """Hears what comes on a WebSocket until a stamp of the clock."""

    socket: Connection
    clock: Callable[[], float]

    def wait_live(self, seen: Observed, deadline_s: float) -> Observed:
        """Return what the server said of the join, until changes flow."""
        while (frame := self._receive(deadline_s)) is not None:
            message = phoenix.read_server(frame, Vsn.V2)
            if isinstance(message, Reply) and message.ref == "1" and not message.ok:
                return replace(seen, join_refusal=message.reason or "no reason given")
            if isinstance(message, System) and message.extension == "postgres_changes":
                if message.is_subscribed:
                    return replace(seen, is_live=True)
                return replace(seen, subscription_refusal=message.message)
        return seen

    def wait_signal(self, job: str, deadline_s: float) -> bool:
        """Return whether an event of the job came."""
        while (frame := self._receive(deadline_s)) is not None:
            change = decode_change(frame)
            if change is not None and change.entity_id == job:
                return True
        return False

    def _receive(self, deadline_s: float) -> bytes | None:
        """Return the next frame's text; None: none came in time."""
        try:
            frame = self.socket.recv(timeout=max(deadline_s - self.clock(), 0.0))
        except TimeoutError:
            return None
        return frame.encode() if isinstance(frame, str) else frame
