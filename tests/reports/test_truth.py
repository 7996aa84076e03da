"""Whether anything was lost and every screen is right: from whole histories, told in words."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.checks.gates import Outcome
from loadtests.history.kinds import Leaving
from reports.input import ReportInput
from reports.metrics import Metrics
from reports.table import Table
from reports.truth import every_screen_is_right, nothing_was_lost, truth
from tests.analysis.literal import Story
from tests.analysis.lives import TWO, story_of_one


def metrics_of(story: Story) -> Metrics:
    """Return the metrics of a story."""
    return Metrics(story.metrics())


def run_of(run: ReportInput, story: Story) -> ReportInput:
    """Return a run with the numbers and the scenario of a story."""
    return replace(run, scenario=story.scenario, results=story.results())


def tables_of(run: ReportInput) -> list[Table]:
    """Return the tables of the section."""
    return [part for part in truth(run).parts if isinstance(part, Table)]


def seen() -> Story:
    """Return one device that received the one event and shows the one change."""
    return story_of_one().live(0).signal(0, "e0", 5010).fetch(0, 5500, 5600, "new")


def unseen() -> Story:
    """Return the same device, cut off when the event was committed, which shows the old job to the end."""
    return story_of_one().live(0).down(0, 4000, 6000).fetch(0, 4500, 4600, "old")


def test_what_came_and_is_shown_is_true(full_run: ReportInput) -> None:
    """Both statements hold, with their numbers; there is no table, and a sentence in its place."""
    run = run_of(full_run, seen())
    lost, right = truth(run).statements

    assert (lost.outcome, right.outcome) == (Outcome.PASS, Outcome.PASS)
    assert lost.told.replace("\u00a0", " ") == (
        "Of 1 delivery owed to devices that were logged in: 1 received. "
        "Each acknowledged change was announced by an event."
    )
    assert "1 screen compared with the database after the drain: none differed." in right.told.replace("\u00a0", " ")
    assert truth(run).parts == (
        "No delivery was missed or late.",
        "Nothing of one organization reached a device of another.",
    )


def test_what_was_missed_and_never_shown_is_lost(full_run: ReportInput) -> None:
    """The cause, the screen that is wrong for it, and the commands that tell their story."""
    run = run_of(full_run, unseen())
    lost, right = truth(run).statements
    causes, differences = tables_of(run)

    assert (lost.outcome, right.outcome) == (Outcome.FAIL, Outcome.FAIL)
    assert "1 missed while away, never healed" in lost.told
    assert right.told.startswith("1\u00a0screen of 1 differed")
    assert causes.rows[0][:3] == ("missed while away, never healed", "socket down (closed)", "1")
    assert causes.rows[0][3] == (
        "cause began 4.000\u00a0s; committed 5.005\u00a0s; deadline 6.005\u00a0s; never received"
    )
    assert causes.rows[0][4] == "loadtests explain . --event e0 --subscriber 0"
    assert differences.rows == (
        (
            "job",
            "0",
            "in an old version",
            "missed while away, never healed; committed 5.005\u00a0s",
            "loadtests explain . --event e0 --subscriber 0",
        ),
    )


def test_what_was_missed_and_caught_up_with_is_not_lost() -> None:
    """The screen showed it in the end."""
    lost = nothing_was_lost(metrics_of(unseen().fetch(0, 6100, 6200, "new")))

    assert lost.outcome is Outcome.PASS
    assert "1 missed while away, healed" in lost.told


def test_who_left_before_anybody_was_told_has_lost_nothing() -> None:
    """Their misses are counted and said, and nothing that a product could mend."""
    story = story_of_one().lives(0, -5000, 5006, leaving=Leaving.LOGGED_OUT)
    lost = nothing_was_lost(metrics_of(story))

    assert lost.outcome is Outcome.PASS
    assert "1 missed while away, never healed" in lost.told
    assert "1 had nobody to show: the device had left before others were told" in lost.told


def test_what_was_missed_while_live_is_lost_even_if_it_was_shown() -> None:
    """Delivery failed; that a re-fetch came by is luck."""
    lost = nothing_was_lost(metrics_of(story_of_one().live(0).fetch(0, 5500, 5600, "new")))

    assert lost.outcome is Outcome.FAIL
    assert "Of those missed while live, 1 were shown in the end all the same." in lost.told


def test_where_nobody_tells_what_is_archived_no_screen_is_called_wrong(full_run: ReportInput) -> None:
    """The database was read, and does not tell; no table lists what would be a guess."""
    run = run_of(full_run, seen().true_job("other", 1, is_archived=None))
    right = every_screen_is_right(metrics_of(seen().true_job("other", 1, is_archived=None)))

    assert right.outcome is Outcome.UNKNOWN
    assert right.told.startswith("The database does not tell which jobs are archived")
    assert tables_of(run) == []


def test_a_change_that_nobody_was_told_of_is_lost(full_run: ReportInput) -> None:
    """Whatever was delivered of the others."""
    run = run_of(full_run, seen().mutation(1, 7000, revision=3, has_event=False))

    assert truth(run).statements[0].outcome is Outcome.FAIL
    assert "1\u00a0acknowledged change nobody was told of." in truth(run).statements[0].told
    assert [table.caption for table in tables_of(run)][-1] == "Changes that nobody was told of"


def test_without_expectation_or_truth_nothing_is_known(empty_run: ReportInput) -> None:
    """Neither true nor false, and no empty table."""
    told = truth(empty_run)

    assert [each.outcome for each in told.statements] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert all(isinstance(part, str) for part in told.parts)


@pytest.mark.parametrize(
    ("part", "changes"),
    [("mutations", {"without_event": None}), ("delivery", {"outside": 1}), ("delivery", {"late": None})],
)
def test_what_cannot_be_relied_on_is_unknown(full_run: ReportInput, part: str, changes: dict[str, Any]) -> None:
    """A truth that was not read, classes that do not add up: no loss was seen, and none can be excluded."""
    document = dict(full_run.results.metrics)
    spoiled = Metrics({**document, part: {**document[part], **changes}})

    assert nothing_was_lost(full_run.metrics).outcome is Outcome.PASS
    assert nothing_was_lost(spoiled).outcome is Outcome.UNKNOWN


def test_screens_that_could_not_be_compared_are_said() -> None:
    """Whoever is logged out at the end has no screen; so nothing is known."""
    right = every_screen_is_right(
        metrics_of(story_of_one().lives(0, -5000, 7000).lives(0, 8000, 20_000).away(0, 9000, 30_000))
    )

    assert right.outcome is Outcome.UNKNOWN
    assert "1\u00a0device not compared" in right.told


def test_leaks_are_told_by_name(full_run: ReportInput) -> None:
    """An event of the organization that was left, received in the other one."""
    story = Story(**TWO).clock().lives(0, -5000, 3000, leaving=Leaving.SWITCHED).lives(0, 4000, 9000, organization=1)
    story.true_job("here", 2).mutation(0, 1000, job="here").signal(0, "e0", 1010).signal(0, "e0", 4500)
    run = run_of(full_run, story)

    assert tables_of(run)[-1].rows == (("push", "0", "0", "1", "4.500", "\u2013", "loadtests explain . --event e0"),)
    assert any("1\u00a0signal and no\u00a0answers" in part for part in truth(run).parts if isinstance(part, str))
