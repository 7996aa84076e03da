"""What the embedded pipeline can be told, and the first message that each of its processes is sent.

Plain values with their defaults; every process reads its own from the JSON of its hello. Knows nothing of
scenarios: whoever starts a pipeline translates its own words into these.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import msgspec

from loadtests.wire.plans import PlanName

LOOPBACK = "127.0.0.1"
"""The only address the pipeline ever listens on."""


class _Json:
    """What all of these have in common: they travel as JSON objects."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        converted: dict[str, Any] = msgspec.to_builtins(self)
        return converted

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote; keys left out keep their defaults, a wrong type is refused by its key."""
        return msgspec.convert(value, cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions(_Json):
    """How the jobs API behaves."""

    plan_gates: bool = False
    """Refuse what an organization's plan does not include."""
    require_terms: bool = False
    """Refuse users who have not accepted the terms."""
    emit_audit_events: bool = False
    """Emit a second event, `audit.…`, for the audit row of each mutation."""
    evidence_required: int = 5
    """Documents that a job asks for; appears in a job's readiness only."""
    pool_size: int = 8
    """Connections to the database."""
    as_built: bool = False
    """Do as today's code does where it differs from the design: tell of a new job before its risk is scored, wait
    for an event however long it takes, emit only the first five types, never delete an audited job."""
    event_limit: Literal["label", "coalesce"] = "label"
    """Beyond so many events a minute of one organization: `label` gives the rows a `dedupe_key`, as coded today;
    `coalesce` lets one event of each key and minute reach the table, as designed."""
    events_per_minute: int = 100
    """Where the limit lies."""
    emission_timeout_ms: int = 2000
    """A mutation waits this long for its event to be stored, then answers without it; not if `as_built`."""
    upstream_latency_ms: float = 0.0
    """Latency of each call that the original backend makes to other services while it answers a request."""
    retention_hours: float = 24.0
    """Events older than this are removed."""
    retention_every_s: float = 3600.0
    """How often; 0 is never."""
    export_poll_s: float = 5.0
    """How often the export worker looks for work; a new request wakes it at once, but not if `as_built`."""

    def __post_init__(self) -> None:
        assert self.evidence_required >= 0, self.evidence_required
        assert self.pool_size >= 1, self.pool_size
        assert self.events_per_minute >= 1, self.events_per_minute
        for positive in (self.emission_timeout_ms, self.retention_hours, self.export_poll_s):
            assert positive > 0, positive
        for not_negative in (self.upstream_latency_ms, self.retention_every_s):
            assert not_negative >= 0, not_negative
        assert not (self.as_built and self.emit_audit_events), "today's code emits no audit events: drop one option"
        assert not (self.as_built and self.event_limit == "coalesce"), "today's code only labels: drop one option"


