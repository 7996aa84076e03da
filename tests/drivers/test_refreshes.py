"""Re-fetches as the ledger tells them, against a real server whose answers take a moment."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import uvloop

from loadtests.clients.fetching import Decision, Discipline, Fetch, FetchDesk, Wanted
from loadtests.clients.models import Screen
from loadtests.clients.requests import Cause, RequestKey
from loadtests.drivers.fetch import FetchPool
from loadtests.drivers.pollers import Poller
from loadtests.drivers.refreshes import Refresher
from loadtests.drivers.timers import TimerQueue
from loadtests.history.history import History
from loadtests.history.kinds import NO_ENTITY, READS_UNIT, Kind, NotFetched
from loadtests.history.ledger import Ledger
from loadtests.scenario.population import Device
from loadtests.scenario.vocabulary import DeviceModel

DEADLINE_S = 10.0
MS = 1_000_000
LIST = Screen().jobs[0]


class Stage:
    """A refresher in front of a server, and what it wrote."""

    def __init__(self, ledger: Ledger, refresher: Refresher, timers: TimerQueue) -> None:
        self.ledger = ledger
        self.refresher = refresher
        self.timers = timers

    async def answers(self, least: int) -> tuple[Any, Any]:
        """Wait for so many answers; return the rows of requests and of answers, each in order of their numbers."""
        await self.wait_rows(Kind.ANSWERED, least)
        requested, answered = self.history().of(Kind.REQUESTED), self.history().of(Kind.ANSWERED)
        return requested[requested["value"].argsort()], answered[answered["value"].argsort()]

    async def wait_rows(self, kind: Kind, least: int) -> None:
        """Wait until there are so many rows of a kind."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.history().of(kind)) < least:  # noqa: ASYNC110 - a file sets no event
                await asyncio.sleep(0.002)

    def history(self) -> History:
        """Return everything so far."""
        return History.read(self.ledger.path.parent)


