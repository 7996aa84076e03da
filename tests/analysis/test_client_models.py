"""Client models are told apart, and what they hold back is counted."""

from loadtests.history.kinds import Kind, NotFetched, SignalFlag
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story
from tests.analysis.lives import story_of_one


def test_client_models_are_told_apart() -> None:
    """One sees the change in time, the other not at all; each has its own classes."""
    story = Story(subscribers={"count": 2, "ios": 1, "web": 1, "web_open_job": 0}).clock().true_job("job", 2)
    kinds = [device.model for device in story.population.subscribers]
    ios, web = kinds.index(DeviceModel.IOS), kinds.index(DeviceModel.WEB)
    story.live(ios).live(web, model=DeviceModel.WEB).mutation(0, 5000).body("new", ("job", 2))
    story.signal(ios, "e0", 5010).fetch(ios, 5500, 5600, "new")

    clients = story.metrics()["clients"]

    assert list(clients) == ["ios", "web"]
    assert (clients["ios"]["seen_within_1s"]["pairs"], clients["web"]["seen_within_1s"]["pairs"]) == (1, 0)
    assert (clients["ios"]["delivery"]["delivered_once"], clients["web"]["delivery"]["missed_live"]) == (1, 1)
    assert (clients["ios"]["convergence"]["wrong_views"], clients["web"]["convergence"]["wrong_views"]) == (0, 1)


def test_what_a_client_held_back_is_counted() -> None:
    """Signals that nobody acted on, and refreshes that were not requested, in the window."""
    story = story_of_one().live(0).signal(0, "e0", 5010, flag=SignalFlag.PAUSED).signal(0, "e0", 5020, flag=0)
    story.signal(0, "e0", 5030, flag=SignalFlag.SUPPRESSED)
    story.row(Kind.NOT_FETCHED, 6000, actor=0, flag=NotFetched.DEDUPED)
    story.row(Kind.NOT_FETCHED, -1000, actor=0, flag=NotFetched.DEDUPED)

    push = story.metrics()["push"]

    assert (push["signals_paused"], push["signals_suppressed"]) == (1, 1)
    assert push["not_fetched"] == {
        "deduped": 1,
        "in_flight": 0,
        "background": 0,
        "ended": 0,
        "nothing_missed": 0,
        "held_off": 0,
    }
