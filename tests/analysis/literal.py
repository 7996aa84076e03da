"""Hand-made histories of a few rows, in milliseconds and with names instead of numbers.

The measurement window is [0, 10 s) unless a test says otherwise; the database's clock is ours plus a fixed offset.
"""

from typing import Any, Final, Self

from loadtests.analysis.metrics import assemble
from loadtests.analysis.pairs import Pairs
from loadtests.analysis.reconstruction import Reconstruction, reconstruct
from loadtests.analysis.results import Results
from loadtests.clients.requests import PAGE_LIMIT, Cause, KeyKind, RequestKey
from loadtests.history.history import History
from loadtests.history.kinds import NOBODY, READS_UNIT, DownCause, ItemFlag, Kind, Leaving, Process, SignalFlag
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import EVENT_OF_MUTATION, DeviceModel, MutationKind
from loadtests.wire.event_types import EventType

MS: Final = 1_000_000
WALL_OFFSET_MS: Final = 1_000_000_000
LIST: Final = RequestKey.job_list(limit=PAGE_LIMIT).path


def scenario_of(**changes: Any) -> Scenario:
    """Return a scenario of one organization with two iOS devices, measured for 10 s."""
    keys: dict[str, Any] = {
        "name": "literal",
        "question": "What does this history say?",
        "organizations": {"count": 1, "jobs": 1},
        "subscribers": {"count": 2, "web": 0, "control": 0},
        "phases": [{"name": "load", "duration_s": 10, "mutations_per_s": 1}],
        "deadline_ms": 1000,
    }
    return Scenario.model_validate({**keys, **changes})


