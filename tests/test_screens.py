"""What a person sees while a run lives."""

from io import StringIO

import pytest
from rich.console import Console

from loadtests.runner.progress import Progress, Step
from loadtests.screens import LiveScreen, PlainScreen, describe, screen_for

LOAD = Progress(
    step=Step.LOAD,
    phase="steady",
    elapsed_s=12,
    total_s=61,
    subscribers=200,
    live=199,
    acked=120,
    failed=1,
    errors=2,
    mutations_per_s=10.04,
    signals_per_s=51,
    visibility_ms_p95=812.4,
)


def console(*, terminal: bool) -> Console:
    """Return a console that writes into a text."""
    return Console(file=StringIO(), force_terminal=terminal, width=120)


def written(output: Console) -> str:
    """Return what was written to a console."""
    assert isinstance(output.file, StringIO)
    return output.file.getvalue()


def test_the_load_is_told_in_one_line() -> None:
    """Time left, and the numbers that matter."""
    assert describe(LOAD) == (
        "load 'steady': 49 s left, mutations/s 10.0, live 199 of 200, signals/s 51.0, "
        "visibility p95 so far 812 ms, errors 3"
    )


def test_what_is_not_known_yet_is_a_dash() -> None:
    """Never a zero that was not measured."""
    assert "visibility p95 so far —" in describe(Progress(step=Step.LOAD, phase="steady"))


def test_mutations_that_wait_are_mentioned_when_there_are_any() -> None:
    """That is the target being slow, or too few mutators."""
    assert "waiting for a mutator 7" in describe(Progress(step=Step.LOAD, phase="steady", waiting=7))
    assert "waiting" not in describe(LOAD)


def test_time_left_is_never_negative() -> None:
    """The last answers may take longer than the schedule."""
    assert "0 s left" in describe(Progress(step=Step.DRAIN, elapsed_s=70, total_s=61))


@pytest.mark.parametrize("step", Step)
def test_every_step_has_a_line(step: Step) -> None:
    """It begins with the step's name."""
    assert describe(Progress(step=step)).startswith(step.value)


def test_connecting_counts_devices() -> None:
    """How many of how many."""
    assert describe(Progress(step=Step.CONNECTING, live=1500, subscribers=5000)) == (
        "connecting devices: 1,500 of 5,000 live"
    )


def test_a_file_gets_a_line_when_the_step_changes() -> None:
    """And not ten a second."""
    output = console(terminal=False)
    screen = screen_for(output)
    for step in (Step.STARTING, Step.STARTING, Step.CONNECTING, Step.LOAD, Step.LOAD):
        screen.show(Progress(step=step))
    screen.close()

    assert isinstance(screen, PlainScreen)
    assert len(written(output).splitlines()) == 3


def test_a_terminal_gets_a_panel_that_goes_away() -> None:
    """It is drawn in place."""
    output = console(terminal=True)
    screen = screen_for(output)
    for progress in (Progress(step=Step.CONNECTING), LOAD):
        screen.show(progress)
    screen.close()

    assert isinstance(screen, LiveScreen)
    assert "steady" in written(output)
    assert "49 s left" in written(output)
