"""The swarm as its parent sees it: a real process against a real pipeline, judged by the ledger it leaves."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from loadtests.clients.requests import Cause
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, DownCause, Kind, SignalFlag
from loadtests.processes.spawn import Child, ChildError
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint
from tests.drivers.driver_process import DEADLINE_S, NOWHERE, new_run, started
from tests.drivers.tls_proxy import Authority, tls_proxy

SUBSCRIBERS = 8
POLLERS = 2
UPDATES = 10
SCENARIO: dict[str, Any] = {
    "name": "swarm-test",
    "question": "Does the swarm write down what happens to its devices?",
    "organizations": {"count": 2, "jobs": 3},
    "subscribers": {
        "count": SUBSCRIBERS,
        "ios": 1,
        "web": 1,
        "debounce_ms": 300,
        "web_open_job": 1,
        "web_open_audit": 1,
    },
    "pollers": [{"interval_s": 0.5, "count": POLLERS}],
    "phases": [{"name": "load", "duration_s": 5, "mutations_per_s": 1}],
}


def started_swarm(path: Path) -> AbstractContextManager[Child]:
    """Start the process on the run at `path`; end it whatever happens."""
    return started("loadtests.drivers.swarm", path, shard=0, shards=1)


def wait_progress(swarm: Child, holds: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until the swarm reports a progress of which `holds` is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds(told := swarm.wait_for("progress", DEADLINE_S)):
        assert time.monotonic() < deadline, told


def update_job(stack: Endpoint, population: Population) -> None:
    """Change the second job of organization 0 ten times in a row, as its author."""
    expires_at_s = time.time_ns() // 1_000_000_000 + 600
    author = mint(stack.jwt_secret, role="authenticated", expires_at_s=expires_at_s, subject=population.author_id(0))
    with httpx.Client(base_url=stack.api_url, headers={"Authorization": f"Bearer {author}"}) as api:
        for update in range(UPDATES):
            answer = api.patch(f"/api/jobs/{population.job_id(0, 1)}", json={"title": f"Update {update}"})
            assert answer.status_code == 200, answer.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one run of the swarm left behind."""

    population: Population
    ready: dict[str, Any]
    done: dict[str, Any]
    exit_code: int
    history: History
    log: str

    def count(self, kind: Kind) -> int:
        """Return how many rows of a kind there are."""
        return len(self.history.of(kind))


