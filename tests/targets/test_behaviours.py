"""Behaviours that a scenario asks for, on a pipeline of their own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from loadtests.scenario.model import Scenario, Target
from loadtests.scenario.population import Population
from loadtests.targets.embedded import EmbeddedTarget, Running, settings_from, target_options
from loadtests.targets.provision import provision

PATIENCE_S = 20

pytestmark = pytest.mark.e2e


@contextmanager
def running(target: Target, log: Path) -> Iterator[Running]:
    """Start a pipeline as a scenario's target asks for, and stop it."""
    started = EmbeddedTarget.start(settings_from(target_options(target)), log=log)
    try:
        yield started.wait_ready()
    finally:
        started.stop()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_events_beyond_their_age_are_removed(tmp_path: Path) -> None:
    """An event of two minutes goes, one of half a minute stays: the scenario keeps them for one."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "How long do events stay?",
            "target": {"retention_s": 60, "retention_every_s": 0.1},
            "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
        }
    )
    people = Population(scenario, seed=1, run_id="retention")
    with (
        running(scenario.target, tmp_path / "target.log") as pipeline,
        psycopg.connect(pipeline.endpoint.database_url, autocommit=True) as sql,
    ):
        provision(pipeline.endpoint.database_url, people)
        for age_s in (120, 30):
            sql.execute(
                "insert into realtime_events (organization_id, event_type, entity_type, entity_id, created_at) "
                "values (%s, 'job.updated', 'job', %s, now() - make_interval(secs => %s))",
                (people.organization_id(0), str(age_s), age_s),
            )

        def left() -> list[tuple[str]]:
            return sql.execute("select entity_id from realtime_events order by 1").fetchall()

        wait_until(lambda: left() == [("30",)])


def test_notifications_need_two_processes_more(tmp_path: Path) -> None:
    """A sender and a service to send to; without the key there is neither."""
    with running(Target(push_notifications=True), tmp_path / "target.log") as pipeline:
        assert set(pipeline.pids) == {"postgres", "jobs API", "Realtime", "push service", "push sender"}
