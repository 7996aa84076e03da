"""Signals and a driver that looks when it is due, for the tests of gathering."""

from itertools import count

from loadtests.clients.gathering import Flush, Gatherer, Keys
from loadtests.clients.policy import RefreshPolicy
from loadtests.clients.requests import RequestKey
from loadtests.clients.signals import Signal, Subject

MS = 1_000_000
WINDOW_NS = 500 * MS
LIST = RequestKey.job_list(limit=25)
NO_KEYS: Keys = ()


def job(number: int) -> Signal:
    """Return a signal about a job."""
    return Signal(subject=Subject.JOB, is_upload=False, entity=f"job:j{number}", entity_id=f"j{number}")


def detail(number: int) -> RequestKey:
    """Return the request key of a job in detail."""
    return RequestKey.job(f"j{number}")


Step = tuple[int, Signal, Keys]
"""When a signal comes, and what it asks for."""


def replay(
    policy: RefreshPolicy, history: list[Step], *, chance: float = 0.0
) -> tuple[list[int], list[tuple[int, Flush]]]:
    """Return what each signal was answered, and each flush with its time, when the driver always comes in time."""
    gatherer = Gatherer(policy, count(1), lambda: chance)
    answers: list[int] = []
    flushes: list[tuple[int, Flush]] = []

    def flush_until(now_ns: int | None) -> None:
        while (due_ns := gatherer.due_ns()) is not None and (now_ns is None or due_ns <= now_ns):
            flush = gatherer.take(due_ns)
            assert flush is not None
            flushes.append((due_ns, flush))

    for at_ns, signal, keys in history:
        flush_until(at_ns)
        answers.append(gatherer.signal(signal, keys, at_ns))
        flush_until(at_ns)
    flush_until(None)
    return answers, flushes


def jobs_at(*times_ms: int) -> list[Step]:
    """Return signals about one job that ask for the list, at these times."""
    return [(at_ms * MS, job(1), (LIST,)) for at_ms in times_ms]


def flushed_ms(policy: RefreshPolicy, history: list[Step], *, chance: float = 0.0) -> list[tuple[int, int]]:
    """Return each flush as its time in ms and its number of signals."""
    return [(at_ns // MS, flush.signals) for at_ns, flush in replay(policy, history, chance=chance)[1]]
