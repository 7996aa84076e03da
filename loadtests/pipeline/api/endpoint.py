"""From an HTTP request to a handler and back: request id, token, membership, body, and errors as answers.

Each route is one `Endpoint`, an ASGI application of its own: the framework's own request wrapper would cost as
much as a statement. Knows how to ask and answer, not what the routes do.
"""

import asyncio
import dataclasses
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from loadtests.pipeline.api.auth import Member, TokenCheck, find_member
from loadtests.pipeline.api.conditional import entity_tag, is_known
from loadtests.pipeline.api.database import UNAVAILABLE, VALUE_REFUSED, Connection, Pool
from loadtests.pipeline.api.emission import Emission
from loadtests.pipeline.api.errors import Refusal, database_failed, internal_failure, invalid, unreadable_body
from loadtests.pipeline.api.events import Cause
from loadtests.pipeline.api.gates import require_terms
from loadtests.pipeline.api.misbehaviour import Misbehaviour
from loadtests.pipeline.api.request import Request
from loadtests.pipeline.api.stale_replica import StaleReplica
from loadtests.pipeline.api.validation import canonical_uuid
from loadtests.pipeline.settings import ApiOptions

BODY_LIMIT_BYTES = 100_000
DATABASE_READS = b"x-database-reads"
"""Header of each answer to a GET: how many statements the database was asked for it."""
_TRACEPARENT_LENGTH = 55
_NOT_MODIFIED = 304

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Api:
    """What all requests share."""

    pool: Pool
    tokens: TokenCheck
    emission: Emission
    options: ApiOptions
    wall_ns: Callable[[], int]
    not_audited: int = 0
    """Mutations whose audit row could not be written."""
    removed_events: int = 0
    """Events that grew too old."""
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    export_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is work for the export worker."""

    async def call_upstream(self, calls: int) -> None:
        """Take the time of so many calls to other services, one after another."""
        if self.options.upstream_latency_ms and calls:
            await asyncio.sleep(calls * self.options.upstream_latency_ms / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request, with the connection that is its own until the answer is ready."""

    api: Api
    request: Request
    request_id: str
    body: dict[str, Any]
    member: Member
    connection: Connection

    @property
    def cause(self) -> Cause:
        """Who did it, for the rows that tell of it."""
        return Cause(
            organization_id=self.member.organization_id, user_id=self.member.user_id, request_id=self.request_id
        )

    @property
    def now(self) -> datetime:
        """The wall clock's time, in UTC."""
        return datetime.fromtimestamp(self.api.wall_ns() / 1e9, UTC)

    def path_uuid(self, what: str, name: str = "id") -> str:
        """Return the id in the path; a malformed one is the id of nothing."""
        try:
            return canonical_uuid(self.request.path_params[name])
        except ValueError:
            raise Refusal(status=404, message=f"{what} not found") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON object to send with it; keys keep their order."""

    status: int
    content: dict[str, Any]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    rows: int = 0
    """How many rows the original backend would have asked other services about, one by one."""
    is_tagged: bool = False
    """Whether it goes out with an entity tag, and without its body to whom has it."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Calls to other services that the original backend makes for one request, as counted on it."""

    calls: int = 0
    calls_per_row: int = 0


