"""What each person does with a device and when: the scenario's lifecycle steps and its random attention, drawn ahead.

A pure function of scenario and seed, so that every process of a run knows the same plan. Knows people and moments,
nothing of what a device makes of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.scenario.devices import LifecycleStep
from loadtests.scenario.model import Scenario
from loadtests.scenario.vocabulary import DeviceModel, Step

_NS: Final = 1_000_000_000
_FOR_EVER_NS: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of one person."""

    at_ns: int
    """Counted from the start of the load."""
    step: Step


@dataclass(frozen=True)
class Itineraries:
    """The plans of all subscribers of a run."""

    scenario: Scenario
    seed: int

    @cached_property
    def _rank(self) -> NDArray[np.int64]:
        """Each subscriber's place in a random order: a share takes the first of it, exactly, and always the same."""
        return np.random.default_rng([self.seed, 5]).permutation(self.scenario.subscribers.count)

    def _is_among(self, index: int, share: float) -> bool:
        return bool(self._rank[index] < round(share * self.scenario.subscribers.count))

    def _does(self, step: LifecycleStep, index: int, model: DeviceModel) -> bool:
        return (not step.models or model.key in step.models) and self._is_among(index, step.share)

    def of(self, index: int, model: DeviceModel) -> tuple[Planned, ...]:
        """Return what the person with subscriber `index` does, in order of time."""
        plan = (*self._lifecycle(index, model), *self._glances(index))
        return tuple(sorted(plan, key=lambda planned: planned.at_ns))

    def _lifecycle(self, index: int, model: DeviceModel) -> list[Planned]:
        return [
            Planned(round((step.at_s + self._delay_s(place, index)) * _NS), step.kind)
            for place, step in enumerate(self.scenario.lifecycle)
            if self._does(step, index, model)
        ]

    def begins_logged_in(self, index: int, model: DeviceModel) -> bool:
        """Return whether the device is logged in before the load: unless its first lifecycle step is to log in.

        Looks away mean nothing while it is logged out.
        """
        plan = self._lifecycle(index, model)
        return not plan or min(plan, key=lambda planned: planned.at_ns).step is not Step.LOGIN

    def first_login_ns(self, index: int, model: DeviceModel) -> int:
        """Return when a device that begins logged out logs in for the first time, from the start of the load."""
        return min(planned.at_ns for planned in self._lifecycle(index, model) if planned.step is Step.LOGIN)

    def at_home(self, index: int, model: DeviceModel) -> list[tuple[int, int]]:
        """Return from when to when the person is logged in where the device is at home.

        In ns from the start of the load. Who looks away is counted as there; what has no beginning or end in the plan
        has one beyond all times.
        """
        is_in, is_home = self.begins_logged_in(index, model), True
        begin_ns, stretches = -_FOR_EVER_NS, []
        for planned in sorted(self._lifecycle(index, model), key=lambda planned: planned.at_ns):
            was_there = is_in and is_home
            match planned.step:
                case Step.LOGIN:
                    is_in = True
                case Step.LOGOUT | Step.KILL:
                    is_in = False
                case Step.SWITCH if is_in:
                    is_home = not is_home
            is_there = is_in and is_home
            if was_there and not is_there:
                stretches.append((begin_ns, planned.at_ns))
            elif is_there and not was_there:
                begin_ns = planned.at_ns
        return [*stretches, (begin_ns, _FOR_EVER_NS)] if is_in and is_home else stretches

    def switches(self, index: int, model: DeviceModel) -> bool:
        """Return whether the person ever goes to the other organization, and so is a member of both."""
        return any(self._does(step, index, model) for step in self.scenario.lifecycle if step.kind is Step.SWITCH)

    def _delay_s(self, place: int, index: int) -> float:
        return float(self._delays_s[place][index])

    @cached_property
    def _delays_s(self) -> list[NDArray[np.float64]]:
        return [
            np.random.default_rng([self.seed, 6, place]).random(self.scenario.subscribers.count) * step.within_s
            for place, step in enumerate(self.scenario.lifecycle)
        ]

    def _glances(self, index: int) -> list[Planned]:
        """Return the looks away and back of one person; whoever looks away at the end looks again when it comes."""
        attention = self.scenario.subscribers.attention
        if attention is None or not self._is_among(index, attention.share):
            return []
        random = np.random.default_rng([self.seed, 7, index])
        end_s = self.scenario.duration_s
        glances: list[Planned] = []
        at_s = 0.0
        while True:
            at_s += float(random.exponential(attention.foreground_s))
            if at_s >= end_s:
                return glances
            glances.append(Planned(round(at_s * _NS), Step.BACKGROUND))
            at_s = min(at_s + float(random.exponential(attention.background_s)), end_s)
            glances.append(Planned(round(at_s * _NS), Step.FOREGROUND))
