"""The open loop: what is due is handed out on time, whatever the target does; and everything is written down."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import jwt
import orjson
import pytest

from loadtests.drivers.job_board import Mutation
from loadtests.drivers.workload import Workload
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, Kind, Unsent
from loadtests.history.ledger import Ledger, LedgerFullError
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import ALGORITHM, AUDIENCE

ENDPOINT = Endpoint(
    api_url="http://127.0.0.1:1",
    realtime_url="ws://127.0.0.1:2/realtime/v1/websocket",
    anon_key="",
    service_key="",
    jwt_secret="a secret that is long enough for HS256",
    database_url="",
)
MakeWorkload = Callable[..., Workload]


@pytest.fixture
def workload_of(tmp_path: Path) -> MakeWorkload:
    """Return a function that makes the workload of a short, even load on one organization."""

    def make(
        *, jobs: int = 3, rows: int = 1000, organizations: int = 1, subscribers: int = 0, **phase: Any
    ) -> Workload:
        load = {"name": "load", "duration_s": 0.05, "mutations_per_s": 200, "arrivals": "even", "mix": {"update": 1}}
        scenario = Scenario.model_validate(
            {
                "name": "any",
                "question": "What is handed out?",
                "organizations": {"count": organizations, "jobs": jobs},
                "subscribers": {"count": subscribers},
                "phases": [load | phase],
            }
        )
        population = Population(scenario, seed=1, run_id="a run")
        return Workload(scenario, population, Ledger(tmp_path / "mutators-0.ledger", capacity_rows=rows))

    return make


def handed_out(workload: Workload) -> list[Mutation]:
    """Take what mutators would take now."""
    return [workload.queue.get_nowait() for _ in range(workload.queue.qsize())]


def recorded(workload: Workload) -> History:
    """Close the workload and read its ledger."""
    workload.close()
    return History.read(workload.ledger.path.parent)


def job_answer(job: str | None, revision: int) -> bytes:
    """Return the answer to a mutation."""
    return orjson.dumps({"data": {"id": job, "revision": revision}})


def test_everything_is_handed_out_though_nothing_is_answered(workload_of: MakeWorkload) -> None:
    """The dispatcher never waits for a response; what hits a busy job waits in its line."""
    workload = workload_of(jobs=2)
    workload.dispatch(time.monotonic_ns())
    taken = handed_out(workload)
    history = recorded(workload)

    assert workload.dispatched == 10
    assert len(history.of(Kind.DUE)) == 10
    assert len({mutation.job_id for mutation in taken}) == len(taken) == 2


def test_the_due_time_is_the_schedules(workload_of: MakeWorkload) -> None:
    """And the dispatcher's own lateness stands beside it: never early."""
    workload = workload_of()
    start_ns = time.monotonic_ns()
    workload.dispatch(start_ns)
    due = recorded(workload).of(Kind.DUE)

    assert due["due_ns"].tolist() == [start_ns + offset for offset in workload.schedule.due_ns.tolist()]
    assert (due["at_ns"] >= due["due_ns"]).all()
    assert due["actor"].tolist() == list(range(10))


def test_choices_do_not_depend_on_the_answers(workload_of: MakeWorkload, tmp_path: Path) -> None:
    """A slow target gets the same writes as a fast one: here none is answered, there all are, at once."""
    slow = workload_of(jobs=5, mix={"update": 1, "flag": 1})
    slow.dispatch(time.monotonic_ns())
    slow_due = recorded(slow)
    for path in tmp_path.iterdir():
        path.unlink()
    fast = workload_of(jobs=5, mix={"update": 1, "flag": 1})

    def answer_all() -> None:
        while True:
            mutation = fast.queue.get()
            fast.answered(mutation, fast.sent(mutation), status=200, content=job_answer(mutation.job_id, 2))

    answering = gevent.spawn(answer_all)
    fast.dispatch(time.monotonic_ns())
    answering.kill()
    fast_due = recorded(fast)

    def jobs(history: History) -> list[str]:
        return [history.names[number] for number in history.of(Kind.DUE)["entity"]]

    assert jobs(slow_due) == jobs(fast_due)


