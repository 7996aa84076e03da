"""Where a target is: the one value that targets hand to drivers.

It holds secrets, so it travels only through pipes between our own processes and never into a run directory; printed,
it shows none.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from typing import Any, Self

from loadtests.wire.routes import Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Addresses and keys of a push pipeline, embedded or external."""

    api_url: str
    """Base of the jobs API, such as `http://127.0.0.1:54321`; routes begin with `/api`."""
    realtime_url: str
    """The WebSocket itself, without query: `ws://127.0.0.1:54322/realtime/v1/websocket`."""
    anon_key: str = field(repr=False)
    """JWT of role `anon`: the `apikey` of every WebSocket."""
    service_key: str = field(repr=False)
    """JWT of role `service_role`."""
    jwt_secret: str = field(repr=False)
    """HS256 secret with which user tokens are minted."""
    database_url: str = field(repr=False)
    """Owner's connection string, `postgresql://…`, for provisioning and for reading the truth."""
    realtime_host: str = ""
    """`Host` header of the WebSocket, where it is not that of its URL."""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Access tokens of users by their id, where they are given instead of minted."""
    routes: Mapping[str, Any] = field(default_factory=dict)
    """Where its jobs API differs from the contract, as `Routes.to_json` writes it; empty: nowhere."""
    control_url: str = ""
    """Where faults are asked for, on this machine only; empty where the pipeline commits none."""
    ca_file: str = ""
    """Certificates of authorities to trust beside this machine's; empty for none."""
    supabase_url: str = ""
    """What a Supabase client is created with: the base of `/auth/v1`, `/rest/v1` and `/realtime/v1`; empty where
    accounts and tables are not served."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; only for a pipe to a process of ours."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the endpoint that `to_json` wrote."""
        named = [each.name for each in fields(cls) if _is_required(each) or each.name in value]
        return cls(**{name: value[name] for name in named})

    @property
    def route_table(self) -> Routes:
        """How the contract's requests and answers are translated for its jobs API."""
        return Routes(**self.routes)

    def with_tokens(self, tokens: Mapping[str, str]) -> Self:
        """Return the same with tokens of users."""
        return replace(self, tokens=dict(tokens))


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING
