"""A client that merges what it fetches goes on showing what was archived, as far as its rule lets it."""

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


def fallen_behind(*answers: str) -> Story:
    """Return an iOS device that saw an old job, archived at 1 s, before 25 new ones filled the page; then `answers`."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).true_job("old", 2, is_archived=True)
    for number in range(25):
        story.true_job(f"job-{number:02}", 1, created_ms=-50_000 + number)
    page = [(f"job-{number:02}", 1) for number in range(25)]
    story.body("before", ("old", 1), *page[:24]).body("full", *page).body("short", *page[1:])
    story.fetch(0, -3000, -2990, "before", cause=Cause.CATCH_UP)
    for number, body in enumerate(answers):
        story.fetch(0, 2000 + 1000 * number, 2010 + 1000 * number, body)
    return story


def test_what_has_fallen_behind_a_full_page_stays_until_a_page_is_not_full() -> None:
    """As designed a full page takes off what it covers; it is no part of page 1, so the view of that is right."""
    stays = fallen_behind("full", "full").metrics()["convergence"]
    goes = fallen_behind("full", "short").metrics()["convergence"]

    assert (stays["archived_beyond_page"], stays["differences"]["by_what"]["archived_but_shown"]) == (1, 0)
    assert goes["archived_beyond_page"] == 0
    assert fallen_behind("full", "short").run().screens.sightings.is_news.tolist() == [True, True, True]
    assert fallen_behind("full", "full").run().screens.sightings.is_news.tolist() == [True, True, False]


def test_a_screen_that_never_had_the_job_lacks_it_after_any_list() -> None:
    """Created and archived before the device looked again: as built its first list shows the archive."""
    story = Story(subscribers={"count": 1, "ios": 0, "web": 0, "ios_as_built": 1}).clock()
    story.live(0, model=DeviceModel.IOS_AS_BUILT).true_job("job", 2, is_archived=True).body("empty")
    story.mutation(0, 1000, kind=MutationKind.ARCHIVE).fetch(0, 2000, 2010, "empty")

    assert story.pairs().visible_ns.tolist() == [2010 * MS]
