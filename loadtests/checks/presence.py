"""When each subscriber will be on a channel, and in which organization: itineraries, carried out as planned.

Pure, and before the run: nobody is refused, and nothing is lost. Knows no rates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from loadtests.clients.habits import Background
from loadtests.clients.models import ClientModel
from loadtests.clients.roles import models_of
from loadtests.scenario.itinerary import Planned
from loadtests.scenario.population import Device, Population
from loadtests.scenario.vocabulary import Step

_NS: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """One subscriber on one organization's channel without a break; seconds from the start of the load."""

    subscriber: int
    """Its index; of a control subscriber, the index of the one that it shadows."""
    organization: int
    begin_s: float
    """Before the load it is negative."""
    end_s: float
    is_new_socket: bool
    """Whether it opened a socket for it; a switch of organizations keeps the one it has."""


def lead_s(population: Population) -> float:
    """Return how long the devices that are there before the load take to log in, one after another."""
    wanted = population.scenario.subscribers
    return (wanted.count + len(population.pollers)) / wanted.connects_per_s


def stints(population: Population) -> Iterator[Stint]:
    """Yield where each subscriber is and when, in order of subscribers."""
    models = models_of(population.scenario)
    early = 0
    for role in population.subscribers:
        plan = population.itineraries.of(role.index, role.model)
        begin_s = None
        if population.itineraries.begins_logged_in(role.index, role.model):
            begin_s = early / population.scenario.subscribers.connects_per_s - lead_s(population)
            early += 1
        yield from _Life(role, models, begin_s).live(plan, end_s=_end_s(population))


def control_stints(population: Population) -> Iterator[Stint]:
    """Yield where the control group is: from the first login of whom each shadows on, whatever they do later."""
    for control in population.controls:
        yield Stint(
            subscriber=control.shadows,
            organization=control.organization,
            begin_s=-lead_s(population) if control.joins_ns is None else control.joins_ns / _NS,
            end_s=_end_s(population),
            is_new_socket=True,
        )


def _end_s(population: Population) -> float:
    return population.scenario.duration_s + population.scenario.effective_drain_s


class _Life:
    """One subscriber's way through its plan."""

    def __init__(self, role: Device, models: Mapping[int, ClientModel], begin_s: float | None) -> None:
        self._role = role
        self._habits = models[role.model].habits
        self._is_home = True
        self._is_away = False
        """In the background without a channel, and not logged out."""
        self._begin_s = begin_s
        self._is_new_socket = True

    def live(self, plan: tuple[Planned, ...], *, end_s: float) -> Iterator[Stint]:
        """Yield each stint when it has ended."""
        for planned in plan:
            yield from self._do(planned.step, planned.at_ns / _NS)
        yield from self._leave(end_s)

    def _do(self, step: Step, at_s: float) -> Iterator[Stint]:
        match step:
            case Step.LOGIN:
                self._come(at_s)
            case Step.LOGOUT | Step.KILL:
                self._is_away = False
                yield from self._leave(at_s)
            case Step.BACKGROUND if self._habits.background is Background.UNSUBSCRIBE:
                self._is_away = self._is_away or self._begin_s is not None
                yield from self._leave(at_s)
            case Step.FOREGROUND if self._is_away and self._habits.comes_back:
                self._come(at_s)
            case Step.SWITCH if self._begin_s is not None:
                yield from self._leave(at_s)
                self._is_home = not self._is_home
                self._begin_s, self._is_new_socket = at_s, False

    def _come(self, at_s: float) -> None:
        if self._begin_s is None:
            self._begin_s, self._is_new_socket, self._is_away = at_s, True, False

    def _leave(self, at_s: float) -> Iterator[Stint]:
        begin_s, self._begin_s = self._begin_s, None
        if begin_s is None:
            return
        other = self._role.other_organization
        yield Stint(
            subscriber=self._role.index,
            organization=self._role.organization if self._is_home or other is None else other,
            begin_s=begin_s,
            end_s=at_s,
            is_new_socket=self._is_new_socket,
        )
