"""How many requests devices make because of what happens: for each signal, and at logins, returns and polls.

Pure, and at most: what debouncing, deduplication and people who look away save is a run's to find out.
"""

from collections import Counter
from collections.abc import Sequence

from loadtests.checks.presence import Stint
from loadtests.clients.models import ClientModel, Screen
from loadtests.clients.roles import home_screen, models_of
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.model import Phase
from loadtests.scenario.population import Device, Population
from loadtests.scenario.vocabulary import MutationKind


def share_of(phase: Phase, *kinds: MutationKind) -> float:
    """Return which share of a phase's mutations is of these kinds."""
    total = sum(phase.mix.values())
    return sum(phase.mix.get(kind.name.lower(), 0.0) for kind in kinds) / total


def keys_per_signal(population: Population, phase: Phase) -> float:
    """Return how many keys one signal asks to fetch, over models, open screens and kinds of mutation."""
    uploads = share_of(phase, MutationKind.DOCUMENT)
    models = models_of(population.scenario)
    jobs = max(1, population.scenario.organizations.jobs)
    alike = Counter(map(_likeness, population.subscribers))
    seen = {_likeness(role): role for role in population.subscribers}
    keys = sum(
        count
        * _keys(models[seen[each].model], home_screen(seen[each], models[seen[each].model], population), uploads, jobs)
        for each, count in alike.items()
    )
    return keys / max(1, len(population.subscribers))


def _likeness(role: Device) -> tuple[int, bool, bool]:
    """Return what decides how many keys a device fetches: devices by the thousand are of a few kinds."""
    return role.model, role.open_job is not None, role.open_audit


def _keys(model: ClientModel, screen: Screen, uploads: float, jobs: int) -> float:
    told = {
        hits: len(model.affected(Signal(subject=Subject.JOB, is_upload=False, entity="job", entity_id=hits), screen))
        for hits in {screen.open_job_id, "another"}
    }
    upload = Signal(subject=Subject.EVIDENCE, is_upload=True, entity="evidence", entity_id="another")
    of_job = told["another"] + (told[screen.open_job_id] - told["another"]) / jobs
    return (1 - uploads) * of_job + uploads * len(model.affected(upload, screen))


def fetched_apart_from_signals(population: Population, lives: Sequence[Stint]) -> float:
    """Return the re-fetches of logins and returns, of pollers, and of the safety net."""
    scenario = population.scenario
    models = models_of(scenario)
    length_s = scenario.duration_s + scenario.effective_drain_s
    fetched = 0.0
    open_keys: dict[tuple[int, bool, bool], int] = {}
    for life in lives:
        role = population.subscribers[life.subscriber]
        model, likeness = models[role.model], _likeness(role)
        if likeness not in open_keys:
            open_keys[likeness] = len(home_screen(role, model, population).everything)
        fetched += open_keys[likeness]
        if model.habits.safety_poll_ns is not None:
            fetched += (life.end_s - max(0.0, life.begin_s)) * 1e9 / model.habits.safety_poll_ns
    return fetched + sum(1 + length_s / role.interval_s for role in population.pollers)
