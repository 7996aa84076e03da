"""One recorded run under many refresh policies: what each would have cost in requests, and how stale screens were.

Two engines, one answer. Where a flush knows nothing of another flush, compiled loops go through the columns of a part:
`schedule` says when flushes come, `carried_out` what they fetch, `tally` what that showed when. Where a device's
fetches depend on one another (a hybrid's single flight), each lifetime goes through the clients' own state machines.
Policies that differ in nothing but their coalescing flush at the same moments, and share that work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.analysis.devices import SUBSCRIBER
from loadtests.analysis.laboratory.arrivals import Part
from loadtests.analysis.laboratory.carried_out import Requests, kinds_of
from loadtests.analysis.laboratory.durations import read_durations
from loadtests.analysis.laboratory.engines import Engines
from loadtests.analysis.laboratory.outcome import Outcome
from loadtests.analysis.laboratory.policy_grid import Choice
from loadtests.analysis.laboratory.schedule import Schedule
from loadtests.analysis.laboratory.tallies import Setting, Tallies
from loadtests.analysis.laboratory.traces import Traces
from loadtests.analysis.reconstruction import Reconstruction
from loadtests.analysis.stamps import NEVER, NS_PER_S
from loadtests.clients.models import ClientModel
from loadtests.clients.requests import Cause


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A run that can be lived again."""

    setting: Setting
    engines: Engines
    may_be_fast: bool = True
    """Whether loops over columns do what they can; without them everything goes through the state machines."""

    def replay(self, choice: Choice) -> Outcome:
        """Return what a policy would have made of the run."""
        (outcome,) = self.replay_together([choice])
        return outcome

    def replay_together(self, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
        """Return the same for policies that all flush at the same moments (`moments_of`)."""
        engines = self.engines
        told = [Tallies(self.setting, engines.traces.arrivals, choice.name) for choice in choices]
        for model, part in engines.parts():
            flushes: Schedule | None = None
            for choice, tallies in zip(choices, told, strict=True):
                policy = choice.policies[model]
                if self.may_be_fast and engines.is_fast(model):
                    flushes = flushes or engines.flushes(part, policy)
                    requests, suppressed = engines.by_columns(part, flushes, policy, model), flushes.suppressed
                else:
                    lived = engines.by_machines(part, policy, model)
                    requests, suppressed = lived.requests, lived.suppressed
                tallies.add(part, requests, model=model, suppressed=suppressed)
        return tuple(tallies.outcome() for tallies in told)

    def measure(self, name: str, requests: Callable[[Part], Requests]) -> Outcome:
        """Return what given requests came to, measured as the replays are."""
        tallies = Tallies(self.setting, self.engines.traces.arrivals, name)
        for model, part in self.engines.parts():
            tallies.add(part, requests(part), model=model, suppressed=0)
        return tallies.outcome()

    def prepare(self) -> None:
        """Work out what all policies share, before processes part ways."""
        self.engines.prepare()


def moments_of(choice: Choice) -> object:
    """Return what decides when a policy flushes: all but how it coalesces. Equal: they share that work."""
    return tuple(
        (model, policy.edge, policy.window_ns, policy.max_wait_ns, policy.jitter_ns)
        for model, policy in sorted(choice.policies.items())
    )


def laboratory_of(
    run: Reconstruction, traces: Traces, models: Mapping[int, ClientModel], *, seed: int, may_be_fast: bool = True
) -> Laboratory:
    """Return what replays a run.

    Raises:
        ReplayError: no subscriber was ever answered.

    """
    window, presence = run.window, run.presence
    among = run.devices.cohort == SUBSCRIBER
    asked = traces.asked
    setting = Setting(
        window=window,
        minutes=presence.lifetimes.device_ns(window.start_ns, window.end_ns, among) / (60 * NS_PER_S),
        looked_ns=presence.foreground.device_ns(window.start_ns, window.end_ns, among),
        events=len(np.unique(run.signals.name[asked[window.holds(run.signals.received_ns[asked])]])),
        look_begin_ns=presence.foreground.begin_ns,
        durations=read_durations(run, seed),
    )
    return Laboratory(setting, Engines(traces, models, setting.durations, seed), may_be_fast)


def recorded(run: Reconstruction, laboratory: Laboratory) -> Outcome:
    """Return the recorded run, measured as the replays are."""
    traces = laboratory.engines.traces
    requests, lifetimes, arrivals = run.screens.requests, run.presence.lifetimes, traces.arrivals
    rows = np.flatnonzero(run.devices.cohort[requests.device] == SUBSCRIBER)
    lifetime = lifetimes.at(requests.device[rows], requests.requested_ns[rows])
    place_of = np.full(len(lifetimes.device), -1, dtype=np.int64)
    place_of[arrivals.lifetime] = np.arange(len(arrivals.lifetime))
    rows, place = rows[lifetime >= 0], place_of[lifetime[lifetime >= 0]]
    order = np.argsort(place, kind="stable")
    rows, place = rows[order], place[order]

    def of_part(part: Part) -> Requests:
        begin, end = np.searchsorted(place, [part.lifetimes.start, part.lifetimes.stop])
        row, owner = rows[begin:end], place[begin:end] - part.lifetimes.start
        key = traces.key_of_name[requests.key[row]]
        return Requests(
            owner=owner,
            kind=kinds_of(arrivals.key_of[part.lifetimes][owner], key),
            is_flush=(requests.cause[row] == Cause.FLUSH).astype(np.uint8),
            started_ns=requests.requested_ns[row],
            answered_ns=np.where(requests.is_seen[row], requests.answered_ns[row], NEVER),
        )

    return laboratory.measure("recorded", of_part)
