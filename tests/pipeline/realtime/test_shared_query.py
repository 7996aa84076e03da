"""Equal questions of one moment are one query, and no answer is older than its question."""

import asyncio

import pytest

from loadtests.pipeline.realtime.shared_query import SharedQuery


def test_who_asks_during_a_query_is_answered_by_the_next() -> None:
    """Three ask at once, two while that runs: two queries, and the later two get the later answer."""

    async def scenario() -> tuple[list[int], list[int], int]:
        asked = 0
        running, released = asyncio.Event(), asyncio.Event()

        async def ask(_key: str) -> int:
            nonlocal asked
            asked += 1
            number = asked
            running.set()
            await released.wait()
            return number

        query = SharedQuery(ask)
        first = [asyncio.ensure_future(query.get("k")) for _ in range(3)]
        await running.wait()
        later = [asyncio.ensure_future(query.get("k")) for _ in range(2)]
        await asyncio.sleep(0)
        released.set()
        return await asyncio.gather(*first), await asyncio.gather(*later), asked

    assert asyncio.run(scenario()) == ([1, 1, 1], [2, 2], 2)


def test_failure_reaches_everybody_and_is_forgotten() -> None:
    """All who wait get the error; the next question is asked anew."""

    async def scenario() -> int:
        answers = iter([ValueError("no"), 5])

        async def ask(_key: str) -> int:
            answer = next(answers)
            if isinstance(answer, ValueError):
                raise answer
            return answer

        query = SharedQuery(ask)
        outcomes = await asyncio.gather(query.get("k"), query.get("k"), return_exceptions=True)
        assert [type(one) for one in outcomes] == [ValueError, ValueError]
        return await query.get("k")

    assert asyncio.run(scenario()) == 5


def test_different_questions_do_not_wait_for_each_other() -> None:
    """A slow question delays only those who ask the same."""

    async def scenario() -> str:
        async def ask(key: str) -> str:
            if key == "slow":
                await asyncio.Event().wait()
            return key

        query = SharedQuery(ask)
        slow = asyncio.ensure_future(query.get("slow"))
        answer = await asyncio.wait_for(query.get("quick"), 5)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        return answer

    assert asyncio.run(scenario()) == "quick"
