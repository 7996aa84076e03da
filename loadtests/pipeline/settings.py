"""What the embedded pipeline can be told, and the first message that each of its processes is sent.

Plain values with their defaults; every process reads its own from the JSON of its hello. Knows nothing of
scenarios: whoever starts a pipeline translates its own words into these.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import msgspec

LOOPBACK = "127.0.0.1"
"""The only address the pipeline ever listens on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
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

    def __post_init__(self) -> None:
        assert self.evidence_required >= 0, self.evidence_required
        assert self.pool_size >= 1, self.pool_size

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return _to_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote; keys left out keep their defaults."""
        return msgspec.convert(value, cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeOptions:
    """How the Realtime server behaves."""

    feed: Literal["streaming"] = "streaming"
    """How changes are read: `streaming` takes each commit from the write-ahead log as it happens."""
    heartbeat_timeout_s: float = 60.0
    """A socket that has been silent for this long is closed."""
    max_send_buffer_bytes: int = 1 << 20
    """A socket with more than this unsent is too slow and is closed."""

    def __post_init__(self) -> None:
        assert self.heartbeat_timeout_s > 0, self.heartbeat_timeout_s
        assert self.max_send_buffer_bytes > 0, self.max_send_buffer_bytes

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return _to_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote; keys left out keep their defaults."""
        return msgspec.convert(value, cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHello:
    """The first message to the jobs API; its answer is `{"is": "ready", "port": N}`."""

    database_url: str
    jwt_secret: str
    port: int = 0
    """Port to listen on; 0 takes a free one."""
    options: ApiOptions = field(default_factory=ApiOptions)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return _to_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return msgspec.convert(value, cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeHello:
    """The first message to the Realtime server; its answer is `{"is": "ready", "port": N}`."""

    database_url: str
    jwt_secret: str
    port: int = 0
    """Port to listen on; 0 takes a free one."""
    options: RealtimeOptions = field(default_factory=RealtimeOptions)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return _to_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return msgspec.convert(value, cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """The first message to the supervisor: what to start, and where."""

    directory_parent: str = field(default_factory=tempfile.gettempdir)
    """Folder in which the pipeline makes its own temporary directory, and removes it at the end."""
    database_url: str | None = None
    """An existing PostgreSQL server to use, `postgresql://…`; None starts one of our own."""
    api_port: int = 0
    realtime_port: int = 0
    """Ports to listen on; 0 takes a free one."""
    api: ApiOptions = field(default_factory=ApiOptions)
    realtime: RealtimeOptions = field(default_factory=RealtimeOptions)

    def __post_init__(self) -> None:
        for port in (self.api_port, self.realtime_port):
            assert 0 <= port < 65536, port

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return _to_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote; keys left out keep their defaults."""
        return msgspec.convert(value, cls)


def _to_json(value: object) -> dict[str, Any]:
    converted: dict[str, Any] = msgspec.to_builtins(value)
    return converted
