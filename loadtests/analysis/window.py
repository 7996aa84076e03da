"""The measurement window: which part of the run counts, [start, end) in the run's clock."""

from dataclasses import dataclass

from loadtests.analysis.stamps import NS_PER_S, Bools, Ints
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.scenario.model import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From the first phase that is no warm-up to the end of the last phase, or of the load if that came earlier."""

    load_ns: int
    """Where the load began, warm-up included."""
    start_ns: int
    end_ns: int

    @property
    def duration_s(self) -> float:
        """Length of the measurement."""
        return (self.end_ns - self.start_ns) / NS_PER_S

    def holds(self, at_ns: Ints) -> Bools:
        """Return which stamps lie in the window."""
        return (at_ns >= self.start_ns) & (at_ns < self.end_ns)


def measurement_window(history: History, scenario: Scenario) -> Window:
    """Return the window; it is empty when the measured phases never began."""
    phases = history.of(Kind.PHASE)
    measured = phases[phases["revision"] == 0]
    if not len(measured):
        begin_ns = int(phases["at_ns"][0]) if len(phases) else 0
        return Window(load_ns=begin_ns, start_ns=begin_ns, end_ns=begin_ns)
    start_ns = int(measured["at_ns"][0])
    planned_s = sum(phase.duration_s for phase in scenario.phases if not phase.warm_up)
    ended = history.of(Kind.ENDED)["at_ns"]
    # Without ENDED the runner itself was killed: what the drivers wrote last is where the record ends.
    last_ns = int(ended[0]) if len(ended) else int(history.rows["at_ns"][-1]) + 1
    end_ns = min(start_ns + round(planned_s * NS_PER_S), last_ns)
    return Window(load_ns=int(phases["at_ns"][0]), start_ns=start_ns, end_ns=max(start_ns, end_ns))
