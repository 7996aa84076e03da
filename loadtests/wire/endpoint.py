"""Where a target is: the one value that targets hand to drivers.

It holds secrets, so it travels only through pipes between our own processes and never into a run directory.
"""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Addresses and keys of a push pipeline, embedded or external."""

    api_url: str
    """Base of the jobs API, such as `http://127.0.0.1:54321`; routes begin with `/api`."""
    realtime_url: str
    """The WebSocket itself, without query: `ws://127.0.0.1:54322/realtime/v1/websocket`."""
    anon_key: str
    """JWT of role `anon`: the `apikey` of every WebSocket."""
    service_key: str
    """JWT of role `service_role`."""
    jwt_secret: str
    """HS256 secret with which user tokens are minted."""
    database_url: str
    """Owner's connection string, `postgresql://…`, for provisioning and for reading the truth."""
    control_url: str = ""
    """Where faults are asked for, on this machine only; empty where the pipeline commits none."""
    ca_file: str = ""
    """Certificates of authorities to trust beside this machine's; empty for none."""
    supabase_url: str = ""
    """What a Supabase client is created with: the base of `/auth/v1`, `/rest/v1` and `/realtime/v1`; empty where
    accounts and tables are not served."""

    def to_json(self) -> dict[str, str]:
        """Return a JSON object; only for a pipe to a process of ours."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the endpoint that `to_json` wrote."""
        named = [field for field in fields(cls) if field.default is MISSING or field.name in value]
        return cls(**{field.name: str(value[field.name]) for field in named})
