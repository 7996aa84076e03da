"""Where push stops paying: requests of a pushed device against a polling one, as an organization gets busier.

By simulation on the clients' own state machines, never by formula. A device hears each write of its organization
whoever made it, so its requests follow from writes per organization-minute alone: members multiply both sides of the
comparison, and move its line only through the writes that they add. It knows no run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Final, Literal

import numpy as np

from loadtests.analysis.baseline.lone_device import Heard, live_through
from loadtests.analysis.stamps import NS_PER_MS, NS_PER_S
from loadtests.clients.models import ClientModel, Screen, client_model
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.choice import Strategy, choose
from loadtests.scenario.devices import Refresh
from loadtests.scenario.model import DEFAULT_MIX
from loadtests.scenario.vocabulary import DeviceModel, MutationKind

Arrivals = Literal["poisson", "even"]

WRITES_PER_MINUTE: Final[tuple[float, ...]] = (0.5, 1, 2, 4, 6, 9, 12, 18, 25, 40, 60, 90, 120, 180, 240, 360, 600)
"""Where the map is simulated: writes per organization-minute."""
MEMBERS: Final = (2, 10, 50, 200)
FETCH_MS: Final = 50
"""How long an answer takes on the map; it matters to devices that fetch one by one, and hardly to them."""
_WRITES: Final = 300
_LEAST_MINUTES: Final = 3.0
"""What is simulated for a place on the map: so many writes, and so long, for a busy organization's rare quiet."""
_BLOCKS: Final = 10
_MINUTE_NS: Final = 60 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What an organization's members write; hashable, so that a map is simulated once."""

    mix: tuple[tuple[str, float], ...] = tuple(DEFAULT_MIX.items())
    """Relative number of each kind of mutation."""
    choice: Strategy = "uniform"
    """Which job is hit."""
    jobs: int = 15
    arrivals: Arrivals = "poisson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Requests per device-minute, simulated."""

    requests: float
    standard_error: float
    of_blocks: float
    """Standard deviation over blocks of the simulated time."""
    mean_wait_s: float | None
    """From a signal that asks for a refresh to the next request; for what was never requested, the time that was left:
    at least. None: no signal asked for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Where push and polling at an interval cost the same: writes per organization-minute."""

    at: float
    is_loss: bool
    """Whether push costs more beyond it; else it costs less again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One client model over a range of writes per organization-minute, ascending."""

    model: str
    writes: tuple[float, ...]
    rates: tuple[Rate, ...]

    def at(self, writes: float) -> float:
        """Return the requests per device-minute at a rate of writes within the range, by a straight line."""
        return float(np.interp(writes, self.writes, [rate.requests for rate in self.rates]))

    def crossings(self, interval_s: float) -> tuple[Crossing, ...]:
        """Return where it crosses polling at an interval, by straight lines between what was simulated."""
        polls = 60 / interval_s
        found = []
        for (left, low), (right, high) in pairwise(zip(self.writes, self.rates, strict=True)):
            before, after = low.requests - polls, high.requests - polls
            if (before <= 0) != (after <= 0):
                found.append(Crossing(at=left + (right - left) * before / (before - after), is_loss=before <= 0))
        return tuple(found)

    def stops_paying(self, interval_s: float) -> float | None:
        """Return from how many writes per organization-minute on push costs more; None: nowhere in the range."""
        if self.rates[0].requests > 60 / interval_s:
            return self.writes[0]
        return next((crossing.at for crossing in self.crossings(interval_s) if crossing.is_loss), None)

    def saved(self, writes: float, members: int, interval_s: float) -> float:
        """Return requests per organization-minute that push saves its members; negative: what it costs them."""
        return members * (60 / interval_s - self.at(writes))

    def is_slower(self, writes: float, interval_s: float) -> bool:
        """Return whether a change waits longer for its request than polling lets it wait on average: half an interval.

        Also where no change is ever requested.
        """
        waits_s = [math.inf if rate.mean_wait_s is None else rate.mean_wait_s for rate in self.rates]
        return float(np.interp(writes, self.writes, waits_s)) > interval_s / 2


