"""Who may be put under load, and how much: hosts that were allowed and confirmed by name, and caps that nobody passes.

Pure, and before anything is started. Files and command lines are read elsewhere.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from loadtests.checks.expected_load import ExpectedLoad

_LOCAL_NAMES: Final = ("localhost", "localhost.localdomain")


class GuardError(ValueError):
    """The load must not begin. The text says why, and what allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that a target's owner lets a run do; None is no cap."""

    connections: int | None = None
    """WebSockets at once."""
    mutations: int | None = None
    """In the whole run, warm-up included."""
    mutations_per_s: float | None = None
    duration_s: float | None = None
    """Of the load, drain excluded."""


NO_CAPS: Final = Caps()


def host_of(url: str) -> str:
    """Return the host that a URL names, in lower case and without its port; nothing for none."""
    return (urlsplit(url).hostname or "").lower()


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or address alone: nothing is looked up."""
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def external_hosts(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts of `urls` that are not this machine, each once, in their order."""
    return tuple(dict.fromkeys(host for url in urls if (host := host_of(url)) and not is_loopback(host)))


def read_allowed(text: str) -> frozenset[str]:
    """Return the hosts of an allow-list: one a line, `#` begins a comment. No patterns: each host by its own name."""
    lines = (line.partition("#")[0].strip().lower() for line in text.splitlines())
    return frozenset(line for line in lines if line)


def check_hosts(hosts: Sequence[str], *, allowed: Collection[str], confirmed: Collection[str], allow_list: str) -> None:
    """Refuse hosts that are not in the allow-list, or that the command line does not name.

    Args:
        hosts: what is not this machine.
        allowed: what the allow-list holds.
        confirmed: what the command line names.
        allow_list: where the allow-list is looked for, for the message.

    Raises:
        GuardError: says which host is missing where.

    """
    unknown = [host for host in hosts if host not in allowed]
    if unknown:
        raise GuardError(
            f"{' and '.join(unknown)} must not be put under load: the allow-list ({allow_list}) does not name "
            f"{'it' if len(unknown) == 1 else 'them'}. If you may load {'it' if len(unknown) == 1 else 'them'}, add "
            f"one line for each host"
        )
    silent = [host for host in hosts if host not in {name.lower() for name in confirmed}]
    if silent:
        options = " ".join(f"--confirm {host}" for host in silent)
        raise GuardError(f"this run sends load to {' and '.join(silent)}: confirm it by name, with {options}")


def check_caps(load: ExpectedLoad, caps: Caps, *, where: str) -> None:
    """Refuse a load that is beyond a cap; `where` says where caps stand.

    Raises:
        GuardError: names each cap with what was asked for.

    """
    asked = (
        ("connections", load.connections_peak, caps.connections),
        ("mutations", round(load.mutations), caps.mutations),
        ("mutations_per_s", max(phase.mutations_per_s for phase in load.phases), caps.mutations_per_s),
        ("duration_s", load.duration_s, caps.duration_s),
    )
    beyond = [f"{name} = {cap:,g} and it asks for {value:,g}" for name, value, cap in asked if cap and value > cap]
    if beyond:
        raise GuardError(
            f"the scenario is beyond the caps in {where}: {'; '.join(beyond)}. Ask for less with --set, or raise them"
        )
