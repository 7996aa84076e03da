"""Faults of change messages, committed by a real pipeline: exactly what was planted happened, and is told."""

from itertools import pairwise

import httpx
import pytest

from loadtests.wire.changes import Change
from tests.pipeline.faults.stand import Stand

pytestmark = pytest.mark.e2e


def keys(details: list[dict[str, object]]) -> set[tuple[object, object]]:
    """Return who should have heard of what."""
    return {(detail["event"], detail["channel"]) for detail in details}


def received(devices: list, lists: list[list[Change]]) -> list[tuple[str | None, str]]:
    """Return which event reached whom, in order for each."""
    return [(change.event_id, device.user) for device, one in zip(devices, lists, strict=True) for change in one]


def test_dropped_frames_are_those_that_are_told(stand: Stand) -> None:
    """Seven of sixty deliveries are missing, and the truth names each."""
    with stand.devices(3) as devices, stand.planted("drop", count=7, seed=5) as number:
        events = stand.emit(devices[0].organization, 30)
        lists = stand.settle(devices, 83)
        truth = stand.truth(number)
        expected = {(event, device.user) for event in events for device in devices}

        assert truth["planted"] == 7
        assert truth["ended_ns"] is not None
        assert keys(truth["details"]) == expected - set(received(devices, lists))
        assert len(received(devices, lists)) == 83


def test_duplicated_frames_come_twice(stand: Stand) -> None:
    """Each named delivery is there twice, all others once."""
    with stand.devices(2) as devices, stand.planted("duplicate", count=5) as number:
        stand.emit(devices[0].organization, 30)
        got = received(devices, stand.settle(devices, 65))
        truth = stand.truth(number)

        assert truth["planted"] == 5
        assert {key for key in got if got.count(key) == 2} == keys(truth["details"])
        assert len(got) == 65


def test_leaked_frames_reach_another_organization(stand: Stand) -> None:
    """Strangers hear of exactly the named events; members miss nothing."""
    with stand.devices(2, 2) as devices, stand.planted("leak", count=4) as number:
        stand.emit(devices[0].organization, 30)
        lists = stand.settle(devices, 64)
        truth = stand.truth(number)
        strange = received(devices[2:], lists[2:])

        assert truth["planted"] == 4
        assert len(strange) == 4
        assert set(strange) == keys(truth["details"])
        assert all(change.organization_id == devices[0].organization for one in lists for change in one)


def test_phantom_frames_tell_of_rows_that_do_not_exist(stand: Stand) -> None:
    """The named events, and no others, are not in the database."""
    with stand.devices(2) as devices, stand.planted("phantom", count=4) as number:
        events = stand.emit(devices[0].organization, 30)
        lists = stand.settle(devices, 64)
        truth = stand.truth(number)
        absent = [key for key in received(devices, lists) if key[0] not in events]

        assert truth["planted"] == 4
        assert len(absent) == 4
        assert set(absent) == keys(truth["details"])
        requests = [change.request_id for one in lists for change in one if change.event_id not in events]
        assert len(set(requests)) == 4


def test_reordered_frames_come_after_the_next_one_of_their_job(stand: Stand) -> None:
    """Each named event stands behind exactly one later event of its job."""
    with stand.devices(2) as devices, stand.planted("reorder", count=4) as number:
        events = stand.emit(devices[0].organization, 60, jobs=2)
        lists = stand.settle(devices, 120)
        truth = stand.truth(number)
        late = set()
        for device, one in zip(devices, lists, strict=True):
            for job in range(2):
                places = [events.index(str(c.event_id)) for c in one if c.entity_id == f"job-{job}"]
                late |= {(events[b], device.user) for a, b in pairwise(places) if b < a}

        assert truth["planted"] == 4
        assert late == keys(truth["details"])


@pytest.mark.parametrize(("error", "text"), [(413, "Error 413: Payload Too Large"), (401, "Error 401: Unauthorized")])
def test_degraded_frames_show_an_error(stand: Stand, error: int, text: str) -> None:
    """As many frames as were planted carry it; with 413 they still show their id."""
    with stand.devices(2) as devices, stand.planted("degraded", count=4, error=error) as number:
        stand.emit(devices[0].organization, 30)
        lists = stand.settle(devices, 60)
        truth = stand.truth(number)
        marked = [(change, device.user) for device, one in zip(devices, lists, strict=True) for change in one
                  if change.errors]  # fmt: skip

        assert truth["planted"] == 4
        assert [change.errors for change, _ in marked] == [(text,)] * 4
        if error == 413:
            assert {(change.event_id, user) for change, user in marked} == keys(truth["details"])


