"""The data model of a scenario file: every key, its type, its default and what combinations make sense.

Pydantic, because people write these files: an unknown key or a wrong type is refused by name.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from loadtests.scenario.abort import Abort
from loadtests.scenario.behaviour import Behaviour
from loadtests.scenario.devices import Attention, Background, Connection, LifecycleStep, Refresh, Seconds, Share, Table
from loadtests.scenario.faults import Fault
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel, MutationKind
from loadtests.wire.plans import PlanName

Weight = Annotated[float, Field(ge=0)]

DEFAULT_MIX = {"create": 2.0, "update": 5.0, "archive": 0.5, "flag": 1.0, "document": 1.5}


class Target(Behaviour):
    """The pipeline under test. Addresses and keys never stand here: a scenario's text is kept with every run."""

    kind: Literal["embedded"] = "embedded"
    feed: Literal["streaming", "supabase"] = "streaming"
    """How Realtime reads changes: `streaming` pushes each commit at once; `supabase` polls with the real server's
    cadence, cold start and losses."""
    plan: PlanName = "unlimited"
    """The Supabase plan whose limits Realtime keeps: connections, joins, channels and messages. Beyond the messages
    limit changes are silently discarded."""


class Organizations(Table):
    """Who shares what: each organization is an island of members and jobs."""

    count: int = Field(default=1, ge=1, le=100_000)
    sizes: Literal["even", "skewed"] = "even"
    """How subscribers and mutations spread over organizations: evenly, or by Zipf's law (the n-th gets 1/n)."""
    members: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(), strict=False)
    """Relative numbers of subscribers, which organizations take in turn: [1, 5] makes every second one five times as
    large. Mutations and pollers spread evenly all the same. None named: subscribers spread as `sizes` says."""
    jobs: int = Field(default=15, ge=0, le=10_000)
    """Jobs that each organization has before the start."""

    @model_validator(mode="after")
    def _one_way_to_differ(self) -> Self:
        if self.members and self.sizes != "even":
            raise ValueError('members says how subscribers spread: leave it out, or set sizes = "even"')
        return self


_CONTROL_GROUP: Final = 2
"""One may have an organization or a client model that is not like the others; more cost connections."""


class Subscribers(Table):
    """Simulated devices that are pushed to."""

    count: int = Field(default=0, ge=0, le=1_000_000)
    ios: Weight = 1.0
    web: Weight = 1.0
    hybrid: Weight = 0.0
    ios_as_built: Weight = 0.0
    web_as_built: Weight = 0.0
    """Relative numbers of the client models: the apps as designed, push with a slow poll as safety net, and the apps
    as they are coded today."""
    debounce_ms: int = Field(default=500, ge=0, le=60_000)
    refresh: Refresh = Refresh()
    peak_per_100ms: int | None = Field(default=None, ge=1)
    """How many of their re-fetches the API should have to bear in any 100 ms: the report says how much jitter that
    takes. By default half of what they make without jitter."""
    connection: Connection = Connection()
    background: Background = Background()
    attention: Attention | None = None
    web_open_job: Share = 0.25
    """Share of the web and hybrid devices that have one job open: they re-fetch its detail and documents too."""
    web_open_audit: Share = 0.1
    """Share of the web and hybrid devices that have the audit feed open."""
    connects_per_s: float = Field(default=1000, gt=0)
    live_within_s: Seconds = 30
    """How long a device may take from connecting to being live."""
    processes: int = Field(default=1, ge=1, le=64)
    control: int = Field(
        default_factory=lambda keys: min(_CONTROL_GROUP, keys.get("count", 0)), ge=0, le=50, validate_default=True
    )
    """Subscribers beside these that use the official `realtime` client, in a process of their own: their counts and
    latencies must be those of the devices that they shadow, or the verdict is unknown. By default two; 0: none."""

    @property
    def weights(self) -> dict[DeviceModel, float]:
        """The relative number of each client model."""
        return {model: float(getattr(self, model.key)) for model in PUSHED_MODELS}

    @model_validator(mode="after")
    def _controls_have_somebody_to_shadow(self) -> Self:
        if self.control > self.count:
            raise ValueError(f"control = {self.control}: each shadows another subscriber, and there are {self.count}")
        return self

    @model_validator(mode="after")
    def _some_model(self) -> Self:
        if self.count and sum(self.weights.values()) <= 0:
            names = ", ".join(model.key for model in PUSHED_MODELS)
            raise ValueError(f"{names} cannot all be 0: there would be no device to simulate")
        return self


class Pollers(Table):
    """One cohort of the polling baseline: devices that re-fetch at a fixed interval with a random phase."""

    interval_s: Seconds
    count: int = Field(ge=1, le=1_000_000)
    conditional: bool = False
    """Whether they name the answer that they have (`If-None-Match`) and are spared it while nothing has changed."""

    @property
    def name(self) -> str:
        """The cohort's key in `metrics.json`, such as `5s` or `5s-conditional`."""
        return f"{self.interval_s:g}s{'-conditional' if self.conditional else ''}"


class Mutators(Table):
    """The pool of Locust users that carries out what is due."""

    users: int = Field(default=50, ge=1, le=10_000)
    timeout_s: Seconds = 10
    own_devices: Share = 0.0
    """Share of the mutations (flags apart) whose author has a device in the organization: it hears its own echo."""
    risk_factors: Share = 0.3
    """Share of the creates and updates that give risk factors, so that the job's risk is scored."""


