"""Which routes a run will use, and how each is tried."""

from typing import Any

from loadtests.clients.requests import KeyKind
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.scenario.vocabulary import MutationKind
from loadtests.targets.routes_in_use import Use, requests_of, use_of


def used_by(subscribers: dict[str, Any], **mix: float) -> Use:
    """Return what a scenario with these subscribers and this mix uses."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "Which routes?",
            "organizations": {"count": 1, "jobs": 3},
            "subscribers": {"count": 4, **subscribers},
            "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1, "mix": mix}],
        }
    )
    return use_of(Population(scenario, seed=1, run_id="run"))


def test_what_no_device_opens_and_no_phase_does_is_not_asked_of_a_target() -> None:
    """Phones that list jobs, and a load of creations: the probe has tried both already."""
    assert used_by({"ios": 1, "web": 0}, create=1, flag=0) == Use()


def test_what_devices_have_open_is_read_and_what_phases_do_is_done() -> None:
    """A job in detail with its documents, and the audit feed."""
    web = {"ios": 0, "web": 1, "web_open_job": 1, "web_open_audit": 1}

    assert used_by(web, update=1, archive=2) == Use(
        reads=frozenset({KeyKind.JOB, KeyKind.DOCUMENTS, KeyKind.AUDIT}),
        mutations=frozenset({MutationKind.UPDATE, MutationKind.ARCHIVE}),
    )


def test_the_archive_comes_last_since_nothing_can_be_done_after_it() -> None:
    """Changes by the author, then what readers ask for."""
    everything = Use(
        reads=frozenset({KeyKind.JOB, KeyKind.DOCUMENTS, KeyKind.AUDIT}),
        mutations=frozenset(MutationKind) - {MutationKind.CREATE},
    )

    assert {asked.path.split("/")[3] for asked in requests_of(everything, "WO 12/7") if "jobs" in asked.path} == {
        "WO%2012%2F7"
    }
    assert [(asked.method, asked.path, asked.by_author, asked.list_of) for asked in requests_of(everything, "j")] == [
        ("PATCH", "/api/jobs/j", True, ""),
        ("PATCH", "/api/jobs/j/flag", True, ""),
        ("POST", "/api/jobs/j/documents", True, ""),
        ("GET", "/api/jobs/j", False, ""),
        ("GET", "/api/jobs/j/documents", False, "documents"),
        ("GET", "/api/audit/events?limit=50", False, "audit"),
        ("POST", "/api/jobs/j/archive", True, ""),
    ]
