"""Faults with the feed that polls, as the real server does."""

import time
from collections.abc import Iterator

import pytest

from loadtests.pipeline.settings import RealtimeOptions, StackSettings
from tests.pipeline.faults.stand import Stand, running_stand

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Return a running pipeline that polls."""
    settings = StackSettings(realtime=RealtimeOptions(feed="supabase"))
    with running_stand(tmp_path_factory.mktemp("faults") / "pipeline.log", settings) as running:
        yield running


def test_frames_and_the_slot_are_at_the_mercy_of_faults_too(stand: Stand) -> None:
    """Dropped frames are told; a stall loses nothing; a lost slot is one, and another follows."""
    with stand.devices(2) as devices:
        with stand.planted("drop", count=5) as number:
            events = stand.emit(devices[0].organization, 20)
            lists = stand.settle(devices, 35)
            truth = stand.truth(number)
        whole = {(event, device.user) for event in events for device in devices}
        got = {(change.event_id, device.user) for device, one in zip(devices, lists, strict=True) for change in one}
        assert truth["planted"] == 5
        assert whole - got == {(detail["event"], detail["channel"]) for detail in truth["details"]}

        with stand.planted("stalled", duration_s=60):
            events = stand.emit(devices[0].organization, 5)
            begun_s = time.monotonic()
            stand.until(lambda: time.monotonic() - begun_s, lambda waited_s: waited_s > 0.7)  # more than one cadence
            assert [device.drain() for device in devices] == [[], []]
        lists = stand.settle(devices, 10)
        assert [[change.event_id for change in one] for one in lists] == [events, events]

        assert stand.truth(stand.plant("slot_lost"))["planted"] == 1

        def heard() -> list[object]:
            stand.emit(devices[0].organization, 1)
            return devices[0].drain()

        assert stand.until(heard, bool)
