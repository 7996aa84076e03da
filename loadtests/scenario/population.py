"""Who takes part: organizations, users, devices and the jobs that exist before the start.

A pure function of scenario, seed and run id. Identifiers are UUIDs made from the run id, so that what a run left
behind in a database can be told from everything else, and two runs never collide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from loadtests.scenario.given import Given
from loadtests.scenario.itinerary import Itineraries
from loadtests.scenario.model import Scenario
from loadtests.scenario.schedule import moments_written
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel
from loadtests.scenario.weights import member_weights, organization_weights, spread

_NS_PER_MS: Final = 1_000_000
_NAMESPACE: Final = UUID("6f1b5d0e-0c57-4c86-9f43-2f5d4d6f7a10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One simulated device; `index` is the `actor` of its rows in the ledger."""

    index: int
    organization: int
    user_id: str
    model: DeviceModel
    interval_s: float = 0.0
    """Pollers: seconds between polls."""
    is_conditional: bool = False
    """Pollers: whether it names the answer that it has."""
    phase: float = 0.0
    """Uniform in [0, 1): where in its interval a poller polls, where in its interval a heartbeat falls."""
    open_job: int | None = None
    """Web: index of the seeded job that the device has open."""
    open_audit: bool = False
    """Web: whether the audit feed is open."""
    other_organization: int | None = None
    """The organization that the person switches to, and is a member of too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A subscriber with the official client: no device, for it shows and re-fetches nothing."""

    index: int
    shadows: int
    """Index of the subscriber whose organization it is in."""
    organization: int
    user_id: str
    joins_ns: int | None = None
    """When it joins, from the start of the load: at the first login of whom it shadows. None: before the load."""


