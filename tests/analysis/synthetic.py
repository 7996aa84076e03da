"""A synthetic pipeline with a known answer: histories of any size whose metrics are known by construction.

Each organization has one update at a time, and the next comes after every device has seen it, so each latency is
the sum of fixed delays. What is lost is healed by the device's next refresh. No randomness but the seeded jitter.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.clients.requests import PAGE_LIMIT, Cause, KeyKind, RequestKey
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, ROW, Kind, Process, SignalFlag
from loadtests.history.ledger import LEDGER_SUFFIX, NAMES_SUFFIX
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from loadtests.wire.event_types import EventType

Ints = NDArray[np.int64]
MS: Final = 1_000_000
S: Final = 1_000_000_000
START_NS: Final = 1_000 * S
WALL_OFFSET_NS: Final = 1_700_000_000 * S
NEVER: Final = int(np.iinfo(np.int64).max)
BODY_BYTES: Final = 19_000
FRAME_BYTES: Final = 700


@dataclass(frozen=True, kw_only=True)
class SyntheticPipeline:
    """What to synthesize; all delays in milliseconds."""

    organizations: int = 4
    subscribers: int = 5
    """In each organization."""
    pollers: int = 0
    """Of each cohort, in all organizations together."""
    intervals_s: tuple[float, ...] = ()
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

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario that such a run would have had."""
        load_s = self.rounds * self.period_s
        return Scenario.model_validate(
            {
                "name": "synthetic",
                "question": "Does the analysis recover what was put in?",
                "organizations": {"count": self.organizations, "jobs": self.jobs},
                "subscribers": {"count": self.organizations * self.subscribers, "web": 0},
                "pollers": [{"interval_s": interval, "count": self.pollers} for interval in self.intervals_s],
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

    def history(self) -> History:
        """Return the whole history."""
        parts = [self._frame(), self._edges(), self._mutators(), self._truth(), self._bodies()]
        parts += [self._subscribers(), self._polls()]
        rows = np.concatenate(parts)
        rows = rows[np.argsort(rows["at_ns"], kind="stable")]
        rows.flags.writeable = False
        return History(rows=rows, names=tuple(self.names))

    def write(self, directory: Path) -> None:
        """Write the ledger as one process would have left it."""
        history = self.history()
        history.rows.tofile(directory / f"swarm-0{LEDGER_SUFFIX}")
        text = "".join(f"{name}\n" for name in history.names)
        (directory / f"swarm-0{NAMES_SUFFIX}").write_text(text, encoding="utf-8")

    def _frame(self) -> NDArray[np.void]:
        seconds = np.arange(START_NS - 5 * S, self.drained_ns, S, dtype=np.int64)
        return np.concatenate(
            [
                rows_of(Kind.PHASE, [START_NS, self.measured_ns], value=[0, 1], revision=[1, 0]),
                rows_of(Kind.ENDED, [self.end_ns], entity=len(self.names) - 1, flag=1),
                rows_of(Kind.CLOCK, seconds, value=seconds + WALL_OFFSET_NS, due_ns=50_000),
                rows_of(Kind.LOOP_LAG, seconds, actor=int(Process.SWARM), value=2 * MS),
                rows_of(Kind.RECEIVE_AGE, seconds, actor=int(Process.SWARM), value=MS),
                rows_of(Kind.USAGE, seconds, actor=int(Process.SWARM), value=(seconds - seconds[0]) // 4, due_ns=2**26),
            ]
        )

    def _edges(self) -> NDArray[np.void]:
        devices = self.population.devices
        index = np.arange(len(devices))
        home = np.array([device.organization for device in devices])
        model = np.array([int(device.model) for device in devices])
        pushed = index[model != int(DeviceModel.POLLER)]
        before = np.full(len(devices), START_NS, dtype=np.int64)
        catch_up = (before - 2 * S, self.body_name(home, 0 * home), before - S)
        return np.concatenate(
            [
                rows_of(Kind.LOGIN, before - 4 * S, actor=index, value=home, flag=model),
                rows_of(Kind.OPENED, before[pushed] - 3 * S - 2, actor=pushed),
                rows_of(Kind.JOINED, before[pushed] - 3 * S - 1, actor=pushed),
                rows_of(Kind.LIVE, before[pushed] - 3 * S, actor=pushed),
                self._fetches(index, catch_up[0], catch_up[1], catch_up[2], cause=Cause.CATCH_UP, first=0),
                rows_of(Kind.LOGOUT, np.full(len(devices), self.drained_ns), actor=index),
            ]
        )

    def _mutators(self) -> NDArray[np.void]:
        index = np.arange(self.mutations)
        job = self._mutated_jobs()
        organization = index % self.organizations
        sent_ns = self.due_ns + self.send_ms * MS
        due = {"actor": index, "entity": job, "due_ns": self.due_ns}
        return np.concatenate(
            [
                rows_of(Kind.DUE, self.due_ns, value=organization, flag=int(MutationKind.UPDATE), **due),
                rows_of(Kind.SENT, sent_ns, **due),
                rows_of(
                    Kind.ACKED,
                    sent_ns + self.ack_ms * MS,
                    actor=index,
                    entity=job,
                    due_ns=sent_ns,
                    revision=self._revisions(),
                    value=900,
                    flag=200,
                ),
            ]
        )

    def _mutated_jobs(self) -> Ints:
        index = np.arange(self.mutations)
        return self.job_name(index % self.organizations, index // self.organizations % self.jobs)

    def _revisions(self) -> Ints:
        return 2 + np.arange(self.mutations) // self.organizations // self.jobs

    def _truth(self) -> NDArray[np.void]:
        index = np.arange(self.mutations)
        organization = index % self.organizations
        read_ns = np.full(self.mutations, self.drained_ns + S)
        jobs = np.arange(self.organizations * self.jobs)
        ordinal = jobs % self.jobs
        rounds_of_job = (self.rounds - ordinal + self.jobs - 1) // self.jobs
        return np.concatenate(
            [
                rows_of(
                    Kind.TRUE_EVENT,
                    read_ns,
                    due_ns=self.committed_ns + WALL_OFFSET_NS,
                    value=self.committed_ns + WALL_OFFSET_NS - MS,
                    revision=index,
                    actor=organization,
                    entity=index,
                    flag=int(EventType.JOB_UPDATED),
                ),
                rows_of(
                    Kind.TRUE_MUTATION,
                    read_ns,
                    actor=index,
                    due_ns=self.stored_ns + WALL_OFFSET_NS,
                    entity=self._mutated_jobs(),
                    revision=self._revisions(),
                    flag=int(MutationKind.UPDATE),
                ),
                rows_of(
                    Kind.TRUE_JOB,
                    np.full(len(jobs), self.drained_ns + S),
                    entity=self.mutations + jobs,
                    actor=jobs // self.jobs,
                    revision=1 + rounds_of_job,
                    due_ns=WALL_OFFSET_NS + ordinal * S,
                ),
            ]
        )

    def _bodies(self) -> NDArray[np.void]:
        organization, state = np.divmod(np.arange(self.organizations * (self.rounds + 1)), self.rounds + 1)
        name = self.body_name(organization, state)
        mutation = np.maximum(state - 1, 0) * self.organizations + organization
        at_ns = np.where(state == 0, START_NS - S, self.stored_ns[mutation])
        ordinal = np.arange(self.jobs)
        shape = (len(name), self.jobs)

        def wide(column: Ints) -> Ints:
            return np.broadcast_to(column[:, None], shape).ravel()

        # After so many rounds, a job has had one for each time that its turn came.
        revision = 1 + (state[:, None] - ordinal[None, :] + self.jobs - 1) // self.jobs
        return np.concatenate(
            [
                rows_of(
                    Kind.BODY, at_ns, entity=name, value=BODY_BYTES, revision=self.jobs, flag=int(KeyKind.JOB_LIST)
                ),
                rows_of(
                    Kind.BODY_ITEM,
                    wide(at_ns),
                    value=wide(name),
                    entity=self.job_name(wide(organization), np.tile(ordinal, len(name))),
                    revision=revision.ravel(),
                    actor=np.tile(ordinal, len(name)),
                ),
            ]
        )

    def _subscribers(self) -> NDArray[np.void]:
        homes = np.array([device.organization for device in self.population.subscribers])
        members = np.argsort(homes, kind="stable").reshape(self.organizations, self.subscribers)
        mutation, place = np.nonzero(~self.is_lost)
        organization, state = mutation % self.organizations, mutation // self.organizations + 1
        device = members[organization, place]
        received_ns = self.received_ns[mutation, place]
        flushed_ns = received_ns + self.debounce_ms * MS
        batch = state
        first = np.unique(mutation, return_index=True)[1]
        return np.concatenate(
            [
                rows_of(
                    Kind.EVENT_NAMED,
                    received_ns[first],
                    entity=mutation[first],
                    value=(self.committed_ns[mutation[first]] + WALL_OFFSET_NS) // MS * MS,
                    revision=organization[first],
                    flag=int(EventType.JOB_UPDATED),
                ),
                rows_of(
                    Kind.SIGNAL,
                    received_ns,
                    actor=device,
                    entity=mutation,
                    value=batch,
                    due_ns=FRAME_BYTES,
                    flag=int(SignalFlag.ASKS_REFRESH),
                ),
                rows_of(Kind.FLUSH, flushed_ns, actor=device, value=batch, revision=1),
                self._fetches(
                    device,
                    flushed_ns,
                    self.body_name(organization, state),
                    flushed_ns + self.queue_ms * MS,
                    cause=Cause.FLUSH,
                    first=len(self.population.devices),
                    batch=batch,
                ),
            ]
        )

    def _polls(self) -> NDArray[np.void]:
        parts = [np.empty(0, dtype=ROW)]
        first = len(self.population.devices) + self.mutations * self.subscribers
        for poller in self.population.pollers:
            interval_ns = round(poller.interval_s * S)
            wanted_ns = np.arange(
                START_NS + round(poller.phase * interval_ns), self.drained_ns - S, interval_ns, dtype=np.int64
            )
            stored_ns = self.stored_ns[poller.organization :: self.organizations]
            state = np.searchsorted(stored_ns, wanted_ns, side="right")
            device = np.full(len(wanted_ns), poller.index)
            body = self.body_name(np.full(len(wanted_ns), poller.organization), state)
            parts.append(self._fetches(device, wanted_ns, body, wanted_ns, cause=Cause.POLL, first=first))
            first += len(wanted_ns)
        return np.concatenate(parts)

    def _fetches(
        self,
        device: Ints,
        wanted_ns: Ints,
        body: Ints,
        requested_ns: Ints,
        *,
        cause: Cause,
        first: int,
        batch: Ints | int = 0,
    ) -> NDArray[np.void]:
        fetch = {"actor": device, "value": first + np.arange(len(device)), "flag": int(cause)}
        return np.concatenate(
            [
                rows_of(Kind.REQUESTED, requested_ns, due_ns=wanted_ns, entity=self.key_name, revision=batch, **fetch),
                rows_of(
                    Kind.ANSWERED,
                    requested_ns + self.fetch_ms * MS,
                    due_ns=requested_ns,
                    entity=body,
                    revision=200,
                    **fetch,
                ),
            ]
        )

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


def rows_of(kind: Kind, at_ns: Any, **columns: Any) -> NDArray[np.void]:
    """Return rows of one kind; a column is one value for all rows, or one for each."""
    at = np.asarray(at_ns, dtype=np.int64)
    rows = np.zeros(len(at), dtype=ROW)
    rows["entity"] = NO_ENTITY
    rows["at_ns"] = at
    rows["kind"] = int(kind)
    for name, values in columns.items():
        rows[name] = values
    return rows
