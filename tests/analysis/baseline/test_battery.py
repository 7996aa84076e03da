"""Which traffic of a run is counted against whom."""

from typing import Any

import pytest

from loadtests.analysis.analyse import analyse
from loadtests.history.history import History
from tests.analysis.literal import Story
from tests.analysis.synthetic_history import record_run
from tests.analysis.synthetic_pipeline import SyntheticPipeline


@pytest.fixture(scope="module")
def battery(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the batteries of a pipeline with one change every two seconds and pollers every 5 s."""
    plan = SyntheticPipeline(organizations=1, subscribers=3, pollers=2, intervals_s=(5.0,), rounds=30)
    path = record_run(plan, tmp_path_factory.mktemp("battery") / "run")
    return analyse(History.read(path), plan.scenario, plan.population, replays=False).metrics["battery"]


def test_each_way_of_being_told_stands_beside_the_others(battery: Any) -> None:
    """Push, push without fetches, and each cohort, for both radios."""
    assert {told: set(radios) for told, radios in battery.items()} == {
        "push": {"lte", "wifi"},
        "push_in_background": {"lte", "wifi"},
        "5s": {"lte", "wifi"},
    }


def test_over_lte_what_comes_every_few_seconds_keeps_the_radio_up(battery: Any) -> None:
    """A change every 2 s and a poll every 5 s both fall into the tail of 11.6 s: neither lets it sleep."""
    for told in ("push", "push_in_background", "5s"):
        assert battery[told]["lte"]["on_share"] > 0.95


def test_over_wifi_push_wakes_more_often_than_polling(battery: Any) -> None:
    """A signal, and half a second later its fetch, thirty times a minute, against a poll twelve times a minute."""
    assert battery["5s"]["wifi"]["wakeups_per_hour"] == pytest.approx(720, rel=0.1)
    assert battery["push"]["wifi"]["wakeups_per_hour"] == pytest.approx(2 * 1800, rel=0.1)
    assert battery["push_in_background"]["wifi"]["wakeups_per_hour"] == pytest.approx(1800 + 2, rel=0.12)


def test_a_quiet_socket_beats_every_heartbeat() -> None:
    """Live for 10 s without a signal: heartbeats at 3, 6 and 9 s, each way, and the connect."""
    story = Story(subscribers={"count": 1, "web": 0, "connection": {"heartbeat_s": 3}})
    metrics = story.clock().lives(0, 0, 10_000).metrics()

    assert metrics["battery"]["push_in_background"]["wifi"]["transfers"] == 1 + 2 * 3


def test_a_socket_that_goes_down_as_it_comes_up_beats_not_once() -> None:
    """Its connect is all there is of it; the run is analysed all the same."""
    story = Story(subscribers={"count": 1, "web": 0, "connection": {"heartbeat_s": 60}})
    metrics = story.clock().lives(0, 0, 10_000).down(0, 2000, 3000).down(0, 3000, 4000).metrics()

    assert metrics["battery"]["push_in_background"]["wifi"]["transfers"] == 3
