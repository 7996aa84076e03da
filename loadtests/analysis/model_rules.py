"""What the devices' client models say of their screens, as columns: `clients.models` alone holds the rules.

Knows no model by name.
"""

from collections.abc import Callable

import numpy as np

from loadtests.analysis.devices import Devices
from loadtests.analysis.stamps import Ints
from loadtests.clients.models import ClientModel, client_model
from loadtests.scenario.vocabulary import DeviceModel


def by_model(devices: Devices, value: Callable[[ClientModel], int]) -> Ints:
    """Return for each device a value of its model that no scenario changes, such as the rule of its view."""
    of_model = np.zeros(max(DeviceModel) + 1, dtype=np.int64)
    for model in DeviceModel:
        of_model[model] = value(client_model(model, window_ns=0))
    column: Ints = of_model[devices.model]
    return column