@pytest.fixture(scope="module")
def observed(stack: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """Update one job ten times in organization 0, while everybody in both organizations is live."""
    path = tmp_path_factory.mktemp("swarm") / "run"
    population = new_run(path, SCENARIO, "swarm-test")
    provision(stack.database_url, population)
    with started_swarm(path) as swarm:
        swarm.send({"do": "prepare", "endpoint": stack.to_json()})
        ready = swarm.wait_for("ready", DEADLINE_S)
        swarm.send({"do": "go", "at_ns": time.monotonic_ns()})
        update_job(stack, population)
        expected_signals = UPDATES * SUBSCRIBERS // 2
        catch_ups = ready["refreshes"]
        wait_progress(swarm, lambda told: told["signals"] >= expected_signals and told["refreshes"] > catch_ups)
        wait_progress(swarm, lambda told: told["under_way"] == 0 and told["polls"] >= 2 * POLLERS)
        swarm.send({"do": "stop"})
        done = swarm.wait_for("done", DEADLINE_S)
        while not swarm.has_ended():  # hung up on before, it would leave as one whose parent is gone
            swarm.next_message(0.01)
        exit_code = swarm.stop()
    return Observed(
        population=population,
        ready=ready,
        done=done,
        exit_code=exit_code,
        history=History.read(path),
        log=swarm.log.read_text(),
    )


def test_everybody_is_live_and_caught_up_before_the_load(observed: Observed) -> None:
    """Ready means: all channels subscribed, every open key fetched once, every poller with its first list."""
    keys = {DeviceModel.IOS: 1, DeviceModel.WEB: 4, DeviceModel.POLLER: 1}

    assert observed.ready["live"] == observed.ready["subscribers"] == SUBSCRIBERS
    assert observed.ready["under_way"] == observed.ready["errors"] == 0
    assert observed.ready["refreshes"] == sum(keys[device.model] for device in observed.population.devices)


def test_the_process_ends_by_itself_and_says_so(observed: Observed) -> None:
    """Stop ends it with code 0, every row counted, and nothing to complain about."""
    assert observed.exit_code == 0
    assert observed.done["rows"] == len(observed.history.rows)
    assert observed.log == ""


def test_each_device_has_one_whole_life(observed: Observed) -> None:
    """Login, connect, join, live, and in the end down because of its logout."""
    stages = (Kind.LOGIN, Kind.OPENED, Kind.JOINED, Kind.LIVE, Kind.DOWN, Kind.LOGOUT)
    rows = observed.history.of(*stages)
    lives = {
        device.index: [int(kind) for kind in rows["kind"][rows["actor"] == device.index]]
        for device in observed.population.subscribers
    }

    assert set(map(tuple, lives.values())) == {tuple(int(stage) for stage in stages)}
    assert set(observed.history.of(Kind.DOWN)["flag"]) == {DownCause.LOGGED_OUT}
    assert observed.count(Kind.REFUSED) == 0


def test_each_member_gets_each_event_of_its_organization_once(observed: Observed) -> None:
    """Ten updates reach the four subscribers of organization 0, and nobody else."""
    signals = observed.history.of(Kind.SIGNAL)
    named = observed.history.of(Kind.EVENT_NAMED)
    received = Counter(zip(signals["actor"].tolist(), signals["entity"].tolist(), strict=True))
    members = {device.index for device in observed.population.subscribers if device.organization == 0}

    assert named["revision"].tolist() == [0] * UPDATES
    assert received == Counter({(member, int(event)): 1 for member in members for event in named["entity"]})
    assert set(signals["flag"]) == {SignalFlag.ASKS_REFRESH}


def test_a_burst_is_one_flush_of_each_member(observed: Observed) -> None:
    """Ten updates of one job within the window are one flush, and one refresh of each key that shows the job."""
    flushes = observed.history.of(Kind.FLUSH)
    requested = observed.history.of(Kind.REQUESTED)
    from_flushes = requested[requested["flag"] == Cause.FLUSH]
    members = [device for device in observed.population.subscribers if device.organization == 0]
    shows_job = sum(device.model is DeviceModel.WEB and device.open_job == 1 for device in members)

    assert sorted(flushes["actor"].tolist()) == [device.index for device in members]
    assert flushes["revision"].tolist() == [UPDATES] * len(members)
    assert len(from_flushes) == len(members) + shows_job
    assert set(from_flushes["revision"]) == set(flushes["value"]) == set(observed.history.of(Kind.SIGNAL)["value"])


def test_each_request_is_answered_with_a_body(observed: Observed) -> None:
    """Every fetch has one answer, with the number of a body whose items stand in the ledger."""
    requested = observed.history.of(Kind.REQUESTED)
    answered = observed.history.of(Kind.ANSWERED)
    whole = answered[answered["entity"] != NO_ENTITY]
    bodies = observed.history.of(Kind.BODY)

    assert sorted(requested["value"].tolist()) == sorted(answered["value"].tolist())
    assert set(whole["revision"]) == {200}
    assert set(whole["entity"].tolist()) == set(bodies["entity"].tolist())
    assert len(bodies) == len(set(bodies["entity"].tolist()))
    assert (answered["at_ns"] >= answered["due_ns"]).all()


def test_the_newest_list_shows_the_last_update(observed: Observed) -> None:
    """The list that a flush fetched holds the job in its eleventh revision."""
    items = observed.history.of(Kind.BODY_ITEM)
    job = observed.history.number(observed.population.job_id(0, 1))

    assert items["revision"][items["entity"] == job].max() == UPDATES + 1


def test_polls_are_due_in_their_phase(observed: Observed) -> None:
    """Each poll is due a whole interval after the one before."""
    requested = observed.history.of(Kind.REQUESTED)
    polls = requested[requested["flag"] == Cause.POLL]
    for poller in observed.population.pollers:
        due_ns = polls["due_ns"][polls["actor"] == poller.index]

        assert len(due_ns) >= 2
        assert set((due_ns[1:] - due_ns[:-1]).tolist()) == {500_000_000}


def test_health_is_sampled(observed: Observed) -> None:
    """Loop lag and receive age are in the ledger."""
    assert observed.count(Kind.LOOP_LAG) >= 5
    assert observed.count(Kind.RECEIVE_AGE) >= 5


@pytest.mark.e2e
def test_it_is_gone_when_its_parent_is_gone(tmp_path: Path) -> None:
    """When standard input closes the process leaves at once."""
    new_run(tmp_path / "run", SCENARIO, "gone")
    with started_swarm(tmp_path / "run") as swarm:
        exit_code = swarm.stop()

    assert exit_code == 1


@pytest.mark.e2e
def test_a_target_that_is_not_there_is_told(tmp_path: Path) -> None:
    """When no device becomes live within the time, the process says why and ends with 1."""
    scenario = {**SCENARIO, "subscribers": {**SCENARIO["subscribers"], "live_within_s": 0.3}}
    new_run(tmp_path / "run", scenario, "nobody")
    with started_swarm(tmp_path / "run") as swarm:
        swarm.send({"do": "prepare", "endpoint": NOWHERE.to_json()})
        told = swarm.next_message(DEADLINE_S)
        while told is not None and told["is"] == "progress":
            told = swarm.next_message(DEADLINE_S)
        exit_code = swarm.stop()

    assert exit_code == 1
    assert told == {
        "is": "failed",
        "why": "none of 8 subscribers was live within 0.3 s: no WebSocket could be opened",
    }


@contextmanager
def behind_tls(stack: Endpoint, authority: Authority) -> Iterator[Endpoint]:
    """Put a proxy that ends TLS in front of both doors of the pipeline, one that soon closes what is silent."""
    context = authority.context_for("localhost")
    ports = [urlsplit(url).port for url in (stack.api_url, stack.realtime_url)]
    assert ports[0] is not None
    assert ports[1] is not None
    with tls_proxy(context, ports[0], idle_s=0.2) as api, tls_proxy(context, ports[1]) as realtime:
        yield replace(
            stack,
            api_url=f"https://localhost:{api.port}",
            realtime_url=f"wss://localhost:{realtime.port}/realtime/v1/websocket",
            ca_file=str(authority.ca_file),
        )


def test_devices_live_behind_a_proxy_that_ends_tls(stack: Endpoint, tmp_path: Path) -> None:
    """They join over wss and re-fetch over https; connections that the proxy has closed in between cost no answer."""
    population = new_run(tmp_path / "run", SCENARIO, "swarm-tls-test")
    provision(stack.database_url, population)
    with behind_tls(stack, Authority.make(tmp_path)) as endpoint, started_swarm(tmp_path / "run") as swarm:
        swarm.send({"do": "prepare", "endpoint": endpoint.to_json()})
        ready = swarm.wait_for("ready", DEADLINE_S)
        swarm.send({"do": "go", "at_ns": time.monotonic_ns()})
        update_job(stack, population)
        wait_progress(swarm, lambda told: told["signals"] >= UPDATES * SUBSCRIBERS // 2)
        wait_progress(swarm, lambda told: told["under_way"] == 0 and told["polls"] >= 3 * POLLERS)
        swarm.send({"do": "stop"})
        done = swarm.wait_for("done", DEADLINE_S)
    history = History.read(tmp_path / "run")

    assert (ready["live"], done["errors"]) == (SUBSCRIBERS, 0)
    assert set(history.of(Kind.ANSWERED)["revision"].tolist()) == {200}
    assert swarm.log is not None
    assert swarm.log.read_text() == ""


def test_a_certificate_that_nobody_vouches_for_is_told_as_the_reason(stack: Endpoint, tmp_path: Path) -> None:
    """Instead of thirty seconds of silence and "no WebSocket could be opened"."""
    scenario = {**SCENARIO, "subscribers": {**SCENARIO["subscribers"], "live_within_s": 1.0}}
    new_run(tmp_path / "run", scenario, "swarm-tls-test")
    with behind_tls(stack, Authority.make(tmp_path)) as endpoint, started_swarm(tmp_path / "run") as swarm:
        swarm.send({"do": "prepare", "endpoint": {**endpoint.to_json(), "ca_file": ""}})

        with pytest.raises(ChildError, match=r"is not trusted .* name the file of its authority with ca_file"):
            swarm.wait_for("ready", DEADLINE_S)
