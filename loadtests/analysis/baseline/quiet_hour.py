"""What a phone's radio takes in an hour in which hardly anything is written: what is left is each way's own cost.

A run is busy and short; most hours of a phone are neither. So signals, requests and heartbeats of a quiet organization
are lived by the client's own state machine, polls follow from their interval, and both go through the radio's model.
"""

from collections.abc import Iterable
from random import Random
from typing import Final

import numpy as np

from loadtests.analysis.baseline.battery import HEAD_BYTES, HEARTBEAT_BYTES, REQUEST_BYTES
from loadtests.analysis.baseline.break_even import Writing, draw_signals
from loadtests.analysis.baseline.lone_device import live_through
from loadtests.analysis.baseline.radio import Drain, Radio, drain, sort_transfers
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S
from loadtests.clients.models import client_model
from loadtests.scenario.vocabulary import DeviceModel

WRITES_PER_HOUR: Final = 6
POLLING_S: Final = (5.0, 10.0, 30.0, 60.0)
_HOURS: Final = 24
_HOUR_NS: Final = 3600 * NS_PER_S
_FETCH_NS: Final = 50 * NS_PER_MS
_ANSWER_BYTES: Final = 12_000
_SIGNAL_BYTES: Final = 700
"""A page of 25 jobs, an event: bytes hardly count."""
_SEED: Final = 1

Transfer = tuple[int, int, bool]
"""When, how many bytes, whether sent."""


def quiet_hour(radio: Radio, *, heartbeat_s: float, window_ms: int) -> dict[str, Drain]:
    """Return what each way of being told takes, by its name: push as designed (iOS), its socket alone, polling."""
    end_ns = _HOURS * _HOUR_NS
    random = Random(_SEED)  # noqa: S311 - a seeded draw, no secret
    heard = draw_signals(Writing(), per_minute=WRITES_PER_HOUR / 60, minutes=_HOURS * 60, random=random)
    client = client_model(DeviceModel.IOS, window_ns=window_ms * NS_PER_MS)
    lived = live_through(client, client.screen(), heard, end_ns=end_ns, fetch_ns=_FETCH_NS, chance=random.random)
    every_ns = round(heartbeat_s * NS_PER_S)
    beats = [(at_ns, HEARTBEAT_BYTES, is_up) for at_ns in range(every_ns, end_ns, every_ns) for is_up in (True, False)]
    told = [*beats, *((at_ns, _SIGNAL_BYTES, False) for at_ns, _ in heard)]
    polls = {f"{each:g}s": range(0, end_ns, round(each * NS_PER_S)) for each in POLLING_S}
    return {
        "push": _drain(radio, [*told, *_fetches(at_ns for at_ns, _ in lived)]),
        "push_in_background": _drain(radio, told),
        **{name: _drain(radio, _fetches(at_ns)) for name, at_ns in polls.items()},
    }


def _fetches(at_ns: Iterable[int]) -> list[Transfer]:
    return [
        transfer
        for each in at_ns
        for transfer in ((each, REQUEST_BYTES, True), (each + _FETCH_NS, HEAD_BYTES + _ANSWER_BYTES, False))
    ]


def _drain(radio: Radio, transfers: list[Transfer]) -> Drain:
    at_ns, size, is_up = (list(column) for column in zip(*transfers, strict=True))
    return drain(
        radio,
        sort_transfers(
            np.zeros(len(at_ns), dtype=np.int64),
            np.array(at_ns, dtype=np.int64),
            np.array(size, dtype=np.int64),
            np.array(is_up, dtype=np.bool_),
        ),
        observed_ns=_HOURS * _HOUR_NS,
        within_ns=(0, _HOURS * _HOUR_NS),
    )
