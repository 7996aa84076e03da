"""CPU per signal of the device models alone: what it asks for, gathering it, and its share of flush and fetches.

No socket, no ledger, no timer: Poisson events of one organization, each to all devices, in simulated time; every
fetch is answered at once. Run as a script: `python tests/benchmarks/bench_devices.py [--devices N] [--events N]`.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from time import process_time_ns

import numpy as np

from loadtests.clients.fetching import FetchDesk, Wanted
from loadtests.clients.gathering import Gatherer
from loadtests.clients.models import ClientModel, Screen, client_model
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.vocabulary import PUSHED_MODELS

TARGET_US = 2.0
TRAILING_TARGET_US = 1.0
WINDOW_NS = 500_000_000
JOBS = 15
ROUNDS = 3
RATES_PER_S = (1.0, 5.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one signal costs."""

    model: str
    rate_per_s: float
    signal_us: float
    """`affected` and `Gatherer.signal`."""
    all_us: float
    """And the share of `take`, `want` and `answered`."""
    fetches_per_signal: float


def main(arguments: Sequence[str]) -> int:
    """Print one line for each model and rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--events", type=int, default=400)
    given = parser.parse_args(arguments)
    print(f"{'model':<14}{'events/s':>9}{'signal µs':>11}{'all µs':>9}{'fetches/signal':>16}")
    for model in PUSHED_MODELS:
        for rate_per_s in RATES_PER_S:
            cost = measure(client_model(model, window_ns=WINDOW_NS), rate_per_s, given.devices, given.events)
            print(
                f"{cost.model:<14}{cost.rate_per_s:>9g}{cost.signal_us:>11.2f}{cost.all_us:>9.2f}"
                f"{cost.fetches_per_signal:>16.2f}{'' if cost.all_us <= TARGET_US else '  above the target'}"
            )
    print(f"targets: signal {TRAILING_TARGET_US:g} µs (trailing), all {TARGET_US:g} µs")
    return 0


def measure(model: ClientModel, rate_per_s: float, devices: int, events: int) -> Cost:
    """Return the least of some rounds: everything else that runs on the machine only adds."""
    stream = poisson(rate_per_s, events)
    signals = devices * events
    gathering_ns = min(gather(crowd(model, devices), model, stream) for _ in range(ROUNDS))
    whole = min(act(crowd(model, devices), model, stream) for _ in range(ROUNDS))
    return Cost(
        model=model.name,
        rate_per_s=rate_per_s,
        signal_us=gathering_ns / signals / 1e3,
        all_us=whole[0] / signals / 1e3,
        fetches_per_signal=whole[1] / signals,
    )


Crowd = list[tuple[Gatherer, FetchDesk, Screen]]
Stream = list[tuple[int, Signal]]


def crowd(model: ClientModel, devices: int) -> Crowd:
    """Return devices, a quarter of them with a job open, a tenth with the audit feed, as in a scenario."""
    batches, chance = count(1), np.random.default_rng(1)
    screens = [model.screen(open_job_id=f"j{index % JOBS}", open_audit=index % 10 == 0) for index in range(devices)]
    closed = model.screen()
    return [
        (
            Gatherer(model.policy, batches, chance.random),
            FetchDesk(model.discipline),
            screen if index % 4 == 0 else closed,
        )
        for index, screen in enumerate(screens)
    ]


def poisson(rate_per_s: float, events: int) -> Stream:
    """Return events of the default mix, roughly: six of seven about jobs, one an upload."""
    random = np.random.default_rng(2)
    now_ns, stream = 0, []
    for number in range(events):
        now_ns += round(random.exponential(1e9 / rate_per_s))
        if random.random() < 1 / 7:
            upload = Signal(
                subject=Subject.EVIDENCE, is_upload=True, entity=f"evidence:d{number}", entity_id=f"d{number}"
            )
            stream.append((now_ns, upload))
        else:
            job = f"j{random.integers(JOBS)}"
            stream.append((now_ns, Signal(subject=Subject.JOB, is_upload=False, entity=f"job:{job}", entity_id=job)))
    return stream


def gather(devices: Crowd, model: ClientModel, stream: Stream) -> int:
    """Return the CPU time of receiving alone; nothing is ever taken."""
    affected = model.affected
    began_ns = process_time_ns()
    for now_ns, signal in stream:
        for gatherer, _, screen in devices:
            gatherer.signal(signal, affected(signal, screen), now_ns)
    return process_time_ns() - began_ns


def act(devices: Crowd, model: ClientModel, stream: Stream) -> tuple[int, int]:
    """Return the CPU time of everything, and the number of fetches."""
    affected = model.affected
    fetches = 0
    began_ns = process_time_ns()
    for now_ns, signal in stream:
        for gatherer, desk, screen in devices:
            due_ns = gatherer.due_ns()
            if due_ns is not None and due_ns <= now_ns:
                fetches += flush(gatherer, desk, due_ns)
            gatherer.signal(signal, affected(signal, screen), now_ns)
    return process_time_ns() - began_ns, fetches


def flush(gatherer: Gatherer, desk: FetchDesk, now_ns: int) -> int:
    """Take what is due, fetch it, and have it answered."""
    flushed = gatherer.take(now_ns)
    assert flushed is not None
    decision = desk.want(
        Wanted(cause=Cause.FLUSH, batch=flushed.batch, keys=flushed.refreshes, wanted_ns=now_ns), now_ns
    )
    under_way = list(decision.start)
    fetches = 0
    while under_way:
        fetches += 1
        under_way += desk.answered(under_way.pop(), now_ns).start
    return fetches


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
