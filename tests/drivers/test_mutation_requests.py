"""What each mutation asks of the jobs API, and how its answers are read."""

from dataclasses import replace

import orjson
import pytest

from loadtests.drivers.job_board import Mutation
from loadtests.drivers.mutation_requests import JobState, read_refusal, read_response, request_of
from loadtests.scenario.vocabulary import MutationKind

JOB = "4f2e8c3a-0000-4000-8000-000000000001"


def mutation(kind: MutationKind, index: int = 7) -> Mutation:
    """Return a mutation of one job."""
    job_id = None if kind is MutationKind.CREATE else JOB
    return Mutation(index=index, kind=kind, organization=0, job_id=job_id, due_ns=0)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (MutationKind.CREATE, "POST /api/jobs"),
        (MutationKind.UPDATE, f"PATCH /api/jobs/{JOB}"),
        (MutationKind.ARCHIVE, f"POST /api/jobs/{JOB}/archive"),
        (MutationKind.FLAG, f"PATCH /api/jobs/{JOB}/flag"),
        (MutationKind.DOCUMENT, f"POST /api/jobs/{JOB}/documents"),
    ],
)
def test_each_mutation_has_its_route(kind: MutationKind, line: str) -> None:
    """And a label that groups its requests whatever the job."""
    request = request_of(mutation(kind))

    assert f"{request.method} {request.path}" == line
    assert request.label == kind.name.lower()


@pytest.mark.parametrize("kind", MutationKind)
def test_two_mutations_never_ask_for_the_same(kind: MutationKind) -> None:
    """A change that changes nothing could be taken for one that was lost."""
    bodies = [request_of(mutation(kind, index)).body for index in (7, 8)]

    assert kind is MutationKind.ARCHIVE or bodies[0] != bodies[1]


@pytest.mark.parametrize("kind", [MutationKind.CREATE, MutationKind.UPDATE])
def test_risk_factors_are_given_with_a_create_or_an_update(kind: MutationKind) -> None:
    """Without any the key is left out: an empty list would take the job's score away."""
    risky = replace(mutation(kind), risk_factor_codes=("height", "weather"))
    without, given = request_of(mutation(kind)).body, request_of(risky).body

    assert without is not None
    assert "risk_factor_codes" not in without
    assert given == {**without, "risk_factor_codes": ("height", "weather")}


def test_a_job_in_an_answer_has_its_id_and_revision() -> None:
    """Wrapped in `data`."""
    content = orjson.dumps({"data": {"id": JOB, "revision": 3, "title": "x"}, "request_id": "y"})

    assert read_response(mutation(MutationKind.UPDATE), content) == JobState(JOB, 3)


@pytest.mark.parametrize(("told", "state"), [({"id": 41, "revision": "3"}, ("41", 3)), ({"id": "41"}, ("41", 0))])
def test_an_id_may_be_a_number_and_a_revision_text(told: dict[str, object], state: tuple[str, int]) -> None:
    """Inside an id is text, by which it is found again."""
    assert read_response(mutation(MutationKind.CREATE), orjson.dumps({"data": told})) == JobState(*state)


@pytest.mark.parametrize(("job", "path"), [("41", "/api/jobs/41"), ("WO 12/7", "/api/jobs/WO%2012%2F7")])
def test_an_id_goes_back_into_the_path_as_it_came(job: str, path: str) -> None:
    """One segment of it."""
    assert request_of(replace(mutation(MutationKind.UPDATE), job_id=job)).path == path


def test_a_flags_answer_stands_bare() -> None:
    """As the contract has it."""
    content = orjson.dumps({"id": JOB, "revision": 4, "review_flag": True})

    assert read_response(mutation(MutationKind.FLAG), content) == JobState(JOB, 4)


def test_a_documents_answer_is_about_its_job() -> None:
    """The answer's own id is the document's; a document gives the job no new revision."""
    content = orjson.dumps({"data": {"id": "a document", "job_id": JOB}})

    assert read_response(mutation(MutationKind.DOCUMENT), content) == JobState(JOB, 0)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[1]", b'{"data": 5}', b'{"data": {}}', b'{"data": {"revision": 1}}', b'{"data": {"id": null}}'],
)
def test_an_answer_that_breaks_the_contract_is_an_error(content: bytes) -> None:
    """It is never taken for a success."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_response(mutation(MutationKind.UPDATE), content)


@pytest.mark.parametrize(
    ("status", "content", "told"),
    [
        (0, b"", "no response"),
        (503, b"<html>", "503: not JSON"),
        (403, b'{"code": "PLAN_LIMIT", "message": "Upgrade"}', "403: PLAN_LIMIT"),
        (404, b'{"message": "Job not found"}', "404: Job not found"),
        (500, b"{}", "500"),
        (500, b"[]", "500"),
    ],
)
def test_a_refusal_is_told_in_few_words(status: int, content: bytes, told: str) -> None:
    """Equal refusals have equal words, so that they can be counted."""
    assert read_refusal(status, content) == told
