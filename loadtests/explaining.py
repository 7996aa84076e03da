"""`loadtests explain`: from a run directory and the name of an event to what became of it."""

from pathlib import Path

from loadtests.analysis.delivery import account
from loadtests.analysis.explain import Explanation, explain_event
from loadtests.analysis.reconstruction import reconstruct
from loadtests.analysis.stamps import NS_PER_MS
from loadtests.drivers.run_input import RunInput
from loadtests.history.history import History


def explain_run(path: Path, event: str, *, subscriber: int | None) -> Explanation:
    """Return the life of an event of a recorded run.

    Raises:
        NoRunError: there is no run at `path`.
        UnknownIdError: it has no such event, or the event has no such subscriber.

    """
    intended = RunInput.read(path)
    history = History.read(path)
    run = reconstruct(history, intended.scenario, intended.population)
    deadline_ns = intended.scenario.deadline_ms * NS_PER_MS
    delivery = account(run.events, run.signals, run.mutations, run.screens, deadline_ns=deadline_ns)
    return explain_event(run, delivery, history, event, subscriber=subscriber)
