"""Proxies that the environment names: the harness goes past all of them, and says so before it begins. Pure.

A proxy on the way would be measured as the target's. Half of the clients would use one and half would not, so that no
two numbers were of the same way; therefore none does. What makes each client go past them is with the client: `httpx`
is told to trust no environment, and child processes inherit NO_PROXY=* for those of other people.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_SUFFIX: Final = "_proxy"
_EXCEPTIONS: Final = "no_proxy"


def proxy_note(environment: Mapping[str, str], hosts: Sequence[str]) -> str | None:
    """Return what to know where proxies are named and hosts are other machines; None: there is nothing to know.

    Variables by their names alone: a proxy's address may hold a password.
    """
    names = sorted(
        name
        for name, value in environment.items()
        if name.lower().endswith(_SUFFIX) and name.lower() != _EXCEPTIONS and value
    )
    if not names or not hosts:
        return None
    told = f"{' and '.join(names)} {'names a proxy' if len(names) == 1 else 'name proxies'}"
    return (
        f"{told}, which the harness does not use: all its clients connect to {', '.join(hosts)} directly, because a "
        "proxy's time would count as the target's; where there is no way but through a proxy, run it from a machine "
        "that has one"
    )
