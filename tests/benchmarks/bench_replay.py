"""Time and peak memory of replaying a grid of 100 policies over 5,000 subscribers with 2,000 signals each.

And of the exact optimum. The trace is synthetic: organizations of 20, whose members see the same events some
milliseconds apart; half of them
iOS, half web with a job and the audit feed open. Half of the events come in bursts. Reading a run is not part of it.
Run as a script: `python tests/benchmarks/bench_replay.py [--subscribers N] [--signals N] [--policies N]`.
"""

import argparse
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))  # What is shared with the tests is not installed.

from loadtests.analysis.coalescing import Demands, achieved_bounds, optimum
from loadtests.analysis.laboratory.arrivals import Arrivals, bit
from loadtests.analysis.laboratory.durations import Durations
from loadtests.analysis.laboratory.engines import Engines
from loadtests.analysis.laboratory.policy_grid import grid
from loadtests.analysis.laboratory.tallies import Setting
from loadtests.analysis.laboratory.traces import Traces
from loadtests.analysis.laboratory.what_if import Laboratory
from loadtests.analysis.stamps import Ints
from loadtests.analysis.window import Window
from loadtests.clients.models import client_model
from loadtests.clients.requests import KeyKind, RequestKey
from loadtests.clients.signals import Signal, Subject
from loadtests.replaying import replay_all
from loadtests.scenario.vocabulary import PUSHED_MODELS, DeviceModel

TARGET_S, OPTIMUM_TARGET_S, TARGET_MIB = 120.0, 20.0, 2048
MEMBERS = 20
RUN_NS = 20 * 60 * 10**9
MS = 1_000_000