class Phase(Table):
    """A stretch of load."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Stands in keys of metrics and gates."""
    duration_s: Seconds
    mutations_per_s: float = Field(ge=0, le=100_000)
    """Over all organizations together."""
    arrivals: Literal["poisson", "even"] = "poisson"
    mix: dict[str, Weight] = Field(default_factory=lambda: dict(DEFAULT_MIX))
    """Relative numbers of the mutations: create, update, archive, flag, document."""
    jobs: Literal["uniform", "recent", "hot", "one", "each"] = "uniform"
    """Which job is hit: any; one of the newest; by Zipf's law; always the same; each in turn."""
    warm_up: bool = False
    """Excluded from every metric."""

    @field_validator("mix")
    @classmethod
    def _known_mutations(cls, mix: dict[str, float]) -> dict[str, float]:
        known = [kind.name.lower() for kind in MutationKind]
        for name in mix:
            if name not in known:
                raise ValueError(f"unknown mutation '{name}'; there are: {', '.join(known)}")
        if sum(mix.values()) <= 0:
            raise ValueError("at least one mutation needs a weight above 0")
        return mix


class Health(Table):
    """How good the measurement has to be; beyond these bounds the verdict is unknown."""

    send_delay_ms_p99: float = Field(default=50, gt=0)
    loop_lag_ms_p99: float = Field(default=100, gt=0)
    clock_bound_ms: float = Field(default=5, gt=0)
    control_difference_ms: float = Field(default=20, gt=0)
    """Official clients may be told of events this much sooner or later than the devices that they shadow; or a quarter
    of these devices' latency, if that is more."""


class Scenario(Table):
    """One question, and the load that answers it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    question: str = Field(min_length=10)
    seed: int = Field(default=1, ge=0)
    target: Target = Target()
    organizations: Organizations = Organizations()
    subscribers: Subscribers = Subscribers()
    pollers: tuple[Pollers, ...] = Field(default=(), strict=False)  # TOML has lists, no tuples
    mutators: Mutators = Mutators()
    phases: tuple[Phase, ...] = Field(strict=False)
    lifecycle: tuple[LifecycleStep, ...] = Field(default=(), strict=False)
    """What people do with their devices, and when."""
    faults: tuple[Fault, ...] = Field(default=(), strict=False)
    """What the target is told to do wrong, and when."""
    abort: Abort = Abort()
    """When the load ends before its time because the target suffers."""
    respect_retry_after: bool = True
    """Whether devices wait when an answer says 429 or 503 with `Retry-After`, or ask on as if it did not."""
    deadline_ms: int = Field(default=5000, ge=1)
    """An event received later than this after its commit is *late*."""
    drain_s: float | None = Field(default=None, gt=0)
    """How long devices go on after the load; by default as long as the accounting needs."""
    ledger_rows: int | None = Field(default=None, ge=1)
    """Room in each process's ledger; by default more than the scenario can fill. A full ledger ends the run."""
    gates: tuple[str, ...] = Field(default=(), strict=False)
    """Limits on metrics, such as `push.visibility_ms.p95 < 1000`."""
    health: Health = Health()

    @property
    def duration_s(self) -> float:
        """Length of the load, warm-up included, drain excluded."""
        return sum(phase.duration_s for phase in self.phases)

    @property
    def needed_drain_s(self) -> float:
        """The shortest drain that lets every event be announced and meet its deadline, and every poller poll again."""
        longest_s = max([self.deadline_ms / 1000, *(cohort.interval_s for cohort in self.pollers)])
        return self.target.announced_within_s + longest_s + 1.0

    @property
    def effective_drain_s(self) -> float:
        """The drain that the run takes."""
        return self.needed_drain_s if self.drain_s is None else self.drain_s

    @model_validator(mode="after")
    def _drain_is_long_enough(self) -> Self:
        if self.drain_s is not None and self.drain_s < self.needed_drain_s:
            raise ValueError(
                f"drain_s = {self.drain_s:g} is shorter than events, their deadline and the pollers need "
                f"({self.needed_drain_s:g} s): leave drain_s out, or raise it"
            )
        return self

    @model_validator(mode="after")
    def _phases_make_sense(self) -> Self:
        if not self.phases:
            raise ValueError("there is no load: add at least one [[phases]] table")
        warm = [phase.warm_up for phase in self.phases]
        if warm != sorted(warm, reverse=True) or all(warm):
            raise ValueError("warm-up phases come first, and at least one phase after them is measured")
        names = [phase.name for phase in self.phases]
        if len(set(names)) != len(names):
            raise ValueError("two phases have the same name: metrics are told by it")
        for phase in self.phases:
            if self.organizations.jobs == 0 and not phase.mix.get("create"):
                raise ValueError(
                    f"phase '{phase.name}' changes jobs but there are none: give organizations.jobs or a create weight"
                )
        return self

    @model_validator(mode="after")
    def _faults_fall_into_the_load(self) -> Self:
        for fault in self.faults:
            if fault.at_s >= self.duration_s:
                raise ValueError(
                    f"the fault '{fault.kind}' at_s = {fault.at_s:g} would come after the load, "
                    f"which lasts {self.duration_s:g} s"
                )
        return self

    @model_validator(mode="after")
    def _steps_make_sense(self) -> Self:
        for step in self.lifecycle:
            if step.at_s + step.within_s > self.duration_s + self.effective_drain_s:
                raise ValueError(
                    f"the lifecycle step '{step.step}' at_s = {step.at_s:g} would come after the run, which lasts "
                    f"{self.duration_s + self.effective_drain_s:g} s with its drain"
                )
            if step.step == "switch" and self.organizations.count < 2:
                raise ValueError("a step 'switch' needs a second organization: raise organizations.count")
        return self

    @model_validator(mode="after")
    def _cohorts_differ(self) -> Self:
        cohorts = [(cohort.interval_s, cohort.conditional) for cohort in self.pollers]
        if len(set(cohorts)) != len(cohorts):
            raise ValueError("two cohorts of pollers have the same interval_s and kind: join them into one")
        return self
