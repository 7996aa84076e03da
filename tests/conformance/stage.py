"""The servers under test and what was found.

Cases that may run side by side do so; the others follow one by one. Each combination of setting and serialization is
a lane with a database and servers of its own, so that lanes run side by side whatever their cases do.
"""

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.pipeline.postgres import PostgresServer
from loadtests.pipeline.settings import FeedName, RealtimeOptions
from tests.conformance.cases import Case
from tests.conformance.steps import Differs, Player
from tests.conformance.warmth import Warmth
from tests.conformance.world import World, create_database, running_server

SIDE_BY_SIDE = 60
WRITERS = 6


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which conditions a case is played."""

    feed: FeedName
    scale: float
    """Of the server's deliberate delays."""


Findings = dict[tuple[Setting, str], str | None]
"""For each case that was played under a setting: how the server differs from the recording, or None."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """One database and its servers, which start when they are needed."""

    setting: Setting
    postgres: PostgresServer
    database: str
    logs: Path
    stops: ExitStack
    findings: Findings
    worlds: dict[bool, World] = field(default_factory=dict)

    async def play(self, cases: Iterable[Case]) -> None:
        """Play cases: side by side those that may, then one by one the others."""
        together = [case for case in cases if not case.alone]
        await self._play_together(together)
        for case in cases:
            if case.alone:
                await self._play_together([case])

    async def _play_together(self, cases: Iterable[Case]) -> None:
        slots, writers = asyncio.Semaphore(SIDE_BY_SIDE), asyncio.Semaphore(WRITERS)
        async with asyncio.TaskGroup() as tasks, Warmth() as warmth:
            for case in cases:
                world = await self._world(case)
                if case.tenant == "warm":
                    await warmth.keep(world)
                tasks.create_task(self._play(case, world, slots, writers))

    async def _play(self, case: Case, world: World, slots: asyncio.Semaphore, writers: asyncio.Semaphore) -> None:
        async with slots:
            try:
                await Player(case, world, writers).play()
            except Differs as found:
                self.findings[self.setting, case.id] = str(found)
            else:
                self.findings[self.setting, case.id] = None

    async def _world(self, case: Case) -> World:
        """Return the world for a case: one whose idle limit is scaled too, where the case waits for that."""
        key = case.is_about_silence
        if key not in self.worlds:
            options = RealtimeOptions(
                feed=self.setting.feed,
                delay_scale=self.setting.scale,
                heartbeat_timeout_s=60.0 * (self.setting.scale if key else 1.0),
            )
            log = self.logs / f"{self.database}-{len(self.worlds)}.log"
            running = running_server(self.postgres, self.database, options, log)
            self.worlds[key] = await asyncio.to_thread(self.stops.enter_context, running)
        return self.worlds[key]


async def play_all(
    wanted: dict[tuple[Setting, str], list[Case]], postgres: PostgresServer, logs: Path, stops: ExitStack
) -> Findings:
    """Play cases, which are given for each lane, and return what was found."""
    findings: Findings = {}
    lanes: list[tuple[Lane, list[Case]]] = []
    for number, ((setting, _), cases) in enumerate(wanted.items()):
        database = create_database(postgres, f"lane_{number}")
        lane = Lane(setting=setting, postgres=postgres, database=database, logs=logs, stops=stops, findings=findings)
        lanes.append((lane, cases))
    await asyncio.gather(
        *(lane.play([case for case in cases if not case.restarts_the_database]) for lane, cases in lanes)
    )
    for lane, cases in lanes:
        await lane.play([case for case in cases if case.restarts_the_database])
    return findings
