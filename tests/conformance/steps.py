"""Play a recorded case against a server, step by step, and say where it differs.

Times count from the end of the last step that is no expectation. Deliberate delays of the server are scaled, what
depends on a token's expiry is not.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.cases import Case, Step
from tests.conformance.patterns import difference, matches_in_any_order
from tests.conformance.placeholders import Names
from tests.conformance.sockets import Closed, Frame, Refused, Socket, open_socket
from tests.conformance.streams import observe
from tests.conformance.world import SECRET, TENANT, World

_MS = 1_000_000
_INSERT = """
    insert into realtime_events (id, organization_id, event_type, entity_type, entity_id, payload)
    values (%s, %s, %s, %s, %s, %s)
"""
_COLUMNS = ("event_type", "entity_type", "entity_id")


class Differs(AssertionError):  # noqa: N818 - the finding
    """The server did something else than the recording says."""


class Player:
    """One case being played."""

    def __init__(self, case: Case, world: World, writers: asyncio.Semaphore) -> None:
        self._case = case
        self._world = world
        self._writers = writers
        self._names = Names(case, SECRET)
        self._scale = 1.0 if case.is_about_expiry else world.scale
        self._sockets: dict[str, Socket] = {}
        self._refused: Refused | None = None
        self._zero_ns = 0

    async def play(self) -> None:
        """Play the case; raises Differs with the step that failed."""
        await self._admit_members()
        try:
            for number, step in enumerate(self._case.steps):
                try:
                    await self._step(step)
                except Differs as found:
                    raise Differs(f"step {number} {_kind(step)}: {found}") from None
            self._check_nothing_left()
        finally:
            for socket in self._sockets.values():
                await socket.close()
            for step in self._case.cleanup:
                await self._step(step)

    async def _step(self, step: Step) -> None:
        kind = _kind(step)
        if kind.startswith("expect"):
            await self._expect(kind, step)
        elif kind == "server":
            self._zero_ns = time.monotonic_ns()
            await self._world.server.do(step["server"])
        else:
            began_ns = time.monotonic_ns()
            await self._act(kind, step)
            if kind != "note":
                self._zero_ns = began_ns if self._refused is not None else time.monotonic_ns()

    async def _act(self, kind: str, step: Step) -> None:
        match kind:
            case "connect":
                await self._connect(step)
            case "send":
                await self._socket(step).send(self._names.to_send(step["send"]))
            case "send_text":
                await self._socket(step).send_text(step["send_text"])
            case "close":
                await self._sockets.pop(step["close"]).close()
            case "database":
                await self._world.restart_database()
            case "wait_ms":
                await asyncio.sleep(step["wait_ms"] * self._scale / 1000)
            case "insert_stream":
                join = self._names.to_send(step["send_first"])
                observed = await observe(self._socket(step), step["insert_stream"], join, self._insert)
                _check(observed.fault(step["expect_stream"]))
            case "note":
                pass
            case _:
                await self._write(kind, step)

    async def _write(self, kind: str, step: Step) -> None:
        match kind:
            case "insert":
                rows = step["insert"]
                await self._insert(rows if isinstance(rows, list) else [rows])
            case "update":
                await self._update(step["update"])
            case "delete":
                identity = self._names.to_send(step["delete"]["id"])
                await self._execute([("delete from realtime_events where id = %s", [identity])])
            case "sql":
                await self._execute([(self._names.foreign(one), []) for one in step["statements"]])
            case _:
                raise ValueError(f"unknown step {kind!r}")

    async def _expect(self, kind: str, step: Step) -> None:
        match kind:
            case "expect":
                await self._expect_one(step)
            case "expect_unordered":
                frames = [await self._frame(step) for _ in step[kind]]
                if not matches_in_any_order(step[kind], frames, self._names):
                    raise Differs(f"in no order do these match: {json.dumps(frames, default=str)[:2000]}")
            case "expect_maybe" if step[kind] is not None:
                await self._expect_race([], [step[kind]], step)
            case "expect_maybe":
                pass
            case "expect_race":
                await self._expect_race(step[kind]["always"], step[kind]["maybe"], step)
            case "expect_none_for_ms":
                await self._expect_none(step)
            case "expect_http":
                self._expect_http(step)
            case "expect_close":
                await self._expect_close(step)
            case _:
                raise ValueError(f"unknown expectation {kind!r}")

    # ---- what is done

    async def _connect(self, step: Step) -> None:
        asked = step["connect"]
        host = f"{TENANT if asked['tenant'] != 'unknown' else 'nosuch'}.localhost"
        query = self._names.to_send(asked["query"])
        self._refused = None
        opened = await open_socket(self._world.server.port, host, asked["path"], query, self._names)
        if isinstance(opened, Refused):
            self._refused = opened
        else:
            self._sockets[step.get("socket", "a")] = opened

    async def _insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        written = [self._names.to_send(row) for row in rows]
        await self._execute([
            (_INSERT, [row["id"], row["org"], *map(row.get, _COLUMNS), _json(row.get("payload"))]) for row in written
        ])  # fmt: skip

    async def _update(self, update: Mapping[str, Any]) -> None:
        asked = self._names.to_send(update)
        columns = ", ".join(f"{name} = %s" for name in asked["set"])
        values = [_json(one) if isinstance(one, dict | list) else one for one in asked["set"].values()]
        statement = f"update realtime_events set {columns} where id = %s"  # noqa: S608 - the recording's own columns
        await self._execute([(statement, [*values, asked["id"]])])

    async def _admit_members(self) -> None:
        await self._execute([
            (
                "insert into organization_members (organization_id, user_id) values (%s, %s)",
                [self._names.organization(organization), self._names.user(user)],
            )
            for user, organizations in self._case.members.items()
            for organization in organizations
        ])  # fmt: skip

    async def _execute(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        async with self._writers:
            await self._world.execute(statements)

    # ---- what is expected

    async def _expect_one(self, step: Step) -> None:
        item = await self._next(step)
        if not isinstance(item, Frame):
            raise Differs(f"the socket was closed with {item.code}")
        _check(difference(step["expect"], item.message, self._names))
        self._check_not_early(item.at_ns, step)

    async def _expect_race(self, always: Sequence[Any], maybe: Sequence[Any], step: Step) -> None:
        waiting, possible = list(always), list(maybe)
        while waiting or possible:
            try:
                frame = await self._frame(step)
            except Differs:
                if waiting:
                    raise
                return
            for patterns in (waiting, possible):
                fitting = [one for one in patterns if matches_in_any_order([one], [frame], self._names)]
                if fitting:
                    patterns.remove(fitting[0])
                    break
            else:
                raise Differs(f"unexpected {json.dumps(frame, default=str)[:1000]}")

    async def _expect_none(self, step: Step) -> None:
        watched = [self._socket(step)] if "socket" in step else list(self._sockets.values())
        await asyncio.sleep(step["expect_none_for_ms"] / 1000)
        for socket in watched:
            while not socket.inbox.empty():
                item = socket.inbox.get_nowait()
                if not (isinstance(item, Closed) and step.get("closed_ok")):
                    raise Differs(f"unexpected {str(item)[:1000]}")

    def _expect_http(self, step: Step) -> None:
        refused = self._refused
        if refused is None:
            raise Differs("the upgrade was accepted")
        wanted = step["expect_http"]
        shown = {"status": refused.status, "content_type": refused.content_type, "body": refused.body}
        _check(difference(wanted, {key: shown[key] for key in wanted}, self._names))
        self._check_not_early(refused.at_ns, step)
        if refused.at_ns > self._zero_ns + step["within_ms"] * _MS:
            raise Differs("the answer came too late")

    async def _expect_close(self, step: Step) -> None:
        item = await self._next(step)
        if not isinstance(item, Closed):
            raise Differs(f"a frame before the close: {str(item)[:1000]}")
        if item.code != step["expect_close"]["code"]:
            raise Differs(f"closed with {item.code}")
        self._check_not_early(item.at_ns, step)

    async def _frame(self, step: Step) -> Any:
        item = await self._next(step)
        if isinstance(item, Closed):
            raise Differs(f"the socket was closed with {item.code}")
        return item.message

    async def _next(self, step: Step) -> Frame | Closed:
        left_s = (self._zero_ns + step["within_ms"] * _MS - time.monotonic_ns()) / 1e9
        try:
            return await asyncio.wait_for(self._socket(step).inbox.get(), max(0.0, left_s))
        except TimeoutError:
            raise Differs(f"nothing came within {step['within_ms']} ms") from None

    def _check_not_early(self, at_ns: int, step: Step) -> None:
        if "after_ms" not in step:
            return  # a row may even come before its writer knows that it is committed
        earliest_ms = step["after_ms"] * self._scale
        if (end_ns := self._names.first_end_ns) is not None:
            # On a busy machine the steps before have taken a part of the token's life; it ends when it says.
            earliest_ms = min(earliest_ms, (end_ns - self._zero_ns) / _MS)
        took_ms = (at_ns - self._zero_ns) / _MS
        if took_ms < earliest_ms:
            raise Differs(f"came after {took_ms:.0f} ms, before {earliest_ms:.0f} ms")

    def _check_nothing_left(self) -> None:
        for name, socket in self._sockets.items():
            if not socket.inbox.empty():
                raise Differs(f"left over on socket {name}: {str(socket.inbox.get_nowait())[:1000]}")

    def _socket(self, step: Step) -> Socket:
        return self._sockets[step.get("socket", "a")]


def _kind(step: Step) -> str:
    """Return what a step is: its own word, not a word that goes with it."""
    for kind in ("insert_stream", "insert", "update", "delete", "sql", "connect", "send", "send_text", "close"):
        if kind in step:
            return kind
    for kind in ("server", "database", "wait_ms", "note"):
        if kind in step:
            return kind
    return next(key for key in step if key.startswith("expect"))


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _check(fault: str | None) -> None:
    if fault is not None:
        raise Differs(fault)
