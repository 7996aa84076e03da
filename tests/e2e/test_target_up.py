"""`loadtests target up`: a pipeline for clients of one's own, until Ctrl-C."""

import re
import shlex
import signal
import socket

import httpx

from tests.e2e.commands import Command, StartCommand


def environment(command: Command) -> dict[str, str]:
    """Return the KEY=value lines as a shell reads them."""
    lines = re.findall(r"^[A-Z][A-Z0-9_]*=.*$", command.text, re.MULTILINE)
    return {key: "".join(shlex.split(value)) for key, _, value in (line.partition("=") for line in lines)}


def test_the_printed_keys_open_the_pipeline(start: StartCommand) -> None:
    """At the port that was wished; each token is a user's, and Ctrl-C stops everything."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with start("target", "up", "--tokens", "2", "--organizations", "2", "--gateway-port", port) as command:
        command.wait_text("Ctrl-C stops everything")
        told = environment(command)
        authorized = [{"Authorization": f"Bearer {told[name]}"} for name in ("TOKEN_1", "TOKEN_2")]
        jobs = [httpx.get(f"{told['JOBS_API_URL']}/api/jobs", headers=headers).json()["data"] for headers in authorized]
        events = httpx.get(
            f"{told['SUPABASE_URL']}/rest/v1/realtime_events", headers={"apikey": told["ANON_KEY"], **authorized[0]}
        )
        stranger = httpx.get(f"{told['JOBS_API_URL']}/api/jobs")
        command.process.send_signal(signal.SIGINT)
        code = command.wait_end()

        assert code == 0, command.text
        assert command.left_behind() == []

    assert told["SUPABASE_URL"] == f"http://127.0.0.1:{port}"
    assert [len(page) for page in jobs] == [15, 15]
    assert {job["id"] for job in jobs[0]}.isdisjoint(job["id"] for job in jobs[1])
    assert stranger.status_code == 401
    assert (events.status_code, events.json()) == (200, [])
    assert {"API_URL", "DB_URL", "REALTIME_URL", "ANON_KEY", "SERVICE_ROLE_KEY", "JWT_SECRET"} <= told.keys()


def test_nothing_outlives_a_target_whose_keeper_is_killed(start: StartCommand) -> None:
    """SIGKILL leaves no time for a goodbye; the lifeline needs none."""
    with start("target", "up") as command:
        command.wait_text("Ctrl-C stops everything")
        command.process.kill()
        command.wait_end()

        assert command.left_behind() == []
