"""A run reconstructed from its history: who was there, what was done, what was received, what was seen.

Everything that the numbers are computed from, and nothing that is a number yet.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.answers import read_bodies, read_requests
from loadtests.analysis.clock import Clock, fit_clock
from loadtests.analysis.devices import Devices, Presence, read_devices, read_presence
from loadtests.analysis.events import Events, Signals, read_events, read_signals
from loadtests.analysis.model_rules import by_model
from loadtests.analysis.mutations import Mutations, read_mutations
from loadtests.analysis.pairs import Pairs, match_pairs
from loadtests.analysis.removals import read_removals
from loadtests.analysis.scope import TrueJobs, page_times, read_true_jobs
from loadtests.analysis.screens import Screens
from loadtests.analysis.sightings import follow_views
from loadtests.analysis.stamps import NS_PER_MS, Ints
from loadtests.analysis.window import Window, measurement_window
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """One run."""

    population: Population
    window: Window
    clock: Clock
    devices: Devices
    presence: Presence
    mutations: Mutations
    events: Events
    signals: Signals
    flushed_ns: Ints
    """When debounce windows ended."""
    screens: Screens
    jobs: TrueJobs
    pairs: Pairs

    @property
    def truth_is_read(self) -> bool:
        """Whether the truth was read to its end: jobs come last, and there are some if anything was done."""
        return len(self.jobs) > 0 or not self.mutations.is_done.any()


def reconstruct(history: History, scenario: Scenario, population: Population) -> Reconstruction:
    """Return what happened in a run."""
    names = {name: number for number, name in enumerate(history.names)}
    window = measurement_window(history, scenario)
    clock = fit_clock(history)
    devices = read_devices(population, names)
    mutations = read_mutations(history, clock, window)
    events = read_events(history, clock, mutations, window)
    jobs = read_true_jobs(history, clock, mutations)
    bodies = read_bodies(history)
    presence = read_presence(history)
    discards = by_model(devices, lambda model: model.discards_overtaken) > 0
    requests = read_requests(history, bodies, names, presence.lifetimes, discards=discards)
    removals = read_removals(requests, bodies, jobs, devices, names=len(names))
    screens = Screens(
        devices=devices,
        presence=presence,
        requests=requests,
        bodies=bodies,
        removals=removals,
        sightings=follow_views(removals, jobs.job[jobs.is_archived]),
        pages=page_times(jobs),
    )
    return Reconstruction(
        population=population,
        window=window,
        clock=clock,
        devices=devices,
        presence=presence,
        mutations=mutations,
        events=events,
        signals=read_signals(history, events),
        flushed_ns=history.of(Kind.FLUSH)["at_ns"].astype(np.int64),
        screens=screens,
        jobs=jobs,
        pairs=match_pairs(mutations, screens, deadline_ns=scenario.deadline_ms * NS_PER_MS),
    )
