"""The tables of client models, from what analysis says of a run in which two of them took part."""

from loadtests.history.kinds import Kind, NotFetched
from loadtests.scenario.vocabulary import DeviceModel
from reports.client_tables import client_tables
from reports.metrics import Metrics
from reports.table import Table
from reports.wording import NEVER, percent
from tests.analysis.literal import Story

HOW_SOON, AT_WHICH_COST, HELD_BACK = range(3)


def story_of_two() -> tuple[Story, int]:
    """Return a change that one device saw after 600 ms, its web neighbour never; and which device it was."""
    story = Story(subscribers={"count": 2, "ios": 1, "web": 1, "web_open_job": 0}).clock().true_job("job", 2)
    models = [device.model for device in story.population.subscribers]
    for device, model in enumerate(models):
        story.live(device, model=model)
    ios = models.index(DeviceModel.IOS)
    return story.mutation(0, 5000).body("new", ("job", 2)).signal(ios, "e0", 5010).fetch(ios, 5500, 5600, "new"), ios


def cells(table: Table, *columns: str) -> list[tuple[str, ...]]:
    """Return the named columns of a table, the name of each row first."""
    places = [0, *(table.head.index(column) for column in columns)]
    return [tuple(row[place] for place in places) for row in table.rows]


def test_each_model_that_took_part_has_a_row() -> None:
    """One saw the change after 600 ms, the other never did, missed it and shows a wrong screen."""
    tables = client_tables(Metrics(story_of_two()[0].metrics()))

    assert cells(tables[HOW_SOON], "devices", "visibility p50, ms", "seen within 1\u00a0s") == [
        ("iOS as designed", "1", "600.0", percent(1.0)),
        ("Web as designed", "1", NEVER, percent(0.0)),
    ]
    assert cells(tables[AT_WHICH_COST], "requests per minute", "wrong screens", "missed while live") == [
        ("iOS as designed", "6.00", "0 of 1", "0"),
        ("Web as designed", "0.00", "1 of 1", "1"),
    ]


def test_what_did_not_occur_has_no_column() -> None:
    """Nobody was away and nothing was held back; with one mutation there is no p95."""
    tables = client_tables(Metrics(story_of_two()[0].metrics()))

    assert len(tables) == HELD_BACK
    assert not {"p95, ms", "after coming back p50, ms"} & set(tables[HOW_SOON].head)


def test_what_was_held_back_is_told_by_its_reason() -> None:
    """One refresh was deduped."""
    story, ios = story_of_two()
    tables = client_tables(Metrics(story.row(Kind.NOT_FETCHED, 6000, actor=ios, flag=NotFetched.DEDUPED).metrics()))

    assert tables[HELD_BACK].head[1:] == ("not fetched: fetched a moment ago",)
    assert cells(tables[HELD_BACK], *tables[HELD_BACK].head[1:]) == [
        ("iOS as designed", "1"),
        ("Web as designed", "0"),
    ]


def test_who_came_back_is_told_how_long_it_took() -> None:
    """Away from 4 s to 6 s; shown 250 ms after looking again."""
    story, ios = story_of_two()
    table = client_tables(Metrics(story.away(ios, 4000, 6000).fetch(ios, 6200, 6250, "new").metrics()))[HOW_SOON]

    assert cells(table, "after coming back p50, ms", "never")[0] == ("iOS as designed", "\u2212400.0", "0")


def test_metrics_without_models_have_no_tables() -> None:
    """Such as those of a run without subscribers."""
    assert client_tables(Metrics({"clients": {}})) == ()
