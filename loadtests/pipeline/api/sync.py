"""What devices did while they had no network: evidence, sent in a batch when they are back.

Each operation has the name that its device gave it: sent again, it is found and not done twice. The operations
commit one by one, so that one bad job does not hold back the others; then all are told of together.
"""

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.documents import FIELDS, REQUIRED, insert_document
from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.gates import require_write_access
from loadtests.pipeline.api.telling import document_deed, tell

MAX_OPERATIONS = 200
_LONGEST_OFFLINE_ID = 200
_FOUND = "select id::text from public.documents where organization_id = $1 and offline_id = $2"


def _offline_id(value: object) -> str:
    """Accept a device's name for what it did; it is indexed, so it has a limit."""
    name = v.text(value)
    if len(name) > _LONGEST_OFFLINE_ID:
        raise ValueError(f"must have at most {_LONGEST_OFFLINE_ID} characters")
    return name


def _operation(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - one kind of error for every check
    missing = [name for name in ("offline_id", "job_id", *REQUIRED) if value.get(name) in (None, "")]
    if missing:
        raise ValueError(f"misses {', '.join(missing)}")
    checks = {"offline_id": _offline_id, "job_id": v.identifier, **FIELDS}
    return {name: check(value[name]) for name, check in checks.items() if name in value}


_CHECKS: dict[str, v.Check] = {"operations": v.list_of(_operation, most=MAX_OPERATIONS)}


async def sync_batch(call: Call) -> Answer:
    """POST /sync/batch. Answers for each operation in its order: `created`, `duplicate` or `job_not_found`."""
    require_write_access(call.member)
    v.require(call.body, _CHECKS)
    operations = v.checked(call.body, _CHECKS)["operations"]
    assert isinstance(operations, list)
    results, deeds = [], []
    for operation in operations:
        offline_id, job_id = operation.pop("offline_id"), operation.pop("job_id")
        document = await insert_document(call, job_id, operation, offline_id=offline_id)
        if document is not None:
            deeds.append(document_deed(call.cause, document, "evidence.synced"))
            outcome, document_id = "created", document["id"]
        else:
            document_id = await call.connection.fetchval(_FOUND, call.member.organization_id, offline_id)
            outcome = "job_not_found" if document_id is None else "duplicate"
        results.append({"offline_id": offline_id, "document_id": document_id, "outcome": outcome})
    if deeds:
        await tell(call.api, call.connection, *deeds)
    return Answer(200, {"data": {"results": results}})
