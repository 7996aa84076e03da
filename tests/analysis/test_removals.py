"""A client that merges what it fetches goes on showing what was archived."""

from loadtests.clients.requests import Cause
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from tests.analysis.literal import MS, Story


def archived(model: DeviceModel, *causes: Cause) -> Story:
    """Return a device of a model whose job is archived at 1 s, and the lists without it that it then fetches."""
    weights = {"ios": 0, "web": 0, model.key: 1}
    story = Story(subscribers={"count": 1, **weights}).clock().live(0, model=model).true_job("job", 2, is_archived=True)
    story.mutation(0, 1000, kind=MutationKind.ARCHIVE).body("page", ("job", 1)).body("empty")
    story.fetch(0, -2000, -1990, "page", cause=Cause.CATCH_UP)
    for number, cause in enumerate(causes):
        story.fetch(0, 2000 + 1000 * number, 2010 + 1000 * number, "empty", cause=cause)
    return story


def test_a_client_that_never_removes_shows_an_archived_job_until_a_catch_up() -> None:
    """As designed the first list takes it off the screen; as built only what replaces everything."""
    designed = archived(DeviceModel.IOS, Cause.FLUSH, Cause.CATCH_UP)
    built = archived(DeviceModel.IOS_AS_BUILT, Cause.FLUSH, Cause.CATCH_UP)

    assert (designed.pairs().visible_ns.tolist(), built.pairs().visible_ns.tolist()) == ([2010 * MS], [3010 * MS])
    assert designed.run().screens.sightings.is_news.tolist() == [True, True, False]
    assert built.run().screens.sightings.is_news.tolist() == [True, False, True]


def test_a_client_that_never_removes_is_wrong_until_then() -> None:
    """The archived job still stands there."""
    designed = archived(DeviceModel.IOS, Cause.FLUSH).metrics()["convergence"]
    built = archived(DeviceModel.IOS_AS_BUILT, Cause.FLUSH).metrics()["convergence"]

    assert (designed["wrong_views"], built["wrong_views"]) == (0, 1)
    assert built["differences"]["by_what"]["archived_but_shown"] == 1
    assert built["differences"]["examples"][0]["event"] == "e0"
