"""Faults of processes and of the database, committed by a real pipeline: what dies comes back at its address."""

import httpx
import psycopg
import pytest

from tests.pipeline.faults.stand import Stand

pytestmark = pytest.mark.e2e


def test_a_killed_realtime_comes_back_on_its_port(stand: Stand) -> None:
    """Open sockets just end; faults that ran in it are over; a new subscriber hears."""
    with stand.devices(1) as devices:
        drop = stand.plant("drop", share=1.0)
        truth = stand.ended(stand.plant("kill", part="realtime"))
        assert devices[0].close_code() is None
        again = stand.device(devices[0].organization, devices[0].user)
        (event,) = stand.emit(devices[0].organization, 1)
        ((change,),) = stand.settle([again], 1)
        again.socket.connection.close()

        assert truth["planted"] == 1
        assert stand.truth(drop)["ended_ns"] is not None
        assert change.event_id == event


def test_a_killed_api_comes_back_on_its_port(stand: Stand) -> None:
    """The next request is answered."""
    _, (user,) = stand.organization(1)
    truth = stand.ended(stand.plant("kill", part="api"))

    assert truth["planted"] == 1
    assert stand.new_job(user).status_code == 201


def test_everybody_survives_a_restart_of_postgres(stand: Stand) -> None:
    """The jobs API and the feed find their way back, and the sockets stay open."""
    with stand.devices(1) as devices:
        truth = stand.ended(stand.plant("restart_postgres"))
        created = stand.until(lambda: stand.new_job(devices[0].user).status_code, lambda status: status == 201)

        def heard() -> list[str | None]:
            stand.emit(devices[0].organization, 1)
            return [change.event_id for change in devices[0].drain()]

        assert stand.until(heard, bool)
        assert created == 201
        assert truth["planted"] == 1


def test_a_locked_events_table_costs_events_and_no_mutation(stand: Stand) -> None:
    """A mutation is answered after the emission's time-out, without its event; afterwards all is as before."""
    organization, (user,) = stand.organization(1)
    with stand.planted("lock_events", duration_s=60) as number:
        locked = stand.new_job(user)
        truth = stand.truth(number)
    free = stand.new_job(user)
    told = stand.execute("select payload->>'request_id' from realtime_events where organization_id = %s", organization)

    assert (locked.status_code, free.status_code) == (201, 201)
    assert told == [(free.headers["x-request-id"],)]
    assert truth["planted"] == 1


def test_a_lock_ends_by_itself(stand: Stand) -> None:
    """After its time the table can be written again."""
    organization, _ = stand.organization(1)
    number = stand.plant("lock_events", duration_s=0.2)
    stand.emit(organization, 1)
    truth = stand.ended(number)

    assert truth["ended_ns"] - truth["begun_ns"] >= 200_000_000


def test_the_endpoint_refuses_what_it_does_not_know(stand: Stand) -> None:
    """400 with the reason for a kind or a parameter, 404 for anything else; nothing is entered."""
    url = f"{stand.endpoint.control_url}/faults"
    before = len(httpx.get(url).json()["faults"])
    refused = [
        httpx.post(url, json=body)
        for body in ({"kind": "flood"}, {"kind": "drop"}, {"kind": "drop", "count": 1, "colour": "red"}, [1], {})
    ]
    no_json = httpx.post(url, content=b"drop")
    absent = [httpx.delete(f"{url}/999999"), httpx.get(f"{url}/1"), httpx.post(f"{url}/1", json={})]

    assert [response.status_code for response in [*refused, no_json]] == [400] * 6
    assert "flood" in refused[0].json()["message"]
    assert "share or count" in refused[1].json()["message"]
    assert "colour" in refused[2].json()["message"]
    assert [response.status_code for response in absent] == [404] * 3
    assert len(httpx.get(url).json()["faults"]) == before


def test_the_endpoint_listens_on_loopback_alone(stand: Stand) -> None:
    """Its address says so, and it holds for the socket."""
    assert stand.endpoint.control_url.startswith("http://127.0.0.1:")


def test_a_database_that_is_gone_ends_the_lock(stand: Stand) -> None:
    """The truth says when; the pipeline goes on."""
    number = stand.plant("lock_events", duration_s=60)
    stand.ended(stand.plant("restart_postgres"))

    assert stand.ended(number)["planted"] == 1
    with psycopg.connect(stand.endpoint.database_url) as connection:
        assert connection.execute("select count(*) >= 0 from realtime_events").fetchone() == (True,)