class Story:
    """Rows told one by one; every method returns the story, so that they chain."""

    def __init__(self, **changes: Any) -> None:
        self.scenario = scenario_of(**changes)
        self.population = Population(self.scenario, 1, "literal")
        self._rows: list[dict[str, Any]] = []
        self._names: dict[str, int] = {}
        self._fetches = 0
        self._unsampled: tuple[Process, ...] = ()
        self.row(Kind.PHASE, 0)

    def row(self, kind: Kind, at_ms: float, *, entity: str | None = None, **columns: Any) -> Self:
        """Add one row; the columns are the ledger's own."""
        row = {"kind": kind, "at_ns": round(at_ms * MS), **columns}
        if entity is not None:
            row["entity"] = self.name(entity)
        self._rows.append(row)
        return self

    def name(self, text: str) -> int:
        """Return the number of a name."""
        return self._names.setdefault(text, len(self._names))

    def clock(self, *, half_ms: float = 0.05) -> Self:
        """Compare the clocks at the beginning and at the end."""
        for at_ms in (0, 5000, 10_000):
            self.row(Kind.CLOCK, at_ms, value=_wall(at_ms), due_ns=round(half_ms * MS))
        return self

    def live(self, *devices: int, organization: int = 0, model: DeviceModel = DeviceModel.IOS) -> Self:
        """Let devices live from -5 s to 20 s and be live from -4 s on."""
        for device in devices:
            self.row(Kind.LOGIN, -5000, actor=device, value=organization, flag=model)
            if model is not DeviceModel.POLLER:
                self.row(Kind.LIVE, -4000, actor=device)
            self.row(Kind.LOGOUT, 20_000, actor=device)
        return self

    def lives(
        self,
        device: int,
        begin_ms: float,
        end_ms: float,
        *,
        organization: int = 0,
        model: DeviceModel = DeviceModel.IOS,
        leaving: Leaving = Leaving.LOGGED_OUT,
    ) -> Self:
        """Let a device live in an organization for a while, live from its beginning on."""
        self.row(Kind.LOGIN, begin_ms, actor=device, value=organization, flag=model)
        self.row(Kind.LIVE, begin_ms, actor=device)
        return self.row(Kind.LOGOUT, end_ms, actor=device, flag=leaving)

    def away(self, device: int, begin_ms: float, end_ms: float) -> Self:
        """Let nobody look at a device for a while; it keeps its socket."""
        return self.row(Kind.BACKGROUND, begin_ms, actor=device, flag=1).row(Kind.FOREGROUND, end_ms, actor=device)

    def down(self, device: int, begin_ms: float, end_ms: float, cause: DownCause = DownCause.CLOSED) -> Self:
        """Let a device not be live for a while."""
        return self.row(Kind.DOWN, begin_ms, actor=device, flag=cause).row(Kind.LIVE, end_ms, actor=device)

    def mutation(  # noqa: PLR0913 - what a mutation is
        self,
        index: int,
        due_ms: float,
        *,
        kind: MutationKind = MutationKind.UPDATE,
        job: str = "job",
        revision: int = 2,
        document: int = 0,
        organization: int = 0,
        send_ms: float = 1,
        has_event: bool = True,
        risk_factors: int = 0,
        author: int = NOBODY,
    ) -> Self:
        """Add a mutation: sent 1 ms, stored 3 ms, committed 5 ms and acked 10 ms after due; its event is `e<index>`."""
        sent_ms = due_ms + send_ms
        due = {"due_ns": round(due_ms * MS), "value": organization, "revision": author + 1}
        self.row(Kind.DUE, due_ms, actor=index, flag=kind, entity=job, **due)
        self.row(Kind.SENT, sent_ms, due_ns=round(due_ms * MS), actor=index, entity=job, value=risk_factors)
        self.row(Kind.ACKED, due_ms + 10, due_ns=round(sent_ms * MS), actor=index, entity=job, revision=revision)
        self.row(
            Kind.TRUE_MUTATION,
            30_000,
            actor=index,
            due_ns=_wall(due_ms + 3),
            entity=job,
            revision=revision,
            value=document,
            flag=kind,
        )
        if has_event:
            self.event(f"e{index}", due_ms + 5, mutation=index, of=kind, organization=organization)
        return self

    def event(
        self, event: str, committed_ms: float, *, mutation: int = NOBODY, of: MutationKind, organization: int = 0
    ) -> Self:
        """Add a row of realtime_events."""
        return self.row(
            Kind.TRUE_EVENT,
            30_000,
            entity=event,
            due_ns=_wall(committed_ms),
            value=_wall(committed_ms - 1),
            revision=mutation,
            actor=organization,
            flag=EVENT_OF_MUTATION[of],
        )

    def limited(self, event: str, *, stands_for: int = 0, has_key: bool = True) -> Self:
        """Say what the limit of events a minute did to an event."""
        return self.row(Kind.TRUE_LIMITED, 30_000, entity=event, value=stands_for, flag=int(has_key))

    def scored(self, mutation: int, committed_ms: float, *, job: str = "job", revision: int = 2) -> Self:
        """Say when the first score of a job that a mutation created was there."""
        columns = {"actor": mutation, "due_ns": _wall(committed_ms), "revision": revision}
        return self.row(Kind.TRUE_SCORE, 30_000, entity=job, **columns)

    def signal(
        self, device: int, event: str, at_ms: float, *, batch: int = 0, flag: int = SignalFlag.ASKS_REFRESH
    ) -> Self:
        """Let a device receive an event."""
        return self.row(Kind.SIGNAL, at_ms, actor=device, entity=event, value=batch, due_ns=700, flag=flag)

    def named(self, event: str, at_ms: float, *, organization: int) -> Self:
        """Let the shard see an event for the first time."""
        return self.row(
            Kind.EVENT_NAMED, at_ms, entity=event, revision=organization, flag=EventType.JOB_UPDATED, value=_wall(at_ms)
        )

    def fetch(  # noqa: PLR0913 - what a re-fetch is
        self,
        device: int,
        at_ms: float,
        answered_ms: float | None,
        body: str | None,
        *,
        batch: int = 0,
        wanted_ms: float | None = None,
        cause: Cause = Cause.FLUSH,
        key: str = LIST,
        is_unchanged: bool = False,
        reads: int = 0,
    ) -> Self:
        """Let a device fetch; without a body it failed, without an answer it had none; unchanged: it had the body."""
        self._fetches += 1
        wanted_ns = round((at_ms if wanted_ms is None else wanted_ms) * MS)
        self.row(
            Kind.REQUESTED,
            at_ms,
            actor=device,
            entity=key,
            value=self._fetches,
            revision=batch,
            due_ns=wanted_ns,
            flag=cause,
        )
        if answered_ms is not None:
            status = 304 if is_unchanged else 500 if body is None else 200
            flag = cause + READS_UNIT * reads
            self.row(
                Kind.ANSWERED, answered_ms, actor=device, entity=body, value=self._fetches, revision=status, flag=flag
            )
        return self

    def body(self, body: str, *items: tuple[Any, ...], kind: KeyKind = KeyKind.JOB_LIST, size: int = 1000) -> Self:
        """Describe a body by (job, revision, evidence = 0, flags = 0)."""
        self.row(Kind.BODY, 0, entity=body, value=size, revision=len(items), flag=kind)
        for position, item in enumerate(items):
            job, revision, evidence, flags = (*item, 0, 0)[:4]
            self.row(
                Kind.BODY_ITEM,
                0,
                value=self.name(body),
                entity=job,
                revision=revision,
                due_ns=evidence,
                flag=flags,
                actor=position,
            )
        return self

    def true_job(
        self,
        job: str,
        revision: int,
        *,
        created_ms: float = -100_000,
        organization: int = 0,
        documents: int = 0,
        is_archived: bool | None = False,
    ) -> Self:
        """Say how a job stands in the end; archived None: the database does not tell."""
        return self.row(
            Kind.TRUE_JOB,
            30_000,
            entity=job,
            actor=organization,
            revision=revision,
            due_ns=_wall(created_ms),
            value=documents,
            flag=ItemFlag.ARCHIVE_UNTOLD if is_archived is None else ItemFlag.ARCHIVED if is_archived else 0,
        )

    def unsampled(self, *processes: Process) -> Self:
        """Take from processes of ours the samples of their lag that every story has."""
        self._unsampled = processes
        return self

    @property
    def history(self) -> History:
        """The history told so far, and that our processes kept up."""
        sampling = {Process.RUNNER, Process.MUTATORS, Process.SWARM} - set(self._unsampled)
        if not any(row["kind"] == Kind.ENDED for row in self._rows):
            self.row(Kind.ENDED, 10_000, flag=1)
        lag = [
            {"kind": Kind.LOOP_LAG, "at_ns": second * 1000 * MS, "actor": each}
            for second in range(20)
            for each in sampling
        ]
        return History.from_rows([*self._rows, *lag], list(self._names))

    def run(self) -> Reconstruction:
        """Reconstruct the run."""
        return reconstruct(self.history, self.scenario, self.population)

    def pairs(self) -> Pairs:
        """Return the pairs of the run."""
        return self.run().pairs

    def results(self) -> Results:
        """Return all results."""
        return assemble(self.run(), self.history, self.scenario)

    def metrics(self) -> Any:
        """Return the document metrics.json."""
        return self.results().metrics


def _wall(at_ms: float) -> int:
    return round((at_ms + WALL_OFFSET_MS) * MS)
