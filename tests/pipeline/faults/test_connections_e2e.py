"""Faults of sockets and of the flow of changes, committed by a real pipeline."""

import time

import pytest
from websockets.exceptions import InvalidStatus

from tests.pipeline.faults.stand import Stand

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("code", "seen"), [(1000, 1000), (1001, 1001), (1006, None), (1012, 1012)])
def test_sockets_are_closed_with_the_code_that_was_asked_for(stand: Stand, code: int, seen: int | None) -> None:
    """Every open socket, once, and each named by its user; 1006 is a connection that just ends."""
    with stand.devices(3) as devices:
        truth = stand.ended(stand.plant("close", code=code))

        assert [device.close_code() for device in devices] == [seen] * 3
        assert truth["planted"] == 3
        assert {detail["channel"] for detail in truth["details"]} == {device.user for device in devices}


def test_a_share_of_the_sockets_is_closed(stand: Stand) -> None:
    """The others stay open."""
    with stand.devices(8) as devices:
        truth = stand.ended(stand.plant("close", code=1001, share=0.5, seed=2))
        closed = {detail["channel"] for detail in truth["details"]}
        for device in devices:
            if device.user in closed:
                assert device.close_code() == 1001
            else:
                assert device.drain() == []

        assert 0 < truth["planted"] == len(closed) < 8


def test_connects_are_refused_with_429_and_counted(stand: Stand) -> None:
    """Who is there already stays."""
    with stand.devices(1) as devices, stand.planted("refuse_connects", duration_s=60) as number:
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused:
                stand.connect()
            assert refused.value.response.status_code == 429
        truth = stand.truth(number)
        stand.end(number)
        stand.connect().connection.close()

        assert truth["planted"] == 3
        assert devices[0].drain() == []


def test_slow_acceptance_is_as_slow_as_asked_for(stand: Stand) -> None:
    """The handshake's answer comes late, and the socket then works."""
    with stand.planted("slow_accept", ms=300, duration_s=60) as number:
        before = time.monotonic()
        with stand.devices(1) as devices:
            waited_s = time.monotonic() - before
            (event,) = stand.emit(devices[0].organization, 1)
            ((change,),) = stand.settle(devices, 1)
        truth = stand.truth(number)

        assert waited_s >= 0.3
        assert change.event_id == event
        assert truth["planted"] == 1


def test_a_stalled_feed_loses_nothing(stand: Stand) -> None:
    """Nothing comes while it stands still; then everything does, in order."""
    with stand.devices(2) as devices, stand.planted("stalled", duration_s=60) as number:
        events = stand.emit(devices[0].organization, 10)
        assert [device.drain() for device in devices] == [[], []]
        stand.end(number)
        lists = stand.settle(devices, 20)
        truth = stand.truth(number)

        assert [[change.event_id for change in one] for one in lists] == [events, events]
        assert truth["planted"] == 1


def test_a_lost_slot_is_one_reconnect_and_then_changes_flow_again(stand: Stand) -> None:
    """The sockets notice nothing."""
    with stand.devices(1) as devices:
        truth = stand.truth(stand.plant("slot_lost"))
        sent: list[str] = []

        def heard() -> list[str | None]:
            sent.extend(stand.emit(devices[0].organization, 1))
            return [change.event_id for change in devices[0].drain()]

        got = stand.until(heard, bool)

        assert truth["planted"] == 1
        assert set(got) <= set(sent)