@dataclass(frozen=True)
class Population:
    """Everybody in a run. Subscribers come first, then pollers: a device's index is its place in `devices`."""

    scenario: Scenario
    seed: int
    run_id: str
    given: Given | None = None
    """People who exist already; None: the run makes its own."""
    began_at: datetime | None = None
    """When the run began, by our clock: a backend that counts no revisions is understood by it."""

    @cached_property
    def _namespace(self) -> UUID:
        return uuid5(_NAMESPACE, self.run_id)

    def organization_id(self, organization: int) -> str:
        """The organization's UUID."""
        if self.given is not None:
            return self.given.organizations[organization]
        return str(uuid5(self._namespace, f"organization/{organization}"))

    def author_id(self, organization: int) -> str:
        """The user in whose name mutators change the organization's jobs: a colleague without a device."""
        if self.given is not None:
            return self.given.authors[organization]
        return str(uuid5(self._namespace, f"author/{organization}"))

    def job_id(self, organization: int, ordinal: int) -> str:
        """The UUID of a job that exists before the start; `ordinal` counts from the oldest."""
        if self.given is not None:
            return self.given.jobs[organization][ordinal]
        return str(uuid5(self._namespace, f"job/{organization}/{ordinal}"))

    def _user_id(self, device: int, organization: int) -> str:
        if self.given is not None:
            return self.given.member(organization, device)
        return str(uuid5(self._namespace, f"user/{device}"))

    @cached_property
    def _request_prefix(self) -> str:
        return str(uuid5(self._namespace, "mutations"))[:24]

    def request_id(self, mutation: int) -> str:
        """The X-Request-ID of a mutation: the run's prefix and the mutation's index."""
        return f"{self._request_prefix}{mutation:012x}"

    def mutation_index(self, request_id: str) -> int | None:
        """The mutation that `request_id` names, or None when it is not of this run."""
        if len(request_id) != 36 or not request_id.startswith(self._request_prefix):
            return None
        try:
            return int(request_id[24:], 16)
        except ValueError:
            return None

    @property
    def organizations(self) -> int:
        """How many organizations there are."""
        return self.scenario.organizations.count

    @cached_property
    def organization_indices(self) -> dict[str, int]:
        """Index of each organization's UUID."""
        return {self.organization_id(index): index for index in range(self.organizations)}

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """All devices: subscribers, then pollers."""
        return self.subscribers + self.pollers

    @cached_property
    def subscribers(self) -> tuple[Device, ...]:
        """The devices that are pushed to."""
        wanted = self.scenario.subscribers
        random = np.random.default_rng([self.seed, 1])
        homes = spread(wanted.count, member_weights(self.scenario))
        weights = np.array([wanted.weights[model] for model in PUSHED_MODELS])
        kinds = random.permutation(spread(wanted.count, weights / max(weights.sum(), 1e-9)))
        draws = random.random((wanted.count, 4))
        return tuple(
            self._subscriber(index, int(homes[index]), model=PUSHED_MODELS[int(kinds[index])], draws=draws[index])
            for index in range(wanted.count)
        )

    def _subscriber(self, index: int, organization: int, *, model: DeviceModel, draws: NDArray[np.float64]) -> Device:
        wanted = self.scenario.subscribers
        jobs = self.scenario.organizations.jobs
        has_tabs = model in {DeviceModel.WEB, DeviceModel.WEB_AS_BUILT, DeviceModel.HYBRID}
        has_open_job = has_tabs and jobs > 0 and draws[1] < wanted.web_open_job
        return Device(
            index=index,
            organization=organization,
            user_id=self._user_id(index, organization),
            model=model,
            phase=float(draws[0]),
            open_job=int(draws[3] * jobs) if has_open_job else None,
            open_audit=bool(has_tabs and draws[2] < wanted.web_open_audit),
            other_organization=(organization + 1) % self.organizations
            if self.itineraries.switches(index, model)
            else None,
        )

    @cached_property
    def controls(self) -> tuple[Control, ...]:
        """The control group: each shadows one subscriber, spread evenly over all who have something to hear."""
        wanted = self.scenario.subscribers.control
        if not wanted:
            return ()
        written = moments_written(self.scenario, self.seed)
        among = [device for device in self.subscribers if self._hears(device, written)] or self.subscribers
        return tuple(self._control(number, among[number * len(among) // wanted]) for number in range(wanted))

    def _hears(self, device: Device, written: Mapping[int, NDArray[np.int64]]) -> bool:
        """Return whether something is written to a subscriber's organization while it is there to the deadline."""
        moments_ns = written.get(device.organization)
        if moments_ns is None:
            return False
        for begin_ns, end_ns in self.itineraries.at_home(device.index, device.model):
            first = int(np.searchsorted(moments_ns, begin_ns))
            if first < len(moments_ns) and int(moments_ns[first]) + self.scenario.deadline_ms * _NS_PER_MS <= end_ns:
                return True
        return False

    def _control(self, number: int, device: Device) -> Control:
        plans, given = self.itineraries, self.given is not None
        is_early = plans.begins_logged_in(device.index, device.model)
        return Control(
            index=number,
            shadows=device.index,
            organization=device.organization,
            user_id=device.user_id if given else str(uuid5(self._namespace, f"control/{number}")),
            joins_ns=None if is_early else plans.first_login_ns(device.index, device.model),
        )

    @cached_property
    def itineraries(self) -> Itineraries:
        """What the people behind the subscribers do."""
        return Itineraries(self.scenario, self.seed)

    @cached_property
    def pollers(self) -> tuple[Device, ...]:
        """The devices of the polling baseline."""
        random = np.random.default_rng([self.seed, 2])
        pollers: list[Device] = []
        weights = organization_weights(self.scenario)
        for cohort in self.scenario.pollers:
            homes = random.permutation(spread(cohort.count, weights))
            for home in homes:
                index = self.scenario.subscribers.count + len(pollers)
                pollers.append(
                    Device(
                        index=index,
                        organization=int(home),
                        user_id=self._user_id(index, int(home)),
                        model=DeviceModel.POLLER,
                        interval_s=cohort.interval_s,
                        is_conditional=cohort.conditional,
                        phase=float(random.random()),
                    )
                )
        return tuple(pollers)
