"""Traces made by hand or by chance, without a run behind them: for whoever compares two ways to replay."""

from dataclasses import dataclass, field

import numpy as np

from loadtests.analysis.laboratory.arrivals import Arrivals, bit
from loadtests.analysis.laboratory.durations import Durations
from loadtests.analysis.laboratory.engines import Engines
from loadtests.analysis.laboratory.tallies import Setting
from loadtests.analysis.laboratory.traces import Fetching, Traces
from loadtests.analysis.laboratory.what_if import Laboratory
from loadtests.analysis.window import Window
from loadtests.clients.models import client_model
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel

MS = 1_000_000
END_NS = 20_000 * MS
KEYS = tuple(RequestKey(kind, f"/{kind.name.lower()}") for kind in KeyKind)
ENTITIES = 4
ASKS = (0, bit(KeyKind.JOB_LIST), bit(KeyKind.JOB_LIST) | bit(KeyKind.JOB), bit(KeyKind.AUDIT))
"""What an event of each entity asks for; the first is about nothing that anybody has open."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """One lifetime from 0 to 20 s."""

    model: DeviceModel
    heard: list[tuple[int, int]]
    """Stamp and entity of each signal, ascending."""
    away_ns: list[tuple[int, int]] = field(default_factory=list)
    """When nobody looks."""
    catch_ups_ns: list[int] = field(default_factory=list)


def laboratory_of(lives: list[Life], *, may_be_fast: bool = True, seed: int = 1) -> Laboratory:
    """Return what replays them; a list takes 20 to 400 ms, everything else 30."""
    lives = sorted(lives, key=lambda life: life.model)
    looks = [(place, *look) for place, life in enumerate(lives) for look in _looks(life)]
    heard = [
        (place, at_ns, entity, look)
        for place, life in enumerate(lives)
        for at_ns, entity in life.heard
        for look, (whose, begin_ns, end_ns) in enumerate(looks)
        if whose == place and begin_ns <= at_ns < end_ns
    ]
    place, at_ns, entity, look = np.array(heard, dtype=np.int64).reshape(-1, 4).T
    arrivals = Arrivals(
        lifetime=np.arange(len(lives)),
        end_ns=np.full(len(lives), END_NS),
        model=np.array([life.model for life in lives]),
        key_of=np.tile(np.arange(len(KEYS)), (len(lives), 1)),
        begin=np.searchsorted(place, np.arange(len(lives) + 1)).astype(np.int64),
        at_ns=at_ns,
        mask=np.array(ASKS, dtype=np.uint8)[entity],
        meaning=entity.astype(np.int32),
        look=look.astype(np.int32),
        signal=np.arange(len(at_ns)),
        entity=np.arange(ENTITIES),
        look_end_ns=np.array([end_ns for *_, end_ns in looks], dtype=np.int64),
    )
    traces = Traces(
        arrivals=arrivals,
        device=np.arange(len(lives)),
        meanings=tuple(
            Signal(subject=Subject.JOB, is_upload=False, entity=f"job:{each}", entity_id=str(each))
            for each in range(ENTITIES)
        ),
        keys={key: number for number, key in enumerate(KEYS)},
        key_of_name=np.zeros(0, dtype=np.int64),
        fetchings={
            place: tuple(Fetching(at_ns, Cause.CATCH_UP, KEYS[0]) for at_ns in life.catch_ups_ns)
            for place, life in enumerate(lives)
        },
        looks_away_ns={
            place: tuple(end_ns for whose, _, end_ns in looks if whose == place) for place in range(len(lives))
        },
        nameless=0,
    )
    setting = Setting(
        window=Window(load_ns=0, start_ns=1000 * MS, end_ns=15_000 * MS),
        minutes=len(lives) * 14 / 60,
        looked_ns=len(lives) * 14_000 * MS,
        events=1000,
        look_begin_ns=np.array([begin_ns for _, begin_ns, _ in looks], dtype=np.int64),
        durations=Durations(
            {
                KeyKind.JOB_LIST: np.array([20 * MS, 90 * MS, 400 * MS]),
                KeyKind.JOB: np.array([30 * MS]),
            },
            seed,
        ),
    )
    models = {model: client_model(model, window_ns=500 * MS) for model in PUSHED_MODELS}
    return Laboratory(setting, Engines(traces, models, setting.durations, seed), may_be_fast)


def _looks(life: Life) -> list[tuple[int, int]]:
    edges = [0, *(edge for span in life.away_ns for edge in span), END_NS]
    return [(begin_ns, end_ns) for begin_ns, end_ns in zip(edges[::2], edges[1::2], strict=True) if begin_ns < end_ns]