FeedName = Literal["streaming", "supabase"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeOptions(_Json):
    """How the Realtime server behaves."""

    feed: FeedName = "streaming"
    """How changes are read: `streaming` takes each commit from the write-ahead log as it happens, `supabase` polls
    for them as the real server does, with its delays, its cold start and its losses."""
    plan: PlanName = "unlimited"
    """The limits on connections, joins, channels and messages."""
    rls_check_us: int = 48
    """With `supabase`: what one (row, subscriber) pair takes the real server, on average; its knee is where a
    second's pairs take a second. 0 lets each poll be as fast as this machine."""
    delay_scale: float = 1.0
    """Scales the deliberate delays: 1 takes 2 s to refuse an upgrade and 5 s to refuse a join, as the real server."""
    tenant: str | None = None
    """The tenant's name, which must be the first label of the `Host` header; None takes any."""
    heartbeat_timeout_s: float = 60.0
    """A socket that has been silent for this long is closed."""
    no_channel_timeout_s: float = 600.0
    """How often sockets without a channel are looked for and ended; 0 is never."""
    private_only: bool = False
    """Refuse every channel that is not private."""
    max_send_buffer_bytes: int = 1 << 20
    """A socket with more than this unsent is too slow and is closed."""

    def __post_init__(self) -> None:
        assert self.rls_check_us >= 0, self.rls_check_us
        assert self.delay_scale >= 0, self.delay_scale
        assert self.heartbeat_timeout_s > 0, self.heartbeat_timeout_s
        assert self.no_channel_timeout_s >= 0, self.no_channel_timeout_s
        assert self.max_send_buffer_bytes > 0, self.max_send_buffer_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions(_Json):
    """Whether and how notifications are pushed to devices whose app is closed."""

    endpoint_url: str | None = None
    """The push service, `http://host:port`: HTTP/2 in clear text with prior knowledge. None pushes nothing."""
    topic: str = "org.example.jobs"
    """The app's bundle id."""
    poll_ms: int = 200
    """How often the sender looks for work when there was none."""
    batch: int = 200
    """Deliveries sent at once, at most."""
    request_timeout_ms: int = 5000
    """A request without an answer for this long is tried again on another connection."""
    first_backoff_ms: int = 500
    """Pause before the second attempt; it doubles with each further one."""
    longest_backoff_ms: int = 60_000
    max_attempts: int = 10
    """After so many a delivery is given up."""

    def __post_init__(self) -> None:
        assert self.endpoint_url is None or self.endpoint_url.startswith("http://"), (
            f"{self.endpoint_url}: the sender speaks HTTP/2 in clear text only; begin with http://"
        )
        for positive in (self.poll_ms, self.batch, self.request_timeout_ms, self.first_backoff_ms, self.max_attempts):
            assert positive >= 1, positive
        assert self.longest_backoff_ms >= self.first_backoff_ms, self.longest_backoff_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHello(_Json):
    """The first message to the jobs API; its answer is `{"is": "ready", "port": N}`."""

    database_url: str
    jwt_secret: str
    port: int = 0
    """Port to listen on; 0 takes a free one."""
    options: ApiOptions = field(default_factory=ApiOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeHello(_Json):
    """The first message to the Realtime server; its answer is `{"is": "ready", "port": N}`."""

    database_url: str
    jwt_secret: str
    port: int = 0
    """Port to listen on; 0 takes a free one."""
    options: RealtimeOptions = field(default_factory=RealtimeOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushHello(_Json):
    """The first message to the push sender; its answer is `{"is": "ready"}`."""

    database_url: str
    signing_secret: str
    """Signs the token with which the sender proves to the push service who it is."""
    options: PushOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions(_Json):
    """How accounts and tables are served."""

    pool_size: int = 4
    """Connections to the database."""
    max_rows: int = 1000
    """Rows in one answer, at most, whatever the request says; a hosted project's own limit."""
    token_lifetime_s: int = 3600
    """How long a user's token is valid."""

    def __post_init__(self) -> None:
        for positive in (self.pool_size, self.max_rows, self.token_lifetime_s):
            assert positive >= 1, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayHello(_Json):
    """The first message to the gateway; its answer is `{"is": "ready", "port": N}`."""

    database_url: str
    jwt_secret: str
    anon_key: str
    service_key: str
    realtime_port: int
    """Where WebSockets are passed on to."""
    port: int = 0
    """Port to listen on; 0 takes a free one."""
    options: GatewayOptions = field(default_factory=GatewayOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings(_Json):
    """The first message to the supervisor: what to start, and where."""

    directory_parent: str = field(default_factory=tempfile.gettempdir)
    """Folder in which the pipeline makes its own temporary directory, and removes it at the end."""
    database_url: str | None = None
    """An existing PostgreSQL server to use, `postgresql://…`; None starts one of our own."""
    api_port: int = 0
    realtime_port: int = 0
    gateway_port: int = 0
    """Ports to listen on; 0 takes a free one."""
    gateway: bool = True
    """Serve accounts and tables too, and all of it at one address, as a Supabase client wants it."""
    api: ApiOptions = field(default_factory=ApiOptions)
    realtime: RealtimeOptions = field(default_factory=RealtimeOptions)
    accounts: GatewayOptions = field(default_factory=GatewayOptions)
    push: PushOptions = field(default_factory=PushOptions)
    push_sink: bool = False
    """Start a push service too, one that accepts everything, and send to it."""

    def __post_init__(self) -> None:
        assert not (self.push_sink and self.push.endpoint_url), "two push services: drop one option"
        for port in (self.api_port, self.realtime_port, self.gateway_port):
            assert 0 <= port < 65536, port