def draw_signals(writing: Writing, *, per_minute: float, minutes: float, random: Random) -> list[Heard]:
    """Return what a member hears in so many minutes, from 1 s on: at random or evenly.

    The number of writes is not drawn: given it, a Poisson process is so many independent moments, and the rates of
    requests vary less.
    """
    kinds = [MutationKind[name.upper()] for name, _ in writing.mix]
    weights = [weight for _, weight in writing.mix]
    writes, length_ns = round(per_minute * minutes), minutes * _MINUTE_NS
    parts = sorted(random.random() for _ in range(writes))
    if writing.arrivals == "even":
        parts = [number / writes for number in range(writes)]
    return [
        Heard(
            NS_PER_S + int(part * length_ns),
            _signal(random.choices(kinds, weights)[0], writing, pick=random.random(), turn=turn),
        )
        for turn, part in enumerate(parts)
    ]


def _signal(kind: MutationKind, writing: Writing, *, pick: float, turn: int) -> Signal:
    """Return a write as a device understands it; what is created or uploaded is an entity of its own."""
    if kind is MutationKind.DOCUMENT:
        return Signal(subject=Subject.EVIDENCE, is_upload=True, entity=f"document:{turn}", entity_id=f"document-{turn}")
    if kind is MutationKind.CREATE or not writing.jobs:
        job = f"new-{turn}"
    else:
        job = f"{choose(writing.choice, pick=pick, turn=turn, count=writing.jobs)}"
    return Signal(subject=Subject.JOB, is_upload=False, entity=f"job:{job}", entity_id=job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """How much is simulated, and with which luck."""

    per_minute: float
    """Writes of the organization."""
    block_minutes: float
    blocks: int = _BLOCKS
    fetch_ns: int
    seed: int


def simulate(model: ClientModel, screens: Mapping[Screen, float], writing: Writing, over: Stretch) -> Rate:
    """Return what devices of a model request; `screens` are the relative numbers of what they have open."""
    minutes = over.block_minutes * over.blocks
    heard = draw_signals(writing, per_minute=over.per_minute, minutes=minutes, random=_random(over.seed, "writes"))
    block_ns = round(over.block_minutes * _MINUTE_NS)
    counts = [0.0] * over.blocks
    waits: list[float] = []
    for number, (screen, weight) in enumerate(screens.items()):
        share = weight / sum(screens.values())
        end_ns = NS_PER_S + block_ns * over.blocks
        chance = _random(over.seed, f"{model.name}/{number}").random
        lived = live_through(model, screen, heard, end_ns=end_ns, fetch_ns=over.fetch_ns, chance=chance)
        requested = [each for each in lived if NS_PER_S <= each.at_ns < end_ns]
        for each in requested:
            counts[(each.at_ns - NS_PER_S) // block_ns] += share
        asking = [each.at_ns for each in heard if model.affected(each.signal, screen)]
        waits += _waits_s(asking, [each.at_ns for each in requested], end_ns)
    rates = [each / over.block_minutes for each in counts]
    mean = sum(rates) / len(rates)
    spread = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1)) if len(rates) > 1 else math.inf
    return Rate(
        requests=mean,
        standard_error=spread / math.sqrt(len(rates)),
        of_blocks=spread,
        mean_wait_s=sum(waits) / len(waits) if waits else None,
    )


def _waits_s(asking_ns: Sequence[int], requested_ns: Sequence[int], end_ns: int) -> list[float]:
    """Return how long each signal waited for a request; what none followed, until the end."""
    following = np.searchsorted(requested_ns, asking_ns, side="left") if len(requested_ns) else np.zeros(len(asking_ns))
    ends_ns = [*requested_ns, end_ns]
    return [(ends_ns[int(place)] - at_ns) / NS_PER_S for at_ns, place in zip(asking_ns, following, strict=True)]


@lru_cache(maxsize=64)
def curve(model: DeviceModel, writing: Writing, *, window_ns: int, refresh: Refresh | None = None, seed: int) -> Curve:
    """Return a model over the map's range, its devices with the jobs list open and nothing else: as pollers have."""
    client = client_model(model, window_ns=window_ns, refresh=refresh)
    rates = []
    for per_minute in WRITES_PER_MINUTE:
        minutes = max(_WRITES / per_minute, _LEAST_MINUTES)
        over = Stretch(per_minute=per_minute, block_minutes=minutes / _BLOCKS, fetch_ns=FETCH_MS * NS_PER_MS, seed=seed)
        rates.append(simulate(client, {client.screen(): 1.0}, writing, over))
    return Curve(model=client.name, writes=WRITES_PER_MINUTE, rates=tuple(rates))


def _random(seed: int, what: str) -> Random:
    return Random(f"{seed}/{what}")  # noqa: S311 - a seeded draw, no secret
