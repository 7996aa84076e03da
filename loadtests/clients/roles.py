"""What a scenario's devices are played as: the client models of a run, and the screen of each device.

Shared by whoever makes devices and whoever replays what they did. Knows no socket, no token and no history.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from loadtests.clients.models import ClientModel, Screen, client_model
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Device, Population
from loadtests.scenario.vocabulary import PUSHED_MODELS

_MS: Final = 1_000_000


def models_of(scenario: Scenario) -> Mapping[int, ClientModel]:
    """Return each client model with what the scenario says of its devices."""
    wanted = scenario.subscribers
    return {
        model: client_model(
            model,
            window_ns=wanted.debounce_ms * _MS,
            refresh=wanted.refresh,
            background=wanted.background,
        )
        for model in PUSHED_MODELS
    }


def home_screen(device: Device, model: ClientModel, population: Population) -> Screen:
    """Return what the device has open in its own organization."""
    open_job_id = None if device.open_job is None else population.job_id(device.organization, device.open_job)
    return model.screen(open_job_id=open_job_id, open_audit=device.open_audit)


def guest_screen(organization: int, model: ClientModel, population: Population) -> Screen:
    """Return the screen in another organization, which its requests have to name."""
    return replace(model.screen(), organization_id=population.organization_id(organization))
