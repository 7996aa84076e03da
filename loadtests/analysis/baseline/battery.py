"""What push and polling take from a phone's battery: each device's own traffic of the run through a model of its radio.

Counted are signals, re-fetches with their answers, connects and heartbeats. Heartbeats are not recorded: they follow
from the time that a device was live and from the scenario. Screen, processor, other apps and what the operating system
batches are not counted, so the figures compare ways of being told, and are no forecast of a battery's life.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.baseline.radio import RADIOS, Drain, Transfers, drain, sort_transfers
from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.segments import expand
from loadtests.analysis.stamps import NEVER, NS_PER_S, Bools, Ints

REQUEST_BYTES: Final = 700
"""A GET with its bearer token, and the packets that acknowledge its answer."""
HEAD_BYTES: Final = 300
"""Head of an answer."""
HEARTBEAT_BYTES: Final = 120
"""Each way, packet heads included."""
CONNECT_BYTES: Final = 6000
"""TLS handshake, upgrade and join, mostly received."""
BATTERY_J: Final = 43_200
"""12 Wh: a phone's battery of today, to read joules by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Transfers of one kind."""

    device: Ints
    at_ns: Ints
    bytes: Ints
    is_up: bool


def battery_metrics(run: Reconstruction, cohorts: dict[str, int], heartbeat_s: float) -> dict[str, Any]:
    """Return what each way of being told takes, by radio: push, push with the socket kept and nobody looking, polling.

    `cohorts`: the index of each polling cohort by its name.
    """
    subscribers: Bools = run.devices.cohort == SUBSCRIBER
    fetches = _fetches(run)
    told = (*_signals(run), *_heartbeats(run, round(heartbeat_s * NS_PER_S)), *_connects(run))
    metrics = {
        "push": _by_radio(run, (*told, *fetches), subscribers),
        "push_in_background": _by_radio(run, told, subscribers),
        **{name: _by_radio(run, fetches, run.devices.cohort == cohort) for name, cohort in cohorts.items()},
    }
    return {name: value for name, value in metrics.items() if value}


def _by_radio(run: Reconstruction, moments: Iterable[Moments], among: Bools) -> dict[str, Any]:
    """Return the drain of the devices `among` for each radio; empty where there are none."""
    window = run.window
    observed_ns = run.presence.lifetimes.device_ns(window.start_ns, window.end_ns, among)
    if not observed_ns:
        return {}
    transfers = _together(moments, among)
    counted = int(window.holds(transfers.at_ns).sum())
    return {
        radio.name: _told(
            drain(radio, transfers, observed_ns=observed_ns, within_ns=(window.start_ns, window.end_ns)), counted
        )
        for radio in RADIOS
    }


def _told(used: Drain, transfers: int) -> dict[str, float | int | None]:
    per_hour = used.joules_per_hour
    return {
        "joules_per_hour": per_hour,
        "battery_share_per_hour": None if per_hour is None else per_hour / BATTERY_J,
        "wakeups_per_hour": used.wakeups_per_hour,
        "on_share": used.on_share,
        "transfers": transfers,
        "device_hours": used.observed_s / 3600,
    }


def _together(moments: Iterable[Moments], among: Bools) -> Transfers:
    """Return the transfers of some devices, those before and after the window too: their tails may reach into it."""
    device, at_ns, size, is_up = [], [], [], []
    for each in moments:
        chosen = among[each.device]
        device.append(each.device[chosen])
        at_ns.append(each.at_ns[chosen])
        size.append(each.bytes[chosen])
        is_up.append(np.full(int(chosen.sum()), each.is_up))
    return sort_transfers(np.concatenate(device), np.concatenate(at_ns), np.concatenate(size), np.concatenate(is_up))


def _signals(run: Reconstruction) -> tuple[Moments, ...]:
    signals = run.signals
    return (Moments(device=signals.device, at_ns=signals.received_ns, bytes=signals.bytes, is_up=False),)


def _fetches(run: Reconstruction) -> tuple[Moments, ...]:
    requests, bodies = run.screens.requests, run.screens.bodies
    answered = np.flatnonzero(requests.answered_ns != NEVER)
    body = requests.body[answered]
    came = (body >= 0) & ~requests.is_unchanged[answered]
    size = HEAD_BYTES + np.where(came, bodies.bytes[np.maximum(body, 0)] if len(bodies.bytes) else 0, 0)
    return (
        Moments(
            device=requests.device,
            at_ns=requests.requested_ns,
            bytes=np.full(len(requests), REQUEST_BYTES, dtype=np.int64),
            is_up=True,
        ),
        Moments(
            device=requests.device[answered],
            at_ns=requests.answered_ns[answered],
            bytes=size.astype(np.int64),
            is_up=False,
        ),
    )


def _heartbeats(run: Reconstruction, every_ns: int) -> tuple[Moments, ...]:
    """Return one each way every so often, from the moment when a device was live."""
    live = run.presence.live
    span, ordinal = expand(np.maximum(live.end_ns - live.begin_ns - 1, 0) // every_ns)
    device, at_ns = live.device[span], live.begin_ns[span] + (ordinal + 1) * every_ns
    size = np.full(len(device), HEARTBEAT_BYTES, dtype=np.int64)
    return tuple(Moments(device=device, at_ns=at_ns, bytes=size, is_up=is_up) for is_up in (True, False))


def _connects(run: Reconstruction) -> tuple[Moments, ...]:
    live = run.presence.live
    size = np.full(len(live.device), CONNECT_BYTES, dtype=np.int64)
    return (Moments(device=live.device, at_ns=live.begin_ns, bytes=size, is_up=False),)
