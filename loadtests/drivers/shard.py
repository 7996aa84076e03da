"""What one of several swarm processes is to do, and whether the machine lets it: devices, ledger, descriptors.

Arithmetic on a scenario; opens nothing.
"""

from dataclasses import dataclass
from typing import Final

from loadtests.drivers.run_input import RunInput
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Device, Population
from loadtests.scenario.weights import organization_weights

_RESERVED_DESCRIPTORS: Final = 64
"""Ledger, pipes, log, event loop, libraries."""
_FETCH_CONNECTIONS_MIN: Final = 16
_ROWS_PER_SIGNAL: Final = 8
"""SIGNAL, and if each were a batch of its own: FLUSH and three re-fetches of two rows."""
_ROWS_PER_BODY: Final = 128
"""A page of 25 jobs, a detail, and documents."""
_ROWS_PER_DEVICE: Final = 64
_ROWS_PER_SECOND: Final = 64
_SPARE_ROWS: Final = 1_000_000
_GENEROSITY: Final = 3


class TooFewDescriptorsError(RuntimeError):
    """The limit on open files is too low for the population. The text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The devices of process `number` of `of`."""

    number: int
    of: int
    subscribers: tuple[Device, ...]
    pollers: tuple[Device, ...]

    @classmethod
    def of_run(cls, run: RunInput, number: int, of: int) -> "Shard":
        """Take every `of`-th device, so that each process has all organizations and models alike."""
        return cls.of_population(run.population, number, of)

    @classmethod
    def of_population(cls, population: Population, number: int, of: int) -> "Shard":
        """Take them of a population whose run has no directory yet."""
        return cls(
            number=number,
            of=of,
            subscribers=tuple(device for device in population.subscribers if device.index % of == number),
            pollers=tuple(device for device in population.pollers if device.index % of == number),
        )

    def fetch_connections(self, descriptors: int) -> int:
        """Return how many connections re-fetches may use at once, given the limit on open files.

        One for each device would be as in life, and is what they get if the limit allows.

        Raises:
            TooFewDescriptorsError: there would be too few for the re-fetches.

        """
        left = descriptors - _RESERVED_DESCRIPTORS - len(self.subscribers)
        wanted = len(self.subscribers) + len(self.pollers)
        if left < min(_FETCH_CONNECTIONS_MIN, wanted):
            needed = _RESERVED_DESCRIPTORS + len(self.subscribers) + wanted
            raise TooFewDescriptorsError(
                f"{len(self.subscribers):,} subscribers in one process need {needed:,} open files and the limit is "
                f"{descriptors:,}: raise it with `ulimit -n {needed}`, or set subscribers.processes higher"
            )
        return max(1, min(left, wanted))


def ledger_rows(scenario: Scenario, shard: Shard) -> int:
    """Return a capacity that no run of this scenario reaches; the file is sparse, so more costs nothing."""
    mutations = sum(phase.mutations_per_s * phase.duration_s for phase in scenario.phases)
    duration_s = scenario.duration_s + scenario.effective_drain_s
    # A mutation of an organization with the share w happens w of the time and reaches w of the devices.
    meetings = float((organization_weights(scenario) ** 2).sum())
    signals = mutations * meetings * len(shard.subscribers)
    polls = sum(duration_s / device.interval_s + 2 for device in shard.pollers)
    rows = (
        signals * _ROWS_PER_SIGNAL
        + (mutations + scenario.organizations.count * 4) * _ROWS_PER_BODY
        + polls * 2
        + (len(shard.subscribers) + len(shard.pollers)) * _ROWS_PER_DEVICE
        + duration_s * _ROWS_PER_SECOND
    )
    return _SPARE_ROWS + _GENEROSITY * round(rows)
