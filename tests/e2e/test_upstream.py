"""What goes wrong before the push, in whole runs: told too early, beyond the limit, to nobody, and what was merged."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import Recorded, StartCommand

FAILURES = 3
NO_CONTROL = {"subscribers__control": 0}


def settings(**values: object) -> list[str]:
    """Return options that set keys of the scenario; `__` stands for a dot."""
    return [part for key, value in values.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]


def carry_out(start: StartCommand, scenario: Path, directory: Path, *options: str) -> Recorded:
    """Run the scenario without its gates."""
    with start("run", scenario, "--set", "gates=[]", *options, "--out", directory) as command:
        code = command.wait_end()
        return Recorded(directory=directory, exit_code=code, text=command.text)


@pytest.fixture(scope="module")
def as_built(start: StartCommand, short_scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return a run of today's code that scores slowly, has a low limit, and fails to store a few events."""
    options = settings(
        target__as_built="true",
        target__upstream_latency_ms=20,
        target__events_per_minute=5,
        organizations__count=4,
        subscribers__debounce_ms=0,
        mutators__risk_factors=1,
        **NO_CONTROL,
        faults=f'[{{at_s = 2, kind = "emission_fails", count = {FAILURES}}}]',
    )
    return carry_out(start, short_scenario, tmp_path_factory.mktemp("as-built") / "run", *options)


def test_as_built_every_event_comes_before_its_jobs_score(as_built: Recorded) -> None:
    """And devices that ask again at once show jobs without their score."""
    assert as_built.exit_code == 0, as_built.text
    upstream = as_built.json("metrics.json")["upstream"]

    assert upstream["created_with_score"] > 0
    assert upstream["created_before_score"] == upstream["created_with_score"]
    assert 0 < upstream["screens_without_score"] <= upstream["screens_with_new_job"]
    assert upstream["before_commit"] == 0


def test_events_beyond_the_limit_are_stored_with_a_label(as_built: Recorded) -> None:
    """Five of each of the four organizations come before it, in the warm-up or in what is measured."""
    mutations = as_built.json("metrics.json")["mutations"]

    assert mutations["acked"] - FAILURES - 4 * 5 <= mutations["beyond_limit"] <= mutations["acked"] - FAILURES
    assert mutations["coalesced"] == 0


def test_silent_failures_are_those_that_were_planted(as_built: Recorded) -> None:
    """One by one, by their request ids."""
    metrics = as_built.json("metrics.json")
    planted = {detail["request_id"] for fault in as_built.json("faults.json")["faults"] for detail in fault["details"]}
    named = {failure["request_id"]: failure for failure in metrics["upstream"]["silent"]}

    assert metrics["mutations"]["without_event"] == FAILURES
    assert set(named) == planted
    assert len(planted) == FAILURES


def test_the_report_names_them_and_describes_the_target(as_built: Recorded) -> None:
    """Whoever reads it knows what the run was made against."""
    page = (as_built.directory / "report.html").read_text(encoding="utf-8")
    silent = as_built.json("metrics.json")["upstream"]["silent"]

    assert as_built.json("manifest.json")["target"]["as_built"] is True
    assert "as built: today" in page
    assert "events beyond 5 a minute" in page.replace("&#39;", "'")
    assert all(failure["request_id"] in page for failure in silent)


def test_flags_reach_every_phone_of_the_organization(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """Each of the iOS subscribers has one registered, and the author of the flag has none."""
    options = settings(
        target__push_notifications="true", phases__1__mix="{flag = 1}", phases__1__duration_s=2, **NO_CONTROL
    )
    run = carry_out(start, short_scenario, tmp_path / "run", "--no-report", *options)

    assert run.exit_code == 0, run.text
    told: Any = run.json("metrics.json")["notifications"]
    assert told["due"] == told["delivered"] > 0
    assert told["delivered_ms"]["max"] > 0


@pytest.mark.slow
def test_what_was_merged_is_no_failure(start: StartCommand, short_scenario: Path, tmp_path: Path) -> None:
    """Each mutation has an event, or one of a later one stands for it, or nobody was told of it: a planted failure."""
    options = settings(
        target__event_limit="coalesce",
        target__events_per_minute=5,
        organizations__count=2,
        **NO_CONTROL,
        phases__0__duration_s=1,
        phases__0__mutations_per_s=0,
        phases__1__mix="{update = 3, document = 1}",
        faults=f'[{{at_s = 2, kind = "emission_fails", count = {FAILURES}}}]',
    )
    run = carry_out(start, short_scenario, tmp_path / "run", "--no-report", *options)

    assert run.exit_code == 0, run.text
    metrics = run.json("metrics.json")
    mutations, events = metrics["mutations"], metrics["upstream"]["announced_ms"]["n"]
    planted = {detail["request_id"] for fault in run.json("faults.json")["faults"] for detail in fault["details"]}
    assert mutations["coalesced"] > 0, (mutations, metrics["upstream"])
    assert mutations["without_event"] >= FAILURES  # a failed one may have stood for others
    assert events + mutations["coalesced"] + mutations["without_event"] == mutations["acked"]
    assert planted <= {failure["request_id"] for failure in metrics["upstream"]["silent"]}