def test_an_acknowledged_mutation_is_recorded_with_its_revision(workload_of: MakeWorkload) -> None:
    """Sent, acked, the job, the bytes of the answer."""
    workload = workload_of(mutations_per_s=20)
    workload.dispatch(time.monotonic_ns())
    (mutation,) = handed_out(workload)
    sent_ns = workload.sent(mutation)
    content = job_answer(mutation.job_id, 9)
    trouble = workload.answered(mutation, sent_ns, status=200, content=content)
    history = recorded(workload)
    (sent,) = history.of(Kind.SENT)
    (acked,) = history.of(Kind.ACKED)

    assert trouble is None
    assert (sent["at_ns"], sent["due_ns"]) == (sent_ns, mutation.due_ns)
    assert (acked["due_ns"], acked["revision"], acked["value"], acked["flag"]) == (sent_ns, 9, len(content), 200)
    assert history.names[acked["entity"]] == mutation.job_id
    assert (workload.acked, workload.failed, workload.idle) == (1, 0, True)


@pytest.mark.parametrize(
    ("status", "content", "kind", "why"),
    [
        (0, b"", Kind.UNKNOWN, "no response"),
        (409, b'{"code": "CONFLICT"}', Kind.FAILED, "409: CONFLICT"),
        (200, b"{}", Kind.FAILED, "an answer that is not in the contract: 'id'"),
    ],
)
def test_what_did_not_succeed_is_recorded_with_its_reason(
    workload_of: MakeWorkload, status: int, content: bytes, kind: Kind, why: str
) -> None:
    """No answer is unknown, for the mutation may have happened; a refusal is a failure."""
    workload = workload_of(mutations_per_s=20)
    workload.dispatch(time.monotonic_ns())
    (mutation,) = handed_out(workload)
    trouble = workload.answered(mutation, workload.sent(mutation), status=status, content=content)
    history = recorded(workload)
    (row,) = history.of(kind)

    assert trouble == why
    assert (row["actor"], row["flag"]) == (mutation.index, status)
    assert history.names[row["entity"]] == why


def test_the_next_in_a_jobs_line_follows_at_once(workload_of: MakeWorkload) -> None:
    """An answer frees the job for the one that waited longest."""
    workload = workload_of(jobs=1, mutations_per_s=60)
    workload.dispatch(time.monotonic_ns())
    (first,) = handed_out(workload)
    workload.answered(first, workload.sent(first), status=200, content=job_answer(first.job_id, 2))
    (second,) = handed_out(workload)

    assert (first.index, second.index) == (0, 1)
    workload.close()


def test_a_created_job_can_be_changed(workload_of: MakeWorkload) -> None:
    """Its id is learned from the answer."""
    workload = workload_of(jobs=0, mix={"create": 1}, mutations_per_s=20)
    workload.dispatch(time.monotonic_ns())
    (create,) = handed_out(workload)
    workload.answered(create, workload.sent(create), status=201, content=job_answer("a new job", 1))

    assert create.job_id is None
    assert workload.board.choose(0, phase=0, strategy="uniform", pick=0.5) == "a new job"
    workload.close()


def test_what_could_not_be_sent_is_recorded_with_its_reason(workload_of: MakeWorkload) -> None:
    """No mutator was free, or the job was busy until the end."""
    workload = workload_of(jobs=1, mutations_per_s=60)
    workload.dispatch(time.monotonic_ns())
    unsent = recorded(workload).of(Kind.UNSENT)

    assert unsent[["actor", "value"]].tolist() == [
        (0, Unsent.POOL_EXHAUSTED),
        (1, Unsent.RUN_ENDED),
        (2, Unsent.RUN_ENDED),
    ]