def main() -> None:
    """Print one line for each step; each step in a process of its own, whose memory is told."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--subscribers", type=int, default=5000)
    arguments.add_argument("--signals", type=int, default=2000)
    arguments.add_argument("--policies", type=int, default=100)
    arguments.add_argument("--step", choices=("grid", "optimum"))
    told = arguments.parse_args()
    if told.step is None:
        for step in ("grid", "optimum"):
            subprocess.run([sys.executable, *sys.argv, "--step", step], check=True)
        return
    laboratory = synthetic(told.subscribers, told.signals)
    measure = _grid if told.step == "grid" else _optimum
    memory = _Memory()
    memory.start()
    wall, began = time.perf_counter(), _cpu_s()
    target_s = measure(laboratory, told.policies)
    wall, cpu = time.perf_counter() - wall, _cpu_s() - began
    print(f"{told.step}: {wall:.1f} s wall, {cpu:.1f} s CPU (target {target_s:.0f} s on two cores), {memory.told()}")


def _grid(laboratory: Laboratory, policies: int) -> float:
    choices = grid()[1 :: 100 // policies][:policies]
    outcomes = replay_all(laboratory, choices, tell=lambda _done, _of: None)
    decisions = len(laboratory.engines.traces.arrivals) * len(choices)
    fewest, most = (f(each.refreshes for each in outcomes) for f in (min, max))
    print(f"{decisions:,} decisions, from {fewest:,} to {most:,} refreshes")
    return TARGET_S


def _optimum(laboratory: Laboratory, _policies: int) -> float:
    demands = _demands(laboratory.engines.traces.arrivals)
    print(f"optimum: {optimum(demands, achieved_bounds(demands)):,} refreshes for {len(demands.device):,} demands")
    return OPTIMUM_TARGET_S


def _demands(arrivals: Arrivals) -> Demands:
    """Return every signal and key, with waits as a debounce would give them."""
    owner = np.repeat(np.arange(len(arrivals.lifetime)), np.diff(arrivals.begin))
    rows, kinds = [], []
    for kind in KeyKind:
        asking = np.flatnonzero(arrivals.mask & bit(kind))
        rows.append(asking)
        kinds.append(np.full(len(asking), kind, dtype=np.int64))
    row, key = np.concatenate(rows), np.concatenate(kinds)
    order = np.lexsort((row, key, owner[row]))
    row, key = row[order], key[order]
    wait_ns = 500 * MS + (arrivals.at_ns[row] * 7919) % (400 * MS)
    return Demands(device=owner[row], key=key, received_ns=arrivals.at_ns[row], wait_ns=wait_ns, signal=row)


def synthetic(subscribers: int, signals: int) -> Laboratory:
    """Return what replays a trace of so many signals for each of so many subscribers."""
    chance = np.random.default_rng(1)
    lifetimes = np.arange(subscribers)
    model = np.where(lifetimes < subscribers // 2, int(DeviceModel.IOS), int(DeviceModel.WEB))
    organizations = max(subscribers // MEMBERS, 1)
    at_ns = np.sort(_committed(chance, organizations, signals), axis=1)
    job = chance.integers(0, 50, (organizations, signals), dtype=np.int32)
    is_audit = chance.random((organizations, signals)) < 0.2
    home = lifetimes % organizations
    heard_ns = at_ns[home]
    heard_ns += chance.integers(1 * MS, 12 * MS, heard_ns.shape)
    heard_ns.sort(axis=1)
    meaning = (np.arange(organizations, dtype=np.int32)[:, None] * signals + np.arange(signals, dtype=np.int32))[home]
    list_bit, job_bit, audit_bit = (np.uint8(bit(kind)) for kind in (KeyKind.JOB_LIST, KeyKind.JOB, KeyKind.AUDIT))
    mask = np.where(is_audit, audit_bit, np.where(job == 0, list_bit | job_bit, list_bit))[home]
    is_ios = model == int(DeviceModel.IOS)
    mask[is_ios] = np.where(mask[is_ios] == audit_bit, 0, list_bit)
    arrivals = Arrivals(
        lifetime=lifetimes,
        end_ns=np.full(subscribers, RUN_NS + 60 * 10**9),
        model=model,
        key_of=home[:, None] * len(KeyKind) + np.arange(len(KeyKind)),
        begin=np.arange(subscribers + 1) * signals,
        at_ns=heard_ns.ravel(),
        mask=mask.ravel().astype(np.uint8),
        meaning=meaning.ravel(),
        look=np.repeat(lifetimes.astype(np.int32), signals),
        signal=np.zeros(0, dtype=np.int64),
        entity=np.where(is_audit, np.arange(job.size).reshape(job.shape) + 10**6, job).ravel(),
        look_end_ns=np.full(subscribers, RUN_NS + 60 * 10**9),
    )
    return _laboratory(arrivals, organizations)


def _committed(chance: np.random.Generator, organizations: int, signals: int) -> Ints:
    """Return stamps of which half are spread evenly and half come in bursts of ten within a second."""
    alone = chance.integers(0, RUN_NS, (organizations, signals - signals // 2))
    begin = np.repeat(chance.integers(0, RUN_NS, (organizations, signals // 20 + 1)), 10, axis=1)[:, : signals // 2]
    return np.concatenate([alone, begin + chance.integers(0, 10**9, begin.shape)], axis=1)


def _laboratory(arrivals: Arrivals, organizations: int) -> Laboratory:
    keys = {
        RequestKey(kind, f"/{organization}/{kind}"): organization * len(KeyKind) + kind - 1
        for organization in range(organizations)
        for kind in KeyKind
    }
    meanings = (Signal(subject=Subject.JOB, is_upload=False, entity="", entity_id=None),)
    nobody = np.zeros(0, dtype=np.int64)
    traces = Traces(
        arrivals=arrivals,
        device=arrivals.lifetime,
        meanings=meanings,
        keys=keys,
        key_of_name=nobody,
        fetchings={},
        looks_away_ns={},
        nameless=0,
    )
    setting = Setting(
        window=Window(load_ns=0, start_ns=0, end_ns=RUN_NS + 60 * 10**9),
        minutes=len(arrivals.lifetime) * 20.0,
        looked_ns=len(arrivals.lifetime) * RUN_NS,
        events=1000,
        look_begin_ns=np.zeros(len(arrivals.lifetime), dtype=np.int64),
        durations=Durations({KeyKind.JOB_LIST: np.random.default_rng(2).integers(5 * MS, 80 * MS, 5000)}, 1),
    )
    models = {model: client_model(model, window_ns=500 * MS) for model in PUSHED_MODELS}
    return Laboratory(setting, Engines(traces, models, setting.durations, 1))


def _cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


class _Memory(threading.Thread):
    """Looks twice a second at what the process and its children take, what they share counted once (PSS; Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most_mib = 0.0
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(0.5):
            self.most_mib = max(self.most_mib, sum(map(_pss_mib, _family())))

    def told(self) -> str:
        """Stop looking and say what was the most."""
        self._is_over.set()
        self.join()
        return f"at most {self.most_mib:,.0f} MiB (target {TARGET_MIB:,})"


def _family() -> list[psutil.Process]:
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _pss_mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


if __name__ == "__main__":
    main()
