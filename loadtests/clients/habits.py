"""What a client does around its signals: at login, in the background, on the way back, after a lost connection.

Values only: `clients.device` acts on them. How a refresh is carried out is `clients.fetching`'s, when it is due
`clients.gathering`'s.
"""

from dataclasses import dataclass
from enum import IntEnum


class Order(IntEnum):
    """Which comes first when a client starts to watch: the subscription or the fetch."""

    SUBSCRIBE_FIRST = 1
    """Fetch once live: whatever was committed before is in the answer, whatever comes after is pushed."""
    FETCH_FIRST = 2
    """Subscribe when the fetch is answered: what is committed between the two is never seen."""
    TOGETHER = 3
    """Both at once, and neither waits for the other: the fetch usually wins, with the same gap."""


class Background(IntEnum):
    """What becomes of the connection while nobody looks."""

    KEEP_SOCKET = 1
    """Keep it; signals are received and not acted on."""
    UNSUBSCRIBE = 2


class Unauthorized(IntEnum):
    """What a client does when the API does not take its token."""

    RENEW = 1
    """Take a fresh one and ask once more."""
    LOG_OUT = 2
    """As the iOS app does on every 401, whatever its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The life of one kind of client."""

    order: Order = Order.SUBSCRIBE_FIRST
    background: Background = Background.KEEP_SOCKET
    comes_back: bool = True
    """Whether it subscribes and catches up in the foreground; the iOS app as built forgets its organization."""
    catch_up_after_ns: int = 0
    """On the way back, catch up only if no event was seen for so long."""
    catches_up_when_live_again: bool = True
    """Whether it fetches after a reconnect and at each repeated "Subscribed": signals may have been lost before."""
    focus_fetches: bool = False
    """Whether it fetches whenever somebody looks again, whatever was seen (the web's revalidation on focus)."""
    on_unauthorized: Unauthorized = Unauthorized.RENEW
    safety_poll_ns: int | None = None
    """Fetches at least so often while somebody looks, whether or not anything was pushed."""
