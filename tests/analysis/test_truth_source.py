"""From where the truth is known: the database, its tables' API, or agreement of the subscribers."""

from typing import Any

from loadtests.history.kinds import Kind, TruthSource
from tests.analysis.literal import Story


def story() -> Story:
    """Return two live devices, and an event that the first of them alone has received; nobody read the database."""
    told = Story().live(0, 1).row(Kind.TRUTH, 0, flag=TruthSource.AGREEMENT)
    told.row(Kind.DUE, 1000, actor=0, due_ns=1000 * 10**6, value=0, flag=2, entity="job")
    told.row(Kind.SENT, 1001, actor=0, due_ns=1000 * 10**6, entity="job")
    told.row(Kind.ACKED, 1010, actor=0, due_ns=1001 * 10**6, entity="job", revision=2)
    told.named("e0", 1006, organization=0)
    return told.signal(0, "e0", 1006)


def metrics_of(told: Story) -> Any:
    """Return its metrics."""
    return told.metrics()


def test_what_one_received_the_others_are_expected_to_receive() -> None:
    """Two members of one organization: one delivery, and one that is missing."""
    metrics = metrics_of(story())

    assert metrics["truth"] == "agreement"
    assert (metrics["delivery"]["expected"], metrics["delivery"]["delivered_once"]) == (2, 1)


def test_what_only_the_database_knows_is_unknown() -> None:
    """Frames that are no rows, silent mutations, whether screens were right."""
    metrics = metrics_of(story())

    assert metrics["delivery"]["phantom"] is None
    assert metrics["mutations"]["without_event"] is None
    assert metrics["convergence"]["wrong_views"] is None
    assert not [reason for reason in metrics["health"]["reasons"] if "truth was not read" in reason]


def test_a_run_of_which_nobody_says_otherwise_read_the_database() -> None:
    """As all runs did before."""
    assert metrics_of(Story().live(0))["truth"] == "database"