def test_what_is_given_up_is_not_sent_later(workload_of: MakeWorkload) -> None:
    """An answer that still comes hands out nothing more, and nothing is recorded twice."""
    workload = workload_of(jobs=1, mutations_per_s=60)
    workload.dispatch(time.monotonic_ns())
    (first,) = handed_out(workload)
    sent_ns = workload.sent(first)
    workload.give_up()
    workload.answered(first, sent_ns, status=200, content=job_answer(first.job_id, 2))

    assert workload.idle
    assert recorded(workload).of(Kind.UNSENT)[["actor", "value"]].tolist() == [
        (1, Unsent.RUN_ENDED),
        (2, Unsent.RUN_ENDED),
    ]


def test_a_mutation_without_a_job_to_change_is_not_sent(workload_of: MakeWorkload) -> None:
    """The scenario's creates have not been answered yet, or all jobs are archived."""
    workload = workload_of(jobs=1, mix={"archive": 1}, mutations_per_s=60)
    workload.dispatch(time.monotonic_ns())
    handed_out(workload)
    unsent = recorded(workload).of(Kind.UNSENT)

    assert unsent[["actor", "value", "entity"]].tolist() == [
        (1, Unsent.NO_FREE_JOB, NO_ENTITY),
        (2, Unsent.NO_FREE_JOB, NO_ENTITY),
    ]


def test_a_full_ledger_stops_the_dispatch(workload_of: MakeWorkload) -> None:
    """Nothing is handed out that could not be written down."""
    workload = workload_of(rows=4)

    with pytest.raises(LedgerFullError, match=r"mutators-0\.ledger is full after 4 rows"):
        workload.dispatch(time.monotonic_ns())
    assert workload.dispatched == 4
    workload.ledger.close()


def test_an_author_signs_in_once(workload_of: MakeWorkload) -> None:
    """With a token that outlives the run: a colleague's, or that of a subscriber who makes the mutation."""
    workload = workload_of(organizations=2, subscribers=4)
    workload.connect(ENDPOINT)
    by_colleague = Mutation(index=0, kind=MutationKind.UPDATE, organization=1, job_id="a", due_ns=0)
    token = workload.token(by_colleague)
    claims = jwt.decode(token, ENDPOINT.jwt_secret, algorithms=[ALGORITHM], audience=AUDIENCE)
    own = jwt.decode(
        workload.token(replace(by_colleague, author=3)), ENDPOINT.jwt_secret, algorithms=[ALGORITHM], audience=AUDIENCE
    )

    assert claims["sub"] == workload.population.author_id(1)
    assert own["sub"] == workload.population.subscribers[3].user_id
    assert claims["role"] == "authenticated"
    assert workload.token(by_colleague) is token
    workload.close()


def test_an_author_whose_token_is_given_uses_the_newest(workload_of: MakeWorkload) -> None:
    """The next request carries what came last."""
    workload = workload_of(organizations=2, subscribers=4)
    author = workload.population.author_id(1)
    mutation = Mutation(index=0, kind=MutationKind.UPDATE, organization=1, job_id="a", due_ns=0)
    workload.connect(ENDPOINT.with_tokens({author: "old"}))
    before = workload.token(mutation)
    workload.wallet.take({author: "fresh"})

    assert (before, workload.token(mutation)) == ("old", "fresh")
    workload.close()


def test_kinds_are_those_of_the_schedule(workload_of: MakeWorkload) -> None:
    """Each row says which mutation it is."""
    workload = workload_of(mix={"update": 1, "document": 1, "create": 1})
    workload.dispatch(time.monotonic_ns())
    due = recorded(workload).of(Kind.DUE)

    assert due["flag"].tolist() == workload.schedule.kind.tolist()
    assert ((due["entity"] == NO_ENTITY) == (due["flag"] == MutationKind.CREATE)).all()