_NO_CALLS = Upstream()

Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class OpenEndpoint:
    """Serve one route that asks neither who is there nor the database."""

    answer: Callable[[], Answer]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        await send_answer(send, self.answer(), request, request_id_of(request))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Serve one route with one handler, for members of an organization."""

    api: Api
    handler: Handler
    _: KW_ONLY
    exempt_from_terms: bool = False
    may_be_stale: bool = False
    """Whether a fault may answer as of a while ago."""
    upstream: Upstream = _NO_CALLS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        request_id = request_id_of(request)
        try:
            answer = await self._answer(request, request_id)
        except Refusal as refusal:
            answer = refused(refusal, request_id)
        except VALUE_REFUSED as error:
            answer = refused(invalid("A value was refused", detail=str(error)), request_id)
        except UNAVAILABLE as error:
            answer = failed(database_failed(), request_id, error)
        except Exception as error:  # noqa: BLE001 - the last resort of a server: answered and logged with its trace
            answer = failed(internal_failure(), request_id, error)
        await send_answer(send, answer, request, request_id)

    async def _answer(self, request: Request, request_id: str) -> Answer:
        user_id = self.api.tokens.subject(request.header(b"authorization"), self.api.wall_ns() / 1e9)
        wanted = request.header(b"x-organization-id") or request.query_param("organization_id")
        body = await read_body(request)
        if not self.api.options.upstream_latency_ms:
            return await self._handled(request, request_id, (user_id, wanted), body)
        # Before a connection is taken and after it is given back: what waits for others must not hold up the pool.
        await self.api.call_upstream(self.upstream.calls + (wanted is not None))
        answer = await self._handled(request, request_id, (user_id, wanted), body)
        await self.api.call_upstream(self.upstream.calls_per_row * answer.rows)
        return answer

    async def _handled(
        self, request: Request, request_id: str, who: tuple[str, str | None], body: dict[str, Any]
    ) -> Answer:
        user_id, wanted = who
        async with self.api.pool.acquire() as connection:
            asked_before = connection.statements
            member = await find_member(connection, user_id, wanted)
            if self.api.options.require_terms and not self.exempt_from_terms:
                await require_terms(connection, user_id)
            call = Call(
                api=self.api,
                request=request,
                request_id=request_id,
                body=body,
                member=member,
                connection=connection,
            )
            if self.may_be_stale and self.api.misbehaviour.replica is not None:
                answer = await self._from_replica(call, self.api.misbehaviour.replica)
            else:
                answer = await self.handler(call)
            return told_reads(answer, connection.statements - asked_before) if request.method == "GET" else answer

    async def _from_replica(self, call: Call, replica: StaleReplica) -> Answer:
        """Answer as a replica that lags, if that makes a difference."""
        present = await self.handler(call)
        async with replica.connection() as behind:
            if behind is None:
                return present
            past = await self.handler(dataclasses.replace(call, connection=behind))
        if past.content == present.content or not replica.served(call.request_id, call.member.user_id):
            return present
        return past


def request_id_of(request: Request) -> str:
    """Return the id that the client gave its request, or a new one."""
    return request.header(b"x-request-id") or str(uuid.uuid4())


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries; none, or an empty one, is an empty object.

    Raises:
        Refusal: 413 for a body beyond the limit, 400 for one that is not a JSON object.

    """
    if request.method == "GET":
        return {}
    received = b""
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        received += message.get("body", b"")
        more = message.get("more_body", False)
        if len(received) > BODY_LIMIT_BYTES:
            raise unreadable_body(413, "request entity too large")
    if not received:
        return {}
    try:
        body = orjson.loads(received)
    except orjson.JSONDecodeError as error:
        raise unreadable_body(400, f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise unreadable_body(400, "The body is not a JSON object")
    return body


def refused(refusal: Refusal, request_id: str) -> Answer:
    """Return the answer to a refused request; the structured form names its error in a header too."""
    error_id = str(uuid.uuid4())
    structured = refusal.explanation is not None
    headers = ((b"x-error-id", error_id.encode()),) if structured else ()
    return Answer(refusal.status, refusal.body(request_id=request_id, error_id=error_id), headers)


def failed(refusal: Refusal, request_id: str, error: BaseException) -> Answer:
    """Return the answer to a request that broke, and log why under the same error id."""
    answer = refused(refusal, request_id)
    _log.error("request %s failed (error id %s)", request_id, answer.content["error_id"], exc_info=error)
    return answer


def told_reads(answer: Answer, statements: int) -> Answer:
    """Return the answer with what it cost the database; what a lagging replica was asked is not counted."""
    return dataclasses.replace(answer, headers=(*answer.headers, (DATABASE_READS, str(statements).encode())))


async def send_answer(send: Send, answer: Answer, request: Request, request_id: str) -> None:
    """Send status, headers and body."""
    status, body = answer.status, orjson.dumps(answer.content)
    headers = [(b"x-request-id", request_id.encode("latin-1")), *answer.headers]
    if answer.is_tagged:
        tag = entity_tag(body, request_id)
        headers.append((b"etag", tag))
        if is_known(tag, request.header(b"if-none-match")):
            status, body = _NOT_MODIFIED, b""
    if status != _NOT_MODIFIED:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    traceparent = request.header(b"traceparent")
    if traceparent is not None and len(traceparent) == _TRACEPARENT_LENGTH:
        trace = traceparent.encode("latin-1")
        headers += [(b"traceparent", trace), (b"x-traceparent", trace)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
