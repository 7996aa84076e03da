"""Who plays whom: the state machine of each simulated device, made from what population and scenario say of it.

Devices that are alike share what does not change: models, channels, screens.
"""

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Final

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection
from loadtests.clients.device import Device, Place
from loadtests.clients.fetching import FetchDesk
from loadtests.clients.gathering import Gatherer
from loadtests.clients.manners import Manners, Renewal
from loadtests.clients.models import Screen
from loadtests.clients.reconnecting import BY_NAME
from loadtests.clients.roles import guest_screen, home_screen, models_of
from loadtests.drivers.wallet import Mint
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Device as Role
from loadtests.scenario.population import Population

_SECOND_NS: Final = 1_000_000_000


class Casting:
    """Makes the devices of one process."""

    def __init__(
        self, population: Population, *, mint: Mint, random: Random, batches: Iterator[int], is_told: bool = False
    ) -> None:
        """Take tokens from `mint`; `is_told`: devices are told of fresh ones, and do not ask for them."""
        scenario = population.scenario
        self._population = population
        self._mint = mint
        self._random = random
        self._batches = batches
        self._manners = manners_of(scenario, is_told=is_told)
        self._models = models_of(scenario)
        self._channels: dict[int, Channel] = {}
        self._screens: dict[Screen, Screen] = {}
        self._places: dict[tuple[int, Screen], Place] = {}

    def device(self, role: Role) -> Device:
        """Return the machine that plays the device."""
        model, population, other = self._models[role.model], self._population, role.other_organization
        places = [self._place(role.organization, home_screen(role, model, population))]
        if other is not None:
            places.append(self._place(other, guest_screen(other, model, population)))
        chance = self._random.random
        return Device(
            model,
            tuple(places),
            connection=Connection(
                places[0].channel,
                self._manners,
                mint=partial(self._mint, role.user_id),
                chance=chance,
                phase=role.phase,
            ),
            gatherer=Gatherer(model.policy, self._batches, chance),
            desk=FetchDesk(model.discipline),
        )

    def _place(self, organization: int, screen: Screen) -> Place:
        screen = self._screens.setdefault(screen, screen)
        if organization not in self._channels:
            organization_id = self._population.organization_id(organization)
            self._channels[organization] = Channel.of_organization(organization_id)
        place = Place(organization=organization, channel=self._channels[organization], screen=screen)
        return self._places.setdefault((organization, screen), place)


def manners_of(scenario: Scenario, *, is_told: bool = False) -> Manners:
    """Return how the scenario's devices behave on the wire."""
    wanted = scenario.subscribers.connection
    timeout_s = wanted.heartbeat_timeout_s
    return Manners(
        live_within_ns=round(scenario.subscribers.live_within_s * _SECOND_NS),
        reconnecting=BY_NAME[wanted.reconnect],
        heartbeat_interval_ns=round(wanted.heartbeat_s * _SECOND_NS),
        heartbeat_timeout_ns=None if timeout_s is None else round(timeout_s * _SECOND_NS),
        token_lifetime_ns=round(wanted.token_lifetime_s * _SECOND_NS),
        renewal=Renewal[wanted.renewal.upper()],
        renewal_margin_ns=round(wanted.renewal_margin_s * _SECOND_NS),
        is_told=is_told,
    )
