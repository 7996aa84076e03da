"""What each subscriber of a run was told and did, as something that can be lived again under another refresh policy.

A trace holds what no refresh policy decides: the signals while somebody looked, with the keys that they make stale by
the device's own client model; when they looked away; and what was fetched for other reasons than a signal. All signals
are columns (`Arrivals`); a single trace is made of them where a lifetime has to go through the state machines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from loadtests.analysis.laboratory.arrivals import Arrivals, bit
from loadtests.analysis.stamps import Ints
from loadtests.clients.gathering import Keys
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.clients.signals import Signal
from loadtests.scenario.vocabulary import DeviceModel


class Arrival(NamedTuple):
    """A signal, while somebody looks."""

    at_ns: int
    signal: Signal
    keys: Keys


class Fetching(NamedTuple):
    """Something was to be fetched, and not because of a signal."""

    at_ns: int
    cause: Cause
    key: RequestKey


class LookAway(NamedTuple):
    """Nobody looks from here on."""

    at_ns: int


Step = Arrival | Fetching | LookAway


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One lifetime of a subscriber."""

    lifetime: int
    """Its index in `Presence.lifetimes`."""
    device: int
    model: DeviceModel
    steps: tuple[Step, ...]
    """In their order."""
    end_ns: int


@dataclass(frozen=True, kw_only=True)
class Traces:
    """All subscribers of a run."""

    arrivals: Arrivals
    device: Ints
    """Of each lifetime in `arrivals`."""
    meanings: tuple[Signal, ...]
    keys: Mapping[RequestKey, int]
    """A number for each request key."""
    key_of_name: Ints
    """The same for each name of the history; -1 for what names no key that a subscriber fetched."""
    fetchings: Mapping[int, tuple[Fetching, ...]]
    """What each lifetime fetched for other reasons, in order."""
    looks_away_ns: Mapping[int, tuple[int, ...]]
    """When each lifetime's looks ended, in order."""
    nameless: int
    """Signals that did not tell what they were about: live they asked for nothing, and do so again."""

    @property
    def devices(self) -> int:
        """How many subscribers there are."""
        return len(np.unique(self.device))

    @cached_property
    def named_keys(self) -> tuple[RequestKey, ...]:
        """The request keys by their number."""
        return tuple(self.keys)

    @property
    def asked(self) -> Ints:
        """Which signals asked for something."""
        asked: Ints = self.arrivals.signal[self.arrivals.mask != 0]
        return asked

    @property
    def each(self) -> tuple[Trace, ...]:
        """Every lifetime, as the state machines live it."""
        return tuple(self.trace(place) for place in range(len(self.arrivals.lifetime)))

    def trace(self, place: int) -> Trace:
        """Return one lifetime, given as its place in `arrivals`.

        What happens at one moment happens in this order: a look ends, signals come, something else is fetched.
        """
        lifetime = int(self.arrivals.lifetime[place])
        looks_away = [LookAway(at_ns) for at_ns in self.looks_away_ns.get(lifetime, ())]
        return self._trace(place, [*looks_away, *self._heard(place), *self.fetchings.get(lifetime, ())])

    def quiet(self, place: int) -> Trace:
        """Return one lifetime without its signals."""
        return self._trace(place, [*self.fetchings.get(int(self.arrivals.lifetime[place]), ())])

    def _trace(self, place: int, steps: list[Step]) -> Trace:
        steps.sort(key=lambda step: step.at_ns)
        return Trace(
            lifetime=int(self.arrivals.lifetime[place]),
            device=int(self.device[place]),
            model=DeviceModel(int(self.arrivals.model[place])),
            steps=tuple(steps),
            end_ns=int(self.arrivals.end_ns[place]),
        )

    def _heard(self, place: int) -> list[Arrival]:
        arrivals = self.arrivals
        rows = slice(int(arrivals.begin[place]), int(arrivals.begin[place + 1]))
        keys_of: dict[int, Keys] = {
            mask: tuple(self.named_keys[arrivals.key_of[place, kind - 1]] for kind in KeyKind if mask & bit(kind))
            for mask in np.unique(arrivals.mask[rows]).tolist()
        }
        columns = (arrivals.at_ns[rows].tolist(), arrivals.meaning[rows].tolist(), arrivals.mask[rows].tolist())
        return [
            Arrival(at_ns, self.meanings[meaning], keys_of[mask]) for at_ns, meaning, mask in zip(*columns, strict=True)
        ]
