"""Accepting the terms: the one route that people who have not accepted them may use."""

from loadtests.pipeline.api.endpoint import Answer, Call
from loadtests.pipeline.api.gates import accept_terms


async def accept_legal_terms(call: Call) -> Answer:
    """POST /legal/accept."""
    accepted = await accept_terms(call.connection, call.member.user_id)
    return Answer(200, {"data": dict(accepted)})
