"""What is checked before a run: limits and ports."""

import resource
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from loadtests.runner.preflight import (
    PreflightError,
    check_descriptors,
    check_port,
    needed_descriptors,
    raise_descriptor_limit,
)
from loadtests.scenario.model import Scenario


def crowd(count: int, *, processes: int = 1, pollers: int = 0, control: int = 0) -> Scenario:
    """Return a scenario with many devices."""
    cohorts: list[Any] = [{"interval_s": 5, "count": pollers}] if pollers else []
    return Scenario.model_validate(
        {
            "name": "any",
            "question": "Do they all fit here?",
            "subscribers": {"count": count, "processes": processes, "control": control},
            "pollers": cohorts,
            "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
        }
    )


@pytest.fixture
def limits() -> Iterator[None]:
    """Put the limit of open files back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_each_subscriber_needs_a_descriptor_and_more_to_re_fetch() -> None:
    """Half of them may re-fetch at the same moment."""
    assert needed_descriptors(crowd(5000)) > 7500
    assert needed_descriptors(crowd(1)) < 1000


def test_more_processes_share_the_sockets_until_the_server_is_the_busiest() -> None:
    """Realtime holds them all in one process, however many processes the devices have."""
    assert needed_descriptors(crowd(5000, processes=4)) < needed_descriptors(crowd(5000))
    assert needed_descriptors(crowd(5000, processes=64)) >= 5000


def test_realtime_holds_the_control_groups_sockets_too() -> None:
    """50 more, where the server is the busiest."""
    alone, beside = crowd(5000, processes=64), crowd(5000, processes=64, control=50)

    assert needed_descriptors(beside) == needed_descriptors(alone) + 50


def test_pollers_need_descriptors_too() -> None:
    """The jobs API accepts a connection from each that polls."""
    assert needed_descriptors(crowd(0, pollers=10_000)) >= 5000


def test_a_population_that_does_not_fit_is_refused_with_the_command_that_helps() -> None:
    """The text has the numbers to type."""
    scenario = crowd(2000)
    needed = needed_descriptors(scenario)
    check_descriptors(scenario, needed)

    with pytest.raises(PreflightError, match=rf"2,000 subscribers need .*ulimit -n {needed}`.*subscribers\.processes"):
        check_descriptors(scenario, needed - 1)


@pytest.mark.usefixtures("limits")
def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    """That needs no rights, and children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))

    assert raise_descriptor_limit() == (sys.maxsize if hard == resource.RLIM_INFINITY else hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_no_limit_at_all_is_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system calls it -1, which no population would fit into."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)

    check_descriptors(crowd(100_000), raise_descriptor_limit())


def test_a_taken_port_is_refused_by_name() -> None:
    """With the option that chooses another, and the command that shows who has it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PreflightError, match=rf"port {port} for the jobs API is taken.*--api-port.*ss -ltnp"):
            check_port(port, what="the jobs API", option="--api-port")
    check_port(port, what="the jobs API", option="--api-port")
