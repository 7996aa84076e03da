"""What a database's columns allow to be told. Real tables are read in test_truth.py."""

from loadtests.drivers.truth_columns import TOLD_OF_JOBS, TruthColumns

EVENTS = frozenset({"id", "organization_id", "event_type", "payload", "created_at"})
JOBS = frozenset({"id", "organization_id", "created_at"})


def test_the_least_that_is_needed_is_not_refused() -> None:
    """Everything else is unknown, and said."""
    columns = TruthColumns({"realtime_events": EVENTS, "jobs": JOBS})

    assert columns.refusal() is None
    assert columns.untold() == [
        "no table documents",
        "no table audit_logs",
        *(f"no column jobs.{column}" for column in TOLD_OF_JOBS),
    ]


def test_a_table_of_the_same_name_and_another_kind_tells_nothing() -> None:
    """Documents that belong to no job, say."""
    columns = TruthColumns({"documents": frozenset({"id", "organization_id", "created_at"})})

    assert not columns.tells("documents")
    assert "a table documents without job_id" in columns.untold()


def test_all_that_is_needed_and_missing_is_said_at_once() -> None:
    """With what helps."""
    refusal = TruthColumns({"jobs": JOBS - {"created_at", "id"}}).refusal()

    assert refusal is not None
    assert "has no table public.realtime_events and no column jobs.id and no column jobs.created_at, or" in refusal
    assert "leave the database out of the target's keys" in refusal
