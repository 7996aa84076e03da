"""A synthetic pipeline with a known answer: what it does when, and what analysis must therefore find.

Each organization has one update at a time, and the next comes after every device has seen it, so each latency is
the sum of fixed delays. What is lost is healed by the device's next refresh. No randomness but the seeded jitter.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.clients.requests import PAGE_LIMIT, RequestKey
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population

Ints = NDArray[np.int64]
MS: Final = 1_000_000
S: Final = 1_000_000_000
START_NS: Final = 1_000 * S
NEVER: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, kw_only=True)
class SyntheticPipeline:
    """What to synthesize; all delays in milliseconds."""

    organizations: int = 4
    subscribers: int = 5
    """In each organization."""
    pollers: int = 0
    """Of each cohort, in all organizations together."""
    intervals_s: tuple[float, ...] = ()
    conditional: bool = False
    """Whether there is a conditional cohort beside each plain one."""
    rounds: int = 10
    """Mutations of each organization."""
    period_s: float = 2.0
    """From one mutation of an organization to its next."""
    jobs: int = 15
    send_ms: int = 1
    store_ms: int = 3
    emit_ms: int = 5
    ack_ms: int = 6
    signal_ms: int = 4
    jitter_ms: float = 0.0
    """Mean of an exponential delay on top of each signal."""
    debounce_ms: int = 500
    queue_ms: int = 1
    fetch_ms: int = 8
    lost_share: float = 0.0
    """Of the signals."""
    seed: int = 1
    warm_up_s: float = 5.0
    gates: tuple[str, ...] = ()
    members: tuple[float, ...] = ()
    """As `organizations.members`; equal numbers, since each organization has as many subscribers as any other."""

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario that such a run would have had."""
        load_s = self.rounds * self.period_s
        return Scenario.model_validate(
            {
                "name": "synthetic",
                "question": "Does the analysis recover what was put in?",
                "organizations": {"count": self.organizations, "jobs": self.jobs, "members": self.members},
                "subscribers": {"count": self.organizations * self.subscribers, "web": 0, "control": 0},
                "pollers": [
                    {"interval_s": interval, "count": self.pollers, "conditional": conditional}
                    for interval in self.intervals_s
                    for conditional in ((False, True) if self.conditional else (False,))
                ],
                "phases": [
                    {"name": "warm-up", "duration_s": self.warm_up_s, "mutations_per_s": 0, "warm_up": True},
                    {"name": "load", "duration_s": load_s, "mutations_per_s": self.organizations / self.period_s},
                ],
                "gates": self.gates,
            }
        )

    @cached_property
    def population(self) -> Population:
        """Everybody in it."""
        return Population(self.scenario, self.seed, "synthetic")

    @property
    def mutations(self) -> int:
        """How many there are."""
        return self.rounds * self.organizations

    @property
    def measured_ns(self) -> int:
        """Where the measurement window begins."""
        return START_NS + round(self.warm_up_s * S)

    @property
    def end_ns(self) -> int:
        """Where it ends."""
        return self.measured_ns + round(self.rounds * self.period_s * S)

    @property
    def drained_ns(self) -> int:
        """Where the drain ends."""
        return self.end_ns + round(self.scenario.effective_drain_s * S)

    @cached_property
    def due_ns(self) -> Ints:
        """Of each mutation: round by round, organization by organization."""
        spacing_ns = round(self.period_s * S) // self.organizations
        return self.measured_ns + np.arange(self.mutations, dtype=np.int64) * spacing_ns

    @property
    def stored_ns(self) -> Ints:
        """When each mutation was committed."""
        return self.due_ns + (self.send_ms + self.store_ms) * MS

    @property
    def committed_ns(self) -> Ints:
        """When each event was."""
        return self.due_ns + (self.send_ms + self.emit_ms) * MS

    @cached_property
    def is_lost(self) -> NDArray[np.bool_]:
        """Which signals never arrive: (mutation, place of the subscriber in its organization)."""
        random = np.random.default_rng([self.seed, 11])
        return random.random((self.mutations, self.subscribers)) < self.lost_share

    @cached_property
    def received_ns(self) -> Ints:
        """When each signal arrives, if it does."""
        random = np.random.default_rng([self.seed, 12])
        extra = random.exponential(self.jitter_ms * MS, (self.mutations, self.subscribers))
        return self.committed_ns[:, None] + self.signal_ms * MS + extra.astype(np.int64)

    @property
    def answered_ns(self) -> Ints:
        """When the refresh that each signal causes is answered."""
        return self.received_ns + (self.debounce_ms + self.queue_ms + self.fetch_ms) * MS

    @cached_property
    def visible_ns(self) -> Ints:
        """When each mutation is visible to each subscriber: by its own refresh, or by the next of the device."""
        own = np.where(self.is_lost, NEVER, self.answered_ns).reshape(self.rounds, self.organizations, -1)
        return np.minimum.accumulate(own[::-1], axis=0)[::-1].reshape(self.mutations, -1)

    @property
    def visibility_ms(self) -> NDArray[np.float64]:
        """Visible - due, +inf when it never was."""
        elapsed = (self.visible_ns - self.due_ns[:, None]) / MS
        return np.where(self.visible_ns == NEVER, np.inf, elapsed)

    @cached_property
    def names(self) -> list[str]:
        """The dictionary: events, jobs, bodies, the request key, the reason of the end."""
        events = [f"event-{number}" for number in range(self.mutations)]
        jobs = [
            self.population.job_id(organization, ordinal)
            for organization in range(self.organizations)
            for ordinal in range(self.jobs)
        ]
        bodies = [f"body-{number}" for number in range(self.organizations * (self.rounds + 1))]
        return [*events, *jobs, *bodies, RequestKey.job_list(limit=PAGE_LIMIT).path, "the load is over"]

    def job_name(self, organization: Ints, ordinal: Ints) -> Ints:
        """Return the number of a job's name."""
        return self.mutations + organization * self.jobs + ordinal

    def body_name(self, organization: Ints, state: Ints) -> Ints:
        """Return the number of the body that an organization's list has after so many of its mutations."""
        return self.mutations + self.organizations * self.jobs + organization * (self.rounds + 1) + state

    @property
    def key_name(self) -> int:
        """The number of the one request key."""
        return len(self.names) - 2

    def mutated_jobs(self) -> Ints:
        """Return the name of the job that each mutation changes: in turn."""
        index = np.arange(self.mutations)
        return self.job_name(index % self.organizations, index // self.organizations % self.jobs)

    def revisions(self) -> Ints:
        """Return the revision that each mutation makes."""
        return 2 + np.arange(self.mutations) // self.organizations // self.jobs

    def poll_visibility_ms(self, cohort: int) -> NDArray[np.float64]:
        """Return the visibility latency of each (mutation, poller) of a cohort: its first poll after the commit."""
        latencies = []
        for poller in self.population.pollers:
            if poller.interval_s != self.intervals_s[cohort]:
                continue
            interval_ns = round(poller.interval_s * S)
            first_ns = START_NS + round(poller.phase * interval_ns)
            stored_ns = self.stored_ns[poller.organization :: self.organizations]
            due_ns = self.due_ns[poller.organization :: self.organizations]
            polls = -(-(stored_ns - first_ns) // interval_ns)
            polled_ns = first_ns + polls * interval_ns
            latencies.append((polled_ns + self.fetch_ms * MS - due_ns) / MS)
        return np.concatenate(latencies)
