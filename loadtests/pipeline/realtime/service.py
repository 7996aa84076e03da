"""What all sockets of one server share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.pipeline.realtime.claims import TokenVerifier
from loadtests.pipeline.realtime.counters import Counters
from loadtests.pipeline.realtime.limits import Limits
from loadtests.pipeline.realtime.message_policies import MessagePolicies
from loadtests.pipeline.realtime.moment import Moment
from loadtests.pipeline.realtime.rooms import Rooms
from loadtests.pipeline.realtime.subscriptions import Subscriptions
from loadtests.pipeline.settings import RealtimeOptions

if TYPE_CHECKING:
    from loadtests.pipeline.realtime.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts, each described in its own module."""

    options: RealtimeOptions
    verifier: TokenVerifier
    subscriptions: Subscriptions
    policies: MessagePolicies
    limits: Limits
    rooms: Rooms
    counters: Counters
    now: Callable[[], Moment]
    open_connections: "set[Connection]"
