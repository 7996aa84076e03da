"""The table of client models, from what analysis says of a run in which two of them took part."""

from loadtests.scenario.vocabulary import DeviceModel
from reports.client_tables import client_table
from reports.metrics import Metrics
from reports.wording import NEVER, NO_NUMBER, percent
from tests.analysis.literal import Story


def test_each_model_that_took_part_has_a_row() -> None:
    """One saw the change after 600 ms, the other never did."""
    story = Story(subscribers={"count": 2, "ios": 1, "web": 1, "web_open_job": 0}).clock().true_job("job", 2)
    models = [device.model for device in story.population.subscribers]
    for device, model in enumerate(models):
        story.live(device, model=model)
    story.mutation(0, 5000).body("new", ("job", 2)).fetch(models.index(DeviceModel.IOS), 5500, 5600, "new")

    rows = client_table(Metrics(story.metrics())).rows

    assert [row[:5] for row in rows] == [
        ("iOS", "1", "600.0", NO_NUMBER, percent(1.0)),
        ("web", "1", NEVER, NO_NUMBER, percent(0.0)),
    ]


def test_metrics_without_models_have_no_rows() -> None:
    """Such as those of an older run."""
    assert client_table(Metrics({})).rows == ()
