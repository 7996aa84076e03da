"""What a run does not show is said of what was measured, not of what was planned."""

from dataclasses import replace
from typing import Any

from reports.input import ReportInput
from reports.limits import limits


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
