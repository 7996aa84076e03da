"""Ids that several organizations use."""

import pytest

from loadtests.history.kinds import Kind, TruthSource
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story


def both(*, of: str) -> Story:
    """Return two organizations of one device each that both have an event 7, or both a job 7, and saw their own."""
    story = Story(organizations={"count": 2, "jobs": 1}, subscribers={"count": 2, "web": 0, "control": 0}).clock()
    for organization in (0, 1):
        job, event = ("7", f"e{organization}") if of == "jobs" else (f"job {organization}", "7")
        story.live(organization, organization=organization).true_job(job, 1, organization=organization)
        story.event(event, 5, of=MutationKind.UPDATE, organization=organization)
        story.named(event, 10, organization=organization).signal(organization, event, 10)
        story.body(f"page {organization}", (job, 1)).fetch(organization, 500, 510, f"page {organization}")
    return story


@pytest.mark.parametrize("of", ["jobs", "events"])
def test_an_id_of_several_organizations_is_no_leak_and_makes_the_run_unknown(of: str) -> None:
    """Nobody can tell which of the two is meant."""
    metrics = both(of=of).metrics()

    assert metrics["delivery"]["leaks"]["total"] == 0
    (reason,) = metrics["health"]["reasons"]
    assert reason.startswith(f"1 ids of {of} stand in more than one organization: nobody can tell which is meant; ids")


def test_by_agreement_too_an_event_of_several_organizations_is_no_leak() -> None:
    """Frames tell whose they are."""
    metrics = both(of="events").row(Kind.TRUTH, -1, flag=TruthSource.AGREEMENT).metrics()

    assert metrics["delivery"]["leaks"]["total"] == 0
    assert any("1 ids of events stand in more than one" in reason for reason in metrics["health"]["reasons"])