def test_delayed_frames_all_come(stand: Stand) -> None:
    """Late is not lost: the named deliveries come after the others."""
    with stand.devices(1) as devices, stand.planted("delay", count=3, ms=400) as number:
        events = stand.emit(devices[0].organization, 20)
        (got,) = stand.settle(devices, 20)
        truth = stand.truth(number)

        assert truth["planted"] == 3
        assert [change.event_id for change in got[-3:]] == [detail["event"] for detail in truth["details"]]
        assert sorted(str(change.event_id) for change in got) == sorted(events)


def test_deaf_channels_hear_nothing_and_stay_joined(stand: Stand) -> None:
    """Those who are deaf miss everything, the others nothing; heartbeats are answered throughout."""
    with stand.devices(6) as devices, stand.planted("deaf", share=0.5, duration_s=60, seed=3) as number:
        stand.emit(devices[0].organization, 5)
        hearing = 6 - len(
            {
                detail["channel"]
                for detail in stand.until(lambda: stand.truth(number), lambda t: t["planted"])["details"]
            }
        )
        lists = stand.settle(devices, 5 * hearing)
        truth = stand.truth(number)
        deaf = {detail["channel"] for detail in truth["details"]}

        assert 0 < len(deaf) < 6
        assert truth["planted"] == 5 * len(deaf)
        assert {device.user for device, one in zip(devices, lists, strict=True) if not one} == deaf
        stand.end(number)
        after = stand.emit(devices[0].organization, 1)
        lists = stand.settle(devices, 6)
        assert received(devices, lists) == [(after[0], device.user) for device in devices]


def test_discarded_changes_are_counted_as_the_real_server_counts_them(stand: Stand) -> None:
    """Nobody hears anything, nobody is told, and `/metrics` knows."""
    with stand.devices(2) as devices, stand.planted("discard", duration_s=60) as number:
        stand.emit(devices[0].organization, 5)
        truth = stand.until(lambda: stand.truth(number), lambda seen: seen["planted"] >= 10)
        stand.end(number)
        (after,) = stand.emit(devices[0].organization, 1)
        got = received(devices, stand.settle(devices, 2))
        url = stand.endpoint.realtime_url.replace("ws:", "http:").replace("/realtime/v1/websocket", "/metrics")
        key = {"Authorization": f"Bearer {stand.endpoint.service_key}"}

        assert truth["planted"] == 10
        assert got == [(after, device.user) for device in devices]
        assert 'poller_changes_skip{reason="rate_limited"} 5' in httpx.get(url, headers=key).text


def test_faults_stack_on_a_frame_and_each_truth_still_holds(stand: Stand) -> None:
    """What is dropped has no other fault; what is sent may be degraded, doubled, leaked and followed by a phantom."""
    counts = {"duplicate": 20, "drop": 12, "leak": 6, "phantom": 6, "degraded": 20}
    with stand.devices(2, 1) as devices:
        kinds = {
            kind: stand.plant(kind, count=count, share=0.5, seed=seed)
            for seed, (kind, count) in enumerate(counts.items(), start=1)
        }
        events = stand.emit(devices[0].organization, 60)
        lists = stand.settle(devices, 120 + 20 - 12 + 6 + 6)
        truths = {kind: stand.ended(number) for kind, number in kinds.items()}
        victims = {kind: keys(truth["details"]) for kind, truth in truths.items()}
        got = received(devices, lists)
        whole = {(event, device.user) for event in events for device in devices[:2]}
        degraded = [
            (change.event_id, device.user)
            for device, one in zip(devices[:2], lists[:2], strict=True)
            for change in one
            if change.errors and change.event_id in events
        ]

        assert {kind: truth["planted"] for kind, truth in truths.items()} == counts
        assert whole - set(got) == victims["drop"]
        assert {key for key in whole if got.count(key) == 2} == victims["duplicate"]
        assert set(received(devices[2:], lists[2:])) == victims["leak"]
        assert {key for key in got if key[0] not in events} == victims["phantom"]
        assert sorted(degraded) == sorted(key for key in got if key in victims["degraded"])
        assert victims["degraded"] & victims["duplicate"]
        assert not victims["drop"] & (victims["degraded"] | victims["duplicate"] | victims["leak"])


def test_a_fault_ends_after_its_time(stand: Stand) -> None:
    """Without being told; what comes later is delivered."""
    with stand.devices(1) as devices:
        number = stand.plant("discard", duration_s=0.1)
        truth = stand.ended(number)
        (event,) = stand.emit(devices[0].organization, 1)

        assert truth["ended_ns"] - truth["begun_ns"] >= 98_000_000  # the loop's timers count milliseconds
        assert received(devices, stand.settle(devices, 1)) == [(event, devices[0].user)]
