"""Who may be put under load, and how much: hosts that were allowed and confirmed by name, and caps that nobody passes.

Pure, and before anything is started. Files and command lines are read elsewhere.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from loadtests.checks.expected_load import ExpectedLoad

_LOCAL_NAMES: Final = ("localhost", "localhost.localdomain")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


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


def database_hosts(url: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the hosts that are not this machine and that a database's client would connect to; none for no URL.

    As libpq reads it: a URL may list several hosts and name more in its parameters, and what it does not name is
    taken from the environment (PostgreSQL documentation, 32.1 and 32.15).

    Raises:
        GuardError: it is no URL, or could be read in two ways. The text holds nothing of it: there may be a password.

    """
    if not url:
        return ()
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise GuardError("the database is not named by a URL: write postgresql://user:password@host:5432/name")
    user, _, places = parts.netloc.rpartition("@")
    if any("@" in part for part in (user, *parts[2:])) or _STRAY_PERCENT.search(url) or parts.fragment:
        raise GuardError(
            "the database's URL can be read in two ways: percent-encode what is special in its user and password, "
            "such as %40 for @, %2F for /, %23 for #, %3F for ? and %25 for %"
        )
    named = parse_qs(parts.query)
    hosts = [unquote(_without_port(each)) for each in places.split(",")] + _listed(named, "host")
    hosts = [host for host in hosts if host] or environment.get("PGHOST", "").split(",")
    if "service" in named or (not any(hosts) and "PGSERVICE" in environment):
        raise GuardError("the database is named by a service, which may be anywhere: name its host in the URL")
    addresses = _listed(named, "hostaddr") or environment.get("PGHOSTADDR", "").split(",")
    told = (each.lower() for each in (*hosts, *addresses) if each and not each.startswith("/"))
    return tuple(dict.fromkeys(host for host in told if not is_loopback(host)))


def _without_port(place: str) -> str:
    """Return the host of `host:port`; an IPv6 address stands in brackets."""
    return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]


def _listed(named: Mapping[str, list[str]], key: str) -> list[str]:
    return [each for value in named.get(key, ()) for each in value.split(",") if each]


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
