"""Two thousand connects in a moment: each is accepted or told why not, and nobody else notices."""

import pytest

from loadtests.pipeline.settings import RealtimeOptions
from loadtests.wire import phoenix
from loadtests.wire.changes import Change
from loadtests.wire.phoenix import Vsn
from tests.pipeline.realtime.storm import Fate, Outcome, Storm, Weather
from tests.pipeline.realtime.world import RealtimeUnderTest, organization_binding

pytestmark = pytest.mark.e2e

ATTEMPTS = 2000
HALVES = 100
IDLE = 60
"""One in 25 of those that finish their request: every fourth of these would have been a half."""


def weathered(realtime: RealtimeUnderTest, *, of_members: bool) -> Outcome:
    """Let many subscribe to an organization whose one member hears its rows then as before."""
    member, other = realtime.user(), realtime.user()
    organization = realtime.organization(member, *([other] if of_members else []))
    hearing = realtime.socket()
    hearing.join("realtime:mine", realtime.token(member), organization_binding(organization))
    join = phoenix.join(
        topic="realtime:theirs",
        ref="1",
        bindings=[organization_binding(organization)],
        access_token=realtime.token(other),
    )
    storm = Storm(
        port=int(realtime.url.rsplit(":", 1)[1]),
        path=f"/realtime/v1/websocket?apikey={realtime.anon_key}&vsn=2.0.0",
        join=phoenix.encode_client(join, Vsn.V2).decode(),
        marker="job.updated",
        attempts=ATTEMPTS,
        within_s=0.2,
    )
    with Weather(storm) as weather:
        weather.blow()
        told = [realtime.emit(organization) for _ in range(3)]
        heard = [hearing.receive() for _ in told]
        hearing.ping()  # what the server wrote to others for these rows, it has written before it answers
        weather.drain()
        outcome = weather.outcome()

    assert [change.event_id for change in heard if isinstance(change, Change)] == told
    return outcome


@pytest.mark.parametrize("options", [RealtimeOptions(delay_scale=0)], ids=["unlimited"])
def test_all_of_a_storm_are_served_and_see_nothing(realtime: RealtimeUnderTest) -> None:
    """Without limits everybody who asks is let in, among requests without an end and readers who do not read."""
    outcome = weathered(realtime, of_members=False)

    assert outcome.fates == {Fate.LIVE: ATTEMPTS - HALVES - IDLE, Fate.HALF: HALVES, Fate.IDLE: IDLE}
    assert outcome.reached == 0


@pytest.mark.parametrize("options", [RealtimeOptions(delay_scale=0)], ids=["unlimited"])
def test_all_of_a_storm_hear_what_is_theirs(realtime: RealtimeUnderTest) -> None:
    """The same storm of members: each who reads receives the rows that are written after it."""
    outcome = weathered(realtime, of_members=True)

    assert outcome.reached == outcome.fates[Fate.LIVE] == ATTEMPTS - HALVES - IDLE


@pytest.mark.parametrize("options", [RealtimeOptions(delay_scale=0, plan="free")], ids=["free"])
def test_a_plan_refuses_the_rest_of_a_storm(realtime: RealtimeUnderTest) -> None:
    """200 users are the plan's: one hears already, the readers who do not read count, and all others are told."""
    outcome = weathered(realtime, of_members=False)
    fates = outcome.fates

    assert fates[Fate.LIVE] <= 199
    assert fates[Fate.LIVE] + fates[Fate.IDLE] >= 199
    assert fates[Fate.LIVE] + fates[Fate.REFUSED] == ATTEMPTS - HALVES - IDLE
    assert outcome.reached == 0
