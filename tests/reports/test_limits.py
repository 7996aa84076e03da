"""What a run does not show is said of what was measured, not of what was planned."""

from dataclasses import replace
from typing import Any

from reports.input import ReportInput
from reports.limits import limits
from tests.reports.runs import scenario_of


def changed(run: ReportInput, part: str, **values: Any) -> ReportInput:
    """Return the run with some numbers of one part of its metrics replaced."""
    document = dict(run.results.metrics)
    document[part] = {**document[part], **values}
    return replace(run, results=replace(run.results, metrics=document))


def test_a_measurement_that_was_cut_short_is_as_long_as_it_was(full_run: ReportInput) -> None:
    """Not as long as the scenario meant it to be."""
    told = limits(changed(full_run, "population", duration_s=7.5))

    assert any("lasted 7.50 s" in sentence.replace("\u00a0", " ") for sentence in told)


def test_mutations_that_were_never_sent_are_said(full_run: ReportInput) -> None:
    """The load was lighter than the scenario asked for."""
    told = limits(changed(full_run, "mutations", due=77, unsent=55))

    assert any("Of 77 mutations that were due, 55 were never sent" in text.replace("\u00a0", " ") for text in told)
    assert not any("never sent" in text for text in limits(full_run))


def test_sessions_that_ended_are_said_and_renewed_ones_are_tokens_that_expired(full_run: ReportInput) -> None:
    """What was missed then comes of that; a run that tells of no sessions has neither."""
    document = {**full_run.results.metrics, "sessions": {"renewed": 7, "over": 2}}
    told = limits(replace(full_run, results=replace(full_run.results, metrics=document)))

    assert any(text.replace("\u00a0", " ").startswith("2 sessions ended in the run, because") for text in told)
    assert any("this run had" in text and "expiring tokens" in text for text in told)
    assert not any("sessions ended" in text for text in limits(full_run))


def about_devices(run: ReportInput, *, lost: int = 0, **scenario: Any) -> str:
    """Return the sentences about time and devices, of a run of another scenario."""
    told = limits(replace(changed(run, "connections", lost=lost), scenario=scenario_of(**scenario)))
    return " ".join(told).replace("\u00a0", " ")


STAYED = "Devices stayed in the foreground and online"


def test_devices_that_did_nothing_are_said_to_have_stayed(full_run: ReportInput) -> None:
    """Nothing is known about sleep or lost networks."""
    assert STAYED in about_devices(full_run)


def test_what_devices_went_through_is_said_and_what_they_did_not(full_run: ReportInput) -> None:
    """Steps, faults and lost connections, each once."""
    told = about_devices(
        full_run,
        lost=3,
        lifecycle=[{"at_s": 10, "step": "background"}, {"at_s": 20, "step": "foreground"}],
        faults=[{"at_s": 20, "kind": "kill", "part": "realtime"}],
    )

    assert STAYED not in told
    assert "had people who look away and come back, lost connections and planted faults;" in told
    assert (
        "says nothing of people who log in or out, apps that are killed, people who switch organizations or expiring"
        in told
    )


def test_tokens_that_expired_were_not_too_short_a_measurement(full_run: ReportInput) -> None:
    """By default they last a week; here 30 s."""
    short = {"count": 200, "connection": {"token_lifetime_s": 30, "renewal_margin_s": 5}}

    assert "too short to show leaks of memory, drift, retention or token expiry." in about_devices(full_run)
    assert "too short to show leaks of memory, drift or retention." in about_devices(full_run, subscribers=short)
    assert "this run had expiring tokens;" in about_devices(full_run, subscribers=short)


def test_events_that_were_removed_are_no_limit(full_run: ReportInput) -> None:
    """Kept for 30 s and cleaned every 5 s, in a measurement of 45 s."""
    told = about_devices(full_run, target={"retention_s": 30, "retention_every_s": 5})

    assert "too short to show leaks of memory, drift or token expiry." in told


def test_a_step_that_the_run_did_not_reach_did_not_happen(full_run: ReportInput) -> None:
    """Stopped 7.5 s into the measurement, after 5 s of warm-up."""
    cut_short = changed(full_run, "population", duration_s=7.5)
    told = about_devices(cut_short, lifecycle=[{"at_s": 20, "step": "switch"}])

    assert STAYED in told
    assert "this run had people who switch" in about_devices(full_run, lifecycle=[{"at_s": 20, "step": "switch"}])
