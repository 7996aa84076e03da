"""Faults as the supervisor takes them."""

import time
from pathlib import Path

import httpx
import pytest

from loadtests.pipeline.faults.kinds import Drop, FaultRefused
from loadtests.pipeline.faults.register import Register
from loadtests.pipeline.faults.supervision import Supervision
from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import StackSettings
from tests.pipeline.faults.stand import running_stand


def test_a_pipeline_that_is_still_starting_commits_no_fault() -> None:
    """It says when to ask again, and enters nothing."""
    register = Register()

    with pytest.raises(FaultRefused, match="still starting"):
        Supervision(register, time.monotonic_ns).begin(Drop(count=1))
    assert register.to_json() == {"faults": []}


@pytest.mark.e2e
def test_a_server_that_is_somebody_elses_is_not_restarted(postgres: PostgresServer, tmp_path: Path) -> None:
    """The other faults work there as everywhere."""
    with running_stand(tmp_path / "pipeline.log", StackSettings(database_url=postgres.url())) as stand:
        url = f"{stand.endpoint.control_url}/faults"
        refused = httpx.post(url, json={"kind": "restart_postgres"})
        lost = stand.ended(stand.plant("slot_lost"))

        assert refused.status_code == 400
        assert "not started by this pipeline" in refused.json()["message"]
        assert lost["planted"] == 1
