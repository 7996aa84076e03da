"""The rows that a synthetic pipeline would have left in its ledger, in bulk: a million in a second."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.clients.requests import Cause, KeyKind
from loadtests.history.directory import MANIFEST_SCHEMA, RunDirectory
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, ROW, Kind, Process, SignalFlag
from loadtests.history.ledger import LEDGER_SUFFIX, NAMES_SUFFIX
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from loadtests.wire.event_types import EventType
from tests.analysis.synthetic_pipeline import MS, START_NS, Ints, S, SyntheticPipeline

WALL_OFFSET_NS: Final = 1_700_000_000 * S
OURS: Final = (Process.RUNNER, Process.MUTATORS, Process.SWARM)
BODY_BYTES: Final = 19_000
FRAME_BYTES: Final = 700


def history_of(plan: SyntheticPipeline) -> History:
    """Return the whole history."""
    parts = [_frame(plan), _edges(plan), _mutators(plan), _truth(plan), _bodies(plan), _subscribers(plan), _polls(plan)]
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows["at_ns"], kind="stable")]
    rows.flags.writeable = False
    return History(rows=rows, names=tuple(plan.names))


def write_history(plan: SyntheticPipeline, directory: Path) -> None:
    """Write the ledger as one process would have left it."""
    history = history_of(plan)
    history.rows.tofile(directory / f"swarm-0{LEDGER_SUFFIX}")
    text = "".join(f"{name}\n" for name in history.names)
    (directory / f"swarm-0{NAMES_SUFFIX}").write_text(text, encoding="utf-8")


def _frame(plan: SyntheticPipeline) -> NDArray[np.void]:
    seconds = np.arange(START_NS - 5 * S, plan.drained_ns, S, dtype=np.int64)
    return np.concatenate(
        [
            rows_of(Kind.PHASE, [START_NS, plan.measured_ns], value=[0, 1], revision=[1, 0]),
            rows_of(Kind.ENDED, [plan.end_ns], entity=len(plan.names) - 1, flag=1),
            rows_of(Kind.CLOCK, seconds, value=seconds + WALL_OFFSET_NS, due_ns=50_000),
            *(rows_of(Kind.LOOP_LAG, seconds, actor=int(process), value=2 * MS) for process in OURS),
            rows_of(Kind.RECEIVE_AGE, seconds, actor=int(Process.SWARM), value=MS),
            rows_of(Kind.USAGE, seconds, actor=int(Process.SWARM), value=(seconds - seconds[0]) // 4, due_ns=2**26),
        ]
    )


def _edges(plan: SyntheticPipeline) -> NDArray[np.void]:
    devices = plan.population.devices
    index = np.arange(len(devices))
    home = np.array([device.organization for device in devices])
    model = np.array([int(device.model) for device in devices])
    pushed = index[model != int(DeviceModel.POLLER)]
    before = np.full(len(devices), START_NS, dtype=np.int64)
    catch_up = (before - 2 * S, plan.body_name(home, 0 * home), before - S)
    return np.concatenate(
        [
            rows_of(Kind.LOGIN, before - 4 * S, actor=index, value=home, flag=model),
            rows_of(Kind.OPENED, before[pushed] - 3 * S - 2, actor=pushed),
            rows_of(Kind.JOINED, before[pushed] - 3 * S - 1, actor=pushed),
            rows_of(Kind.LIVE, before[pushed] - 3 * S, actor=pushed),
            _fetches(plan, index, catch_up[0], catch_up[1], catch_up[2], cause=Cause.CATCH_UP, first=0),
            rows_of(Kind.LOGOUT, np.full(len(devices), plan.drained_ns), actor=index),
        ]
    )


def _mutators(plan: SyntheticPipeline) -> NDArray[np.void]:
    index = np.arange(plan.mutations)
    job = plan.mutated_jobs()
    organization = index % plan.organizations
    sent_ns = plan.due_ns + plan.send_ms * MS
    due = {"actor": index, "entity": job, "due_ns": plan.due_ns}
    return np.concatenate(
        [
            rows_of(Kind.DUE, plan.due_ns, value=organization, flag=int(MutationKind.UPDATE), **due),
            rows_of(Kind.SENT, sent_ns, **due),
            rows_of(
                Kind.ACKED,
                sent_ns + plan.ack_ms * MS,
                actor=index,
                entity=job,
                due_ns=sent_ns,
                revision=plan.revisions(),
                value=900,
                flag=200,
            ),
        ]
    )


def _truth(plan: SyntheticPipeline) -> NDArray[np.void]:
    index = np.arange(plan.mutations)
    organization = index % plan.organizations
    read_ns = np.full(plan.mutations, plan.drained_ns + S)
    jobs = np.arange(plan.organizations * plan.jobs)
    ordinal = jobs % plan.jobs
    rounds_of_job = (plan.rounds - ordinal + plan.jobs - 1) // plan.jobs
    return np.concatenate(
        [
            rows_of(
                Kind.TRUE_EVENT,
                read_ns,
                due_ns=plan.committed_ns + WALL_OFFSET_NS,
                value=plan.committed_ns + WALL_OFFSET_NS - MS,
                revision=index,
                actor=organization,
                entity=index,
                flag=int(EventType.JOB_UPDATED),
            ),
            rows_of(
                Kind.TRUE_MUTATION,
                read_ns,
                actor=index,
                due_ns=plan.stored_ns + WALL_OFFSET_NS,
                entity=plan.mutated_jobs(),
                revision=plan.revisions(),
                flag=int(MutationKind.UPDATE),
            ),
            rows_of(
                Kind.TRUE_JOB,
                np.full(len(jobs), plan.drained_ns + S),
                entity=plan.mutations + jobs,
                actor=jobs // plan.jobs,
                revision=1 + rounds_of_job,
                due_ns=WALL_OFFSET_NS + ordinal * S,
            ),
        ]
    )


def _bodies(plan: SyntheticPipeline) -> NDArray[np.void]:
    organization, state = np.divmod(np.arange(plan.organizations * (plan.rounds + 1)), plan.rounds + 1)
    name = plan.body_name(organization, state)
    mutation = np.maximum(state - 1, 0) * plan.organizations + organization
    at_ns = np.where(state == 0, START_NS - S, plan.stored_ns[mutation])
    ordinal = np.arange(plan.jobs)
    shape = (len(name), plan.jobs)

    def wide(column: Ints) -> Ints:
        return np.broadcast_to(column[:, None], shape).ravel()

    # After so many rounds, a job has had one for each time that its turn came.
    revision = 1 + (state[:, None] - ordinal[None, :] + plan.jobs - 1) // plan.jobs
    return np.concatenate(
        [
            rows_of(Kind.BODY, at_ns, entity=name, value=BODY_BYTES, revision=plan.jobs, flag=int(KeyKind.JOB_LIST)),
            rows_of(
                Kind.BODY_ITEM,
                wide(at_ns),
                value=wide(name),
                entity=plan.job_name(wide(organization), np.tile(ordinal, len(name))),
                revision=revision.ravel(),
                actor=np.tile(ordinal, len(name)),
            ),
        ]
    )


def _subscribers(plan: SyntheticPipeline) -> NDArray[np.void]:
    homes = np.array([device.organization for device in plan.population.subscribers])
    members = np.argsort(homes, kind="stable").reshape(plan.organizations, plan.subscribers)
    mutation, place = np.nonzero(~plan.is_lost)
    organization, state = mutation % plan.organizations, mutation // plan.organizations + 1
    device = members[organization, place]
    received_ns = plan.received_ns[mutation, place]
    flushed_ns = received_ns + plan.debounce_ms * MS
    batch = state
    first = np.unique(mutation, return_index=True)[1]
    return np.concatenate(
        [
            rows_of(
                Kind.EVENT_NAMED,
                received_ns[first],
                entity=mutation[first],
                value=(plan.committed_ns[mutation[first]] + WALL_OFFSET_NS) // MS * MS,
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
            _fetches(
                plan,
                device,
                flushed_ns,
                plan.body_name(organization, state),
                flushed_ns + plan.queue_ms * MS,
                cause=Cause.FLUSH,
                first=len(plan.population.devices),
                batch=batch,
            ),
        ]
    )


def _polls(plan: SyntheticPipeline) -> NDArray[np.void]:
    parts = [np.empty(0, dtype=ROW)]
    first = len(plan.population.devices) + plan.mutations * plan.subscribers
    for poller in plan.population.pollers:
        interval_ns = round(poller.interval_s * S)
        wanted_ns = np.arange(
            START_NS + round(poller.phase * interval_ns), plan.drained_ns - S, interval_ns, dtype=np.int64
        )
        stored_ns = plan.stored_ns[poller.organization :: plan.organizations]
        state = np.searchsorted(stored_ns, wanted_ns, side="right")
        device = np.full(len(wanted_ns), poller.index)
        body = plan.body_name(np.full(len(wanted_ns), poller.organization), state)
        parts.append(_fetches(plan, device, wanted_ns, body, wanted_ns, cause=Cause.POLL, first=first))
        first += len(wanted_ns)
    return np.concatenate(parts)


def _fetches(  # noqa: PLR0913 - the columns of the rows
    plan: SyntheticPipeline,
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
            rows_of(Kind.REQUESTED, requested_ns, due_ns=wanted_ns, entity=plan.key_name, revision=batch, **fetch),
            rows_of(
                Kind.ANSWERED,
                requested_ns + plan.fetch_ms * MS,
                due_ns=requested_ns,
                entity=body,
                revision=200,
                **fetch,
            ),
        ]
    )


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


def record_run(pipeline: SyntheticPipeline, path: Path) -> Path:
    """Write the directory of a run, as the run would have left it, and return it."""
    directory = RunDirectory.create(path)
    directory.write_json(
        directory.manifest_file,
        {
            "schema": MANIFEST_SCHEMA,
            "scenario": pipeline.scenario.model_dump(mode="json"),
            "seed": pipeline.population.seed,
            "run_id": pipeline.population.run_id,
        },
    )
    write_history(pipeline, directory.path)
    return directory.path