def perform(
    directory: Path,
    body: bytes,
    play: Callable[[Stage], Awaitable[None]],
    *,
    refusals: Sequence[bytes] = (),
    respects_retry_after: bool = True,
) -> None:
    """Play in front of a server that answers everything with `body`, 10 ms later; the first with 429 and a header."""
    serving, refused = set(), iter(refusals)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0.01)
                told = b'ETag: "one"\r\nX-Database-Reads: 2\r\n'
                header = next(refused, None)
                if header is None and b'If-None-Match: "one"' in request:
                    writer.write(b"HTTP/1.1 304 Not Modified\r\n%b\r\n" % told)
                    continue
                head = b"200 OK\r\n%b" % told if header is None else b"429 Too Many Requests\r\n%b\r\n" % header
                writer.write(b"HTTP/1.1 %bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    @asynccontextmanager
    async def opened_stage() -> AsyncIterator[Stage]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        timers = TimerQueue(asyncio.get_running_loop())
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        pool = FetchPool(url, connections_max=8, timeout_ns=5_000 * MS, timers=timers)
        with Ledger(directory / "swarm-0.ledger", capacity_rows=1000) as ledger:
            patience = timers if respects_retry_after else None
            refresher = Refresher(ledger=ledger, pool=pool, numbers=count(1), timers=patience)
            try:
                yield Stage(ledger, refresher, timers)
            finally:
                timers.stop()
                refresher.close()
                server.close()
                await asyncio.gather(*serving)

    async def tell() -> None:
        async with opened_stage() as stage:
            await play(stage)

    uvloop.run(tell())


class Screened:
    """Device 4, which carries out a desk's decisions."""

    index = 4
    bearer = "t"

    def __init__(self, stage: Stage, *, is_sequential: bool) -> None:
        self._stage = stage
        self._desk = FetchDesk(Discipline(is_sequential=is_sequential))

    def flush(self, keys: tuple[RequestKey, ...]) -> None:
        """Want what a flush asks for."""
        self._start(self._desk.want(Wanted(cause=Cause.FLUSH, batch=9, keys=keys, wanted_ns=77), 77))

    def leave(self) -> None:
        """End the life that asked for what is under way."""
        self._desk.forget()

    def awaits(self, fetch: Fetch) -> bool:
        """Return whether that life goes on."""
        return self._desk.is_under_way(fetch)

    def answered(self, fetch: Fetch, status: int, at_ns: int) -> None:
        """Go on with what waits for the answer."""
        self._start(self._desk.answered(fetch, at_ns, is_ok=status == HTTPStatus.OK))

    def _start(self, decision: Decision) -> None:
        for fetch in decision.start:
            self._stage.refresher.start(fetch, self)


def test_sequential_refreshes_await_each_other(tmp_path: Path) -> None:
    """Each is requested after the answer before it; all were wanted at the flush."""

    async def play(stage: Stage) -> None:
        Screened(stage, is_sequential=True).flush((LIST,) * 3)
        requested, answered = await stage.answers(3)

        assert (requested["at_ns"][1:] >= answered["at_ns"][:-1]).all()
        assert set(requested["due_ns"]) == {77}
        assert set(requested["revision"]) == {9}
        assert set(requested["actor"]) == {4}

    perform(tmp_path, b'{"data":[]}', play)


def test_parallel_refreshes_do_not(tmp_path: Path) -> None:
    """All are requested before the first answer."""

    async def play(stage: Stage) -> None:
        Screened(stage, is_sequential=False).flush((LIST,) * 3)
        requested, answered = await stage.answers(3)

        assert requested["at_ns"].max() < answered["at_ns"].min()
        assert answered["due_ns"].tolist() == requested["at_ns"].tolist()

    perform(tmp_path, b'{"data":[]}', play)


def test_what_waits_for_a_connection_when_its_device_leaves_is_not_requested(tmp_path: Path) -> None:
    """It would be asked for in the next organization, and its answer would look like a leak."""

    async def play(stage: Stage) -> None:
        device = Screened(stage, is_sequential=False)
        device.flush((LIST,))
        device.leave()
        await stage.wait_rows(Kind.NOT_FETCHED, 1)
        (row,) = stage.history().of(Kind.NOT_FETCHED)

        assert (row["actor"], row["value"], row["revision"], row["flag"]) == (4, 9, Cause.FLUSH, NotFetched.ENDED)
        assert len(stage.history().of(Kind.REQUESTED)) == 0
        assert stage.refresher.counts.under_way == 0

    perform(tmp_path, b'{"data":[]}', play)


def test_an_answer_without_sense_is_an_error(tmp_path: Path) -> None:
    """Status 200 and no body that could be shown; the sequence goes on."""

    async def play(stage: Stage) -> None:
        Screened(stage, is_sequential=True).flush((LIST,) * 2)
        _, answered = await stage.answers(2)

        assert answered["entity"].tolist() == [NO_ENTITY] * 2
        assert answered["revision"].tolist() == [200] * 2
        assert stage.refresher.counts.errors == 2

    perform(tmp_path, b"<html>", play)


def test_nothing_follows_the_close(tmp_path: Path) -> None:
    """What is under way is answered with nothing, what would come next is never requested."""

    async def play(stage: Stage) -> None:
        Screened(stage, is_sequential=True).flush((LIST,) * 3)
        await stage.wait_rows(Kind.REQUESTED, 1)
        stage.refresher.close()
        requested, answered = await stage.answers(1)

        assert requested["value"].tolist() == answered["value"].tolist() == [1]
        assert answered["revision"].tolist() == [0]
        assert stage.refresher.counts.under_way == 0

    perform(tmp_path, b'{"data":[]}', play)


def test_a_poll_is_due_even_while_the_one_before_is_under_way(tmp_path: Path) -> None:
    """Open loop: polls every 4 ms of answers that take 10, each wanted at its own due time."""
    device = Device(index=6, organization=1, user_id="u", model=DeviceModel.POLLER, interval_s=0.004, phase=0.5)

    async def play(stage: Stage) -> None:
        poller = Poller(device, mint=lambda: "t", key=LIST, refresher=stage.refresher, timers=stage.timers)
        begin_ns = time.monotonic_ns()
        poller.log_in(begin_ns)
        poller.begin(begin_ns)
        requested, _ = await stage.answers(8)
        polls = requested[requested["flag"] == Cause.POLL]
        poller.log_out()

        assert (polls["due_ns"] - begin_ns).tolist() == [2 * MS + 4 * MS * poll for poll in range(len(polls))]
        assert requested["flag"][0] == Cause.CATCH_UP
        assert stage.history().of(Kind.LOGIN, Kind.LOGOUT)["actor"].tolist() == [6, 6]

    perform(tmp_path, b'{"data":[]}', play)


@pytest.mark.parametrize("is_conditional", [True, False])
def test_a_conditional_poller_shows_what_it_has_when_nothing_has_changed(
    *, is_conditional: bool, tmp_path: Path
) -> None:
    """A real server of tagged lists: one BODY row, and every answer stands for it, those without a body too."""
    device = Device(
        index=6,
        organization=1,
        user_id="u",
        model=DeviceModel.POLLER,
        interval_s=0.03,
        is_conditional=is_conditional,
    )

    async def play(stage: Stage) -> None:
        poller = Poller(device, mint=lambda: "t", key=LIST, refresher=stage.refresher, timers=stage.timers)
        poller.log_in(time.monotonic_ns())
        await stage.wait_rows(Kind.ANSWERED, 1)
        poller.begin(time.monotonic_ns())
        _, answered = await stage.answers(4)
        (body,) = stage.history().of(Kind.BODY)

        assert set(answered["entity"]) == {body["entity"]}
        assert answered["revision"].tolist()[:4] == [200, *([304] * 3 if is_conditional else [200] * 3)]
        assert set(answered["flag"] // READS_UNIT) == {2}
        assert set(answered["flag"][1:] % READS_UNIT) == {Cause.POLL}
        assert stage.refresher.counts.errors == 0

    perform(tmp_path, b'{"data":[]}', play)


WAIT = b"Retry-After: 1"


def test_a_refresh_that_is_told_to_wait_comes_back_when_it_may(tmp_path: Path) -> None:
    """Both requests are in the ledger, the device hears of the second alone, and what else it wants waits as well."""

    async def play(stage: Stage) -> None:
        device = Screened(stage, is_sequential=True)
        device.flush((LIST,))
        await stage.wait_rows(Kind.ANSWERED, 1)
        device.flush((LIST,))

        assert stage.refresher.counts.held == 2

        requested, answered = await stage.answers(3)

        assert answered["revision"].tolist() == [429, 200, 200]
        assert (requested["at_ns"][1:] >= answered["at_ns"][0] + 1000 * MS).all()
        assert (stage.refresher.counts.limited, stage.refresher.counts.held) == (1, 0)

    perform(tmp_path, b"{}", play, refusals=(WAIT,))


def test_who_does_not_respect_it_hears_of_the_refusal_at_once(tmp_path: Path) -> None:
    """And asks on; that it was refused is counted all the same."""

    async def play(stage: Stage) -> None:
        Screened(stage, is_sequential=True).flush((LIST, LIST))
        _, answered = await stage.answers(2)

        assert answered["revision"].tolist() == [429, 200]
        assert (stage.refresher.counts.limited, stage.refresher.counts.held) == (1, 0)

    perform(tmp_path, b"{}", play, refusals=(WAIT,), respects_retry_after=False)


def test_a_refusal_without_the_header_is_an_answer_like_any_other(tmp_path: Path) -> None:
    """Nobody has said how long to wait."""

    async def play(stage: Stage) -> None:
        Screened(stage, is_sequential=True).flush((LIST, LIST))
        _, answered = await stage.answers(2)

        assert answered["revision"].tolist() == [429, 200]
        assert stage.refresher.counts.limited == 0

    perform(tmp_path, b"{}", play, refusals=(b"X-Nothing: 1",))


def test_polls_are_left_out_while_the_api_asks_for_patience(tmp_path: Path) -> None:
    """One refusal for an hour: of a poll every 5 ms none is sent, and each is recorded with its reason."""

    async def play(stage: Stage) -> None:
        role = Device(index=7, organization=0, user_id="u", model=DeviceModel.POLLER, interval_s=0.005)
        poller = Poller(role, mint=lambda: "t", key=LIST, refresher=stage.refresher, timers=stage.timers)
        poller.begin(time.monotonic_ns())
        await stage.wait_rows(Kind.NOT_FETCHED, 3)
        history = stage.history()
        unfetched = history.of(Kind.NOT_FETCHED)

        assert set(unfetched["flag"].tolist()) == {NotFetched.HELD_OFF}
        assert set(unfetched["revision"].tolist()) == {Cause.POLL}
        # By when they were wanted: what waits for a connection by then is still written.
        assert history.of(Kind.REQUESTED)["due_ns"].max() < history.of(Kind.ANSWERED)["at_ns"].min()

    perform(tmp_path, b"{}", play, refusals=(b"Retry-After: 3600",) * 10)
