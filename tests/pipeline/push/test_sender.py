"""From the outbox to the devices: a real sender, a real sink, HTTP/2 between them."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

pytestmark = pytest.mark.e2e

Device = Callable[[], tuple[str, str]]
Notify = Callable[..., str]
Settled = Callable[[int], dict[str, int]]
Start = Callable[..., Any]


def test_members_are_notified_except_whoever_did_it(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """One request each, in Apple's form."""
    actor, _ = device()
    _, token = device()
    job = notify(caused_by=actor)
    start_sender(sink.url, topic="org.example.test")
    states = settled(1)
    (accepted,) = sink.tell("list")["accepted"]
    headers = accepted["headers"]

    assert states == {"delivered": 1}
    assert (headers[":method"], headers[":path"]) == ("POST", f"/3/device/{token}")
    assert (headers["apns-topic"], headers["apns-push-type"], headers["apns-priority"]) == (
        "org.example.test", "alert", "10",
    )  # fmt: skip
    assert headers["apns-collapse-id"] == f"job_flagged:{job}"
    assert (accepted["payload"]["kind"], accepted["payload"]["job_id"]) == ("job_flagged", job)
    assert set(accepted["payload"]["aps"]) == {"alert", "sound", "thread-id"}


def test_many_notifications_go_through_one_connection_at_once(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """Sixty deliveries of 200 ms each, in batches of twenty, none of them twice."""
    for _ in range(3):
        device()
    for _ in range(20):
        notify()
    sink.tell("delay", ms=200)
    start_sender(sink.url, batch=20)

    assert settled(60) == {"delivered": 60}
    assert sink.tell("count") == {"is": "count", "requests": 60, "accepted": 60, "repeated": 0, "refused": {}}


def test_a_busy_service_is_left_alone_for_as_long_as_it_says(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """503 with Retry-After: nothing is asked until then, although more is due; then all of it arrives."""
    device()
    sink.tell("refuse", status=503, retry_after_s=1, times=1)
    notify()
    began = time.monotonic()
    start_sender(sink.url)
    _wait_for(lambda: sink.tell("count")["refused"] == {"503": 1})
    notify()
    states = settled(2)

    assert states == {"delivered": 2}
    assert time.monotonic() - began >= 1
    assert sink.tell("count")["requests"] == 3


def test_a_device_that_is_sent_too_much_waits_alone(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled, sql: psycopg.Connection
) -> None:
    """429 twice for one device: it is tried three times, the other one once."""
    (_, busy), (_, other) = device(), device()
    sink.tell("refuse", status=429, times=2, tokens=[busy])
    notify()
    start_sender(sink.url)
    states = settled(2)
    attempts = dict(sql.execute("select token, attempts from push_deliveries").fetchall())

    assert states == {"delivered": 2}
    assert attempts == {busy: 3, other: 1}


def test_a_device_that_is_gone_is_forgotten(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled, sql: psycopg.Connection
) -> None:
    """410: its token goes, and so does whatever else waits for it."""
    (_, gone), (_, there) = device(), device()
    sink.tell("refuse", status=410, tokens=[gone], timestamp_ms=int(time.time_ns() / 1e6) + 60_000)
    notify()
    notify()
    start_sender(sink.url)
    states = settled(4)
    tokens = [token for (token,) in sql.execute("select token from device_tokens")]

    assert states == {"delivered": 2, "forgotten": 2}
    assert tokens == [there]


def test_a_device_that_came_back_keeps_its_token(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled, sql: psycopg.Connection
) -> None:
    """It registered after the time at which the service saw it go."""
    _, token = device()
    sink.tell("refuse", status=410, tokens=[token], timestamp_ms=1_000)
    notify()
    start_sender(sink.url)

    assert settled(1) == {"forgotten": 1}
    assert sql.execute("select token from device_tokens").fetchall() == [(token,)]


def test_what_is_refused_for_good_is_given_up_at_once(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled, sql: psycopg.Connection
) -> None:
    """400 is not asked again, and its reason is kept."""
    device()
    sink.tell("refuse", status=400)
    notify()
    start_sender(sink.url)
    states = settled(1)
    row = sql.execute("select attempts, last_status, reason from push_deliveries").fetchone()

    assert (states, row) == ({"given_up": 1}, (1, 400, "BadDeviceToken"))


def test_patience_ends_after_so_many_attempts(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """Three attempts, three refusals."""
    device()
    sink.tell("refuse", status=500)
    notify()
    start_sender(sink.url, max_attempts=3)

    assert settled(1) == {"given_up": 1}
    assert sink.tell("count")["refused"] == {"500": 3}


def test_a_closed_connection_is_opened_again(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """The service says goodbye under requests that it has taken: they are sent again, under their names."""
    device()
    sink.tell("delay", ms=60_000)
    notify()
    start_sender(sink.url)
    _wait_for(lambda: sink.tell("count")["requests"] == 1)
    sink.tell("delay", ms=0)
    sink.tell("close")
    states = settled(1)

    assert states == {"delivered": 1}
    assert sink.tell("count") == {"is": "count", "requests": 2, "accepted": 1, "repeated": 1, "refused": {}}


def test_a_service_that_never_answers_is_asked_again(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """After the time-out, on another connection."""
    device()
    sink.tell("delay", ms=60_000)
    notify()
    start_sender(sink.url, request_timeout_ms=200)
    _wait_for(lambda: sink.tell("count")["repeated"] >= 1)
    sink.tell("delay", ms=0)

    assert settled(1) == {"delivered": 1}


def test_a_killed_sender_leaves_nothing_undone(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """Another one sends under the same name when the lease is over: one notification for the device."""
    device()
    sink.tell("delay", ms=60_000)
    notify()
    first = start_sender(sink.url, request_timeout_ms=300)
    _wait_for(lambda: sink.tell("count")["requests"] == 1)
    os.kill(first.pid, signal.SIGKILL)
    sink.tell("delay", ms=0)
    start_sender(sink.url)

    assert settled(1) == {"delivered": 1}
    assert sink.tell("count")["accepted"] == 1


def test_a_sender_without_a_service_waits_for_it(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled, sql: psycopg.Connection
) -> None:
    """Nobody listens at port 1; a sender that knows the way delivers what was tried there."""
    device()
    notify()
    lost = start_sender("http://127.0.0.1:1")
    _wait_for(lambda: sql.execute("select max(attempts) >= 2 from push_deliveries").fetchone() == (True,))
    code = lost.stop()
    start_sender(sink.url)

    assert code == 0
    assert settled(1) == {"delivered": 1}


def test_a_sender_outlives_its_connections_to_the_database(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled, sql: psycopg.Connection
) -> None:
    """All of them are cut; what comes afterwards is delivered."""
    device()
    start_sender(sink.url)
    cut = sql.execute(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'push sender'"
    ).fetchone()
    notify()

    assert cut is not None
    assert cut[0] > 0
    assert settled(1) == {"delivered": 1}


def test_two_senders_share_the_work(
    sink: Any, start_sender: Start, device: Device, notify: Notify, settled: Settled
) -> None:
    """Nothing is sent twice."""
    for _ in range(5):
        device()
    for _ in range(40):
        notify()
    for _ in range(2):
        start_sender(sink.url, batch=10)

    assert settled(200) == {"delivered": 200}
    assert sink.tell("count") == {"is": "count", "requests": 200, "accepted": 200, "repeated": 0, "refused": {}}


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
