"""What is checked before anything is started: limits of this machine that the population would run into."""

import resource
import socket
import sys

from loadtests.scenario.model import Scenario

_SPARE_DESCRIPTORS = 256
_REQUESTS_AT_ONCE_SHARE = 0.5
"""Part of the devices that may re-fetch at the same moment, each over a connection of its own."""


class PreflightError(RuntimeError):
    """The run cannot go well on this machine as it is. The text ends with what helps."""


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as it may be, for its children too; return the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def needed_descriptors(scenario: Scenario) -> int:
    """Return how many open files the busiest of our processes needs: the Realtime server or one swarm."""
    subscribers = scenario.subscribers.count
    pollers = sum(cohort.count for cohort in scenario.pollers)
    fetching = round((subscribers + pollers) * _REQUESTS_AT_ONCE_SHARE)
    listening = subscribers + scenario.subscribers.control
    per_swarm = -(-(subscribers + fetching) // scenario.subscribers.processes)
    return max(listening, per_swarm, fetching) + _SPARE_DESCRIPTORS


def check_descriptors(scenario: Scenario, limit: int) -> None:
    """Refuse a population that does not fit the limit of open files.

    Raises:
        PreflightError: says how many are needed, and the command that allows them.

    """
    needed = needed_descriptors(scenario)
    if needed > limit:
        raise PreflightError(
            f"{scenario.subscribers.count:,} subscribers need about {needed:,} open files in one process, and the "
            f"limit is {limit:,}. Raise it with `ulimit -n {needed}` (as root: `ulimit -Hn {needed} -Sn {needed}`), "
            f"use more processes with --set subscribers.processes=N, or simulate fewer subscribers"
        )


def check_port(port: int, *, what: str, option: str) -> None:
    """Refuse a port that somebody else listens on.

    Raises:
        PreflightError: the port is taken.

    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PreflightError(
                f"port {port} for {what} is taken: choose another with {option}, or see who has it: "
                f"`ss -ltnp 'sport = :{port}'`"
            ) from error
