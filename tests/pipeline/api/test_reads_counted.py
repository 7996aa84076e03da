"""What a re-fetch costs the database: as many statements reach it as the answer's header tells."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from loadtests.clients.requests import AUDIT_LIMIT, PAGE_LIMIT, RequestKey
from loadtests.pipeline.api.endpoint import Api
from loadtests.pipeline.settings import ApiOptions

EXECUTED = """
select coalesce(sum(generic_plans + custom_plans), 0)::int from pg_prepared_statements
where statement not like '%pg_prepared_statements%'
"""
"""How often the statements of this session have been executed: PostgreSQL's own count."""


@pytest.fixture
def options() -> ApiOptions:
    """Return options with one session, whose statements can be counted."""
    return ApiOptions(pool_size=1)


@pytest.fixture
def cost(api: Api, runner: asyncio.Runner, ask: Callable[..., httpx.Response]) -> Callable[[RequestKey, str], int]:
    """Return a function that fetches a key and returns how many statements that took."""

    async def executed() -> int:
        async with api.pool.acquire() as session:
            count: int = await session.fetchval(EXECUTED)
            return count

    def fetch(key: RequestKey, token: str) -> int:
        before = runner.run(executed())
        response = ask("GET", key.path, token)
        assert response.status_code == 200, response.text
        statements = runner.run(executed()) - before
        assert int(response.headers["x-database-reads"]) == statements
        return statements

    return fetch


def test_an_answer_costs_its_member_its_rows_and_what_they_need(
    cost: Callable[[RequestKey, str], int],
    join: Callable[..., str],
    new_job: Callable[..., dict[str, object]],
    ask: Callable[..., httpx.Response],
) -> None:
    """An empty list is asked about once more; the mitigations of a scored job are read for the job alone."""
    token = join()
    page = RequestKey.job_list(limit=PAGE_LIMIT)
    empty_page = cost(page, token)
    plain, scored = str(new_job(token)["id"]), str(new_job(token, risk_factor_codes=["height"])["id"])
    without_documents = cost(RequestKey.documents(plain), token)
    document = {"name": "a", "file_path": "a", "file_size": 1, "mime_type": "image/png"}
    assert ask("POST", f"/api/jobs/{plain}/documents", token, json=document).status_code == 201

    assert (empty_page, without_documents) == (3, 3)
    assert cost(page, token) == 2
    assert cost(RequestKey.documents(plain), token) == 2
    assert (cost(RequestKey.job(plain), token), cost(RequestKey.job(scored), token)) == (2, 3)
    assert cost(RequestKey.audit(limit=AUDIT_LIMIT), token) == 2
