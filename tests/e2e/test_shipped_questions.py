"""The two shipped scenarios that smoke is not, with fewer rounds and shorter pauses."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loadtests.clients.requests import Cause
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.scenario.vocabulary import DeviceModel
from tests.e2e.commands import Recorded, StartCommand

ROUNDS = 5
PATIENT = ("health.send_delay_ms_p99=5000", "health.loop_lag_ms_p99=5000", "subscribers.control=0")


def run(start: StartCommand, directory: Path, scenario: str, *overrides: str) -> Recorded:
    """Return a shipped scenario's run with some of its keys changed."""
    options = [word for override in ("deadline_ms=1500", *PATIENT, *overrides) for word in ("--set", override)]
    with start("run", "--no-report", scenario, *options, "--out", directory) as command:
        code = command.wait_end()
        return Recorded(directory=directory, exit_code=code, text=command.text)


def test_two_devices_see_each_round_within_a_second(start: StartCommand, tmp_path: Path) -> None:
    """A creates a job, B sees it: every time."""
    gates = [f"push.seen_within_1s.mutations == {ROUNDS}", f"push.seen_within_1s.of == {ROUNDS}"]
    recorded = run(
        start,
        tmp_path / "run",
        "two-devices",
        f"gates={gates}",
        f"phases.0.duration_s={ROUNDS}",
        "phases.0.mutations_per_s=1",
    )
    document: Any = recorded.json("verdict.json")

    assert recorded.exit_code == 0, recorded.text
    assert [(gate["text"], gate["outcome"]) for gate in document["gates"]] == [(gate, "pass") for gate in gates]


@pytest.fixture(scope="module")
def burst(start: StartCommand, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return a run of `burst` with shorter pauses."""
    return run(
        start,
        tmp_path_factory.mktemp("burst") / "run",
        "burst",
        "phases.1.duration_s=2",
        "phases.3.duration_s=2",
    )


def refreshes(history: History, model: DeviceModel, phases: tuple[int, int]) -> Counter[int]:
    """Return how often each device of a model re-fetched from the begin of one phase to the begin of another."""
    begins = {int(row["value"]): int(row["at_ns"]) for row in history.of(Kind.PHASE)}
    begin_ns, end_ns = (begins.get(phase, 2**62) for phase in phases)
    devices = {int(row["actor"]) for row in history.of(Kind.LOGIN) if row["flag"] == model}
    counts = Counter(dict.fromkeys(devices, 0))
    for row in history.of(Kind.REQUESTED):
        if row["flag"] == Cause.FLUSH and row["actor"] in devices and begin_ns <= row["at_ns"] < end_ns:
            counts[int(row["actor"])] += 1
    return counts


@pytest.mark.parametrize(
    ("model", "phases", "expected"),
    [
        (DeviceModel.IOS, (0, 2), 1),
        (DeviceModel.IOS, (2, 4), 10),
        (DeviceModel.WEB, (0, 2), 1),
        (DeviceModel.WEB, (2, 4), 1),
    ],
)
def test_a_burst_costs_what_the_design_says(
    burst: Recorded, model: DeviceModel, phases: tuple[int, int], expected: int
) -> None:
    """Ten updates of one job: one refresh. Of ten jobs: ten on ios, which refreshes per entity, and one on the web."""
    counts = refreshes(History.read(burst.directory), model, phases)

    assert set(counts.values()) == {expected}
    assert len(counts) == 5


def test_the_burst_passes(burst: Recorded) -> None:
    """And counts its twenty updates."""
    document: Any = burst.json("metrics.json")

    assert burst.exit_code == 0, burst.text
    assert document["mutations"]["acked"] == 20
