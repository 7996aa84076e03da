"""A run's organizations, users and jobs, as the database and the jobs API then show them."""

import time
from typing import Any

import httpx
import psycopg
import pytest

from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.targets.provision import provision, remove, residue
from loadtests.targets.target_file import Provision
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint

SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "What is there before the start?",
        "organizations": {"count": 2, "jobs": 30},
        "subscribers": {"count": 3, "control": 0},
        "pollers": [{"interval_s": 5, "count": 2}],
        "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
    }
)


def population(run_id: str) -> Population:
    """Return the population of one run."""
    return Population(SCENARIO, seed=1, run_id=run_id)


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_everybody_is_there_once(database: str) -> None:
    """Devices are members, authors own their organization, jobs belong to it, and nothing was announced."""
    provision(database, population("one"))

    assert rows(database, "select role, count(*) from organization_members group by 1 order by 1") == [
        ("member", 5),
        ("owner", 2),
    ]
    assert rows(database, "select count(*), count(distinct organization_id) from jobs") == [(60, 2)]
    assert rows(database, "select distinct revision from jobs") == [(1,)]
    assert rows(database, "select count(*) from realtime_events") == [(0,)]


def test_phones_are_registered_when_they_are_to_be_notified(database: str) -> None:
    """One for each iOS subscriber, with a token such as the push service gives."""
    keys = SCENARIO.model_dump(mode="json") | {"target": {"push_notifications": True}}
    people = Population(Scenario.model_validate(keys), seed=1, run_id="phones")
    provision(database, people)
    phones = [device.user_id for device in people.subscribers if device.model is DeviceModel.IOS]

    assert 0 < len(phones) < len(people.subscribers)
    assert rows(database, "select user_id::text, platform, token ~ '^[0-9a-f]{64}$' from device_tokens order by 1") == [
        (user, "ios", True) for user in sorted(phones)
    ]


def test_two_runs_share_a_database(database: str) -> None:
    """Identifiers are made from the run id."""
    provision(database, population("one"))
    provision(database, population("two"))

    assert rows(database, "select count(*) from organizations") == [(4,)]


def test_what_else_was_made_is_removed_too(database: str) -> None:
    """A plan of each organization, terms of each user, and nobody else's; without it something is left, and told."""
    wanted = Provision.model_validate(
        {
            "each_organization": [{"table": "plans", "values": {"org": "{organization}", "code": "pro"}}],
            "each_user": [{"table": "terms", "values": {"who": "user/{user}", "version": 3}}],
        }
    )
    with psycopg.connect(database) as connection:
        connection.execute("create table plans (org uuid, code text); create table terms (who text, version int)")
        connection.execute("insert into terms values ('user/somebody', 3)")
    provision(database, population("one"), wanted)
    remove(database, population("one"))

    assert residue(database, population("one"), wanted) == {"plans": 2, "terms": 7}
    remove(database, population("one"), wanted)
    assert residue(database, population("one"), wanted) == {}
    assert rows(database, "select who from terms") == [("user/somebody",)]


def test_a_second_time_changes_nothing(database: str) -> None:
    """All or nothing: one transaction."""
    provision(database, population("one"))

    with pytest.raises(psycopg.errors.UniqueViolation):
        provision(database, population("one"))
    assert rows(database, "select count(*) from organizations") == [(2,)]


def test_the_jobs_api_shows_the_newest_first(stack: Endpoint) -> None:
    """The last ordinal is the newest, and a page is what a device has on its screen."""
    people = population("provisioned for the jobs API")
    provision(stack.database_url, people)
    token = mint(
        stack.jwt_secret,
        role="authenticated",
        subject=people.subscribers[0].user_id,
        expires_at_s=int(time.clock_gettime(time.CLOCK_REALTIME)) + 600,
    )
    home = people.subscribers[0].organization
    answer = httpx.get(f"{stack.api_url}/api/jobs?page=1&limit=25", headers={"Authorization": f"Bearer {token}"})

    assert [job["id"] for job in answer.json()["data"]] == [people.job_id(home, 29 - place) for place in range(25)]
