"""A Realtime server of its own for a test, on a fresh database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.pipeline.settings import RealtimeHello, RealtimeOptions
from loadtests.processes.spawn import Child
from tests.pipeline.realtime.world import SECRET, RealtimeUnderTest


@pytest.fixture
def options() -> RealtimeOptions:
    """Return the server's options; a test may parametrize it."""
    return RealtimeOptions(delay_scale=0.02)


@pytest.fixture
def realtime(database: str, options: RealtimeOptions, tmp_path: Path) -> Iterator[RealtimeUnderTest]:
    """Return a Realtime server on the test's own database."""
    hello = RealtimeHello(database_url=database, jwt_secret=SECRET, options=options)
    child = Child.start(
        "loadtests.pipeline.realtime", name="Realtime", log=tmp_path / "realtime.log", hello=hello.to_json()
    )
    try:
        port = child.wait_for("ready", 20)["port"]
        yield RealtimeUnderTest(url=f"ws://127.0.0.1:{port}", database=database, child=child)
    finally:
        child.stop()
