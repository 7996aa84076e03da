"""Who and what a run puts into a target."""

from datetime import UTC, datetime

from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.targets import residents
from loadtests.targets.target_file import Row

PEOPLE = Population(
    Scenario.model_validate(
        {
            "name": "any",
            "question": "Who is there before the start?",
            "organizations": {"count": 2, "jobs": 3},
            "subscribers": {"count": 3, "control": 0},
            "lifecycle": [{"step": "switch", "at_s": 1, "share": 0.4}],
            "phases": [{"name": "load", "duration_s": 5, "mutations_per_s": 1}],
        }
    ),
    seed=1,
    run_id="residents",
)


def test_each_organization_has_an_owner_who_writes() -> None:
    """Beside the members, who have devices."""
    everybody = list(residents.people(PEOPLE))

    assert [person.role for person in everybody] == ["owner", "owner", "member", "member", "member"]
    assert len({person.user_id for person in everybody}) == 5


def test_who_switches_is_a_member_of_both() -> None:
    """One of three: a membership more than there are people."""
    guests = [person for person in residents.people(PEOPLE) if person.guest_in is not None]

    assert len(guests) == 1
    assert len(list(residents.members(PEOPLE))) == 5 + 1


def test_jobs_are_a_minute_apart() -> None:
    """Newest first has one answer."""
    newest = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

    created = [row["created_at"] for row in residents.jobs(PEOPLE, newest)]

    assert created[:3] == ["2026-11-25T11:57:00+00:00", "2026-11-25T11:58:00+00:00", "2026-11-25T11:59:00+00:00"]


def test_what_else_each_needs_is_filled_in() -> None:
    """Identifiers in texts; numbers as they are."""
    row = Row(table="org_subscriptions", values={"organization_id": "{organization}", "plan_code": "pro", "seats": 5})

    assert residents.filled(row, organization="o1") == {"organization_id": "o1", "plan_code": "pro", "seats": 5}
