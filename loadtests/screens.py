"""Where progress is shown: a live panel at a terminal, plain lines in a file or a CI log."""

import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtests.runner.progress import Progress, Step

_PLAIN_EVERY_S = 5.0
_REFRESH_PER_S = 4


class PlainScreen:
    """A line when something changes, and one every five seconds while it does not."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step: Step | None = None
        self._shown_s = 0.0

    def show(self, progress: Progress) -> None:
        """Print a line if one is due."""
        now_s = time.monotonic()
        if progress.step is self._step and now_s - self._shown_s < _PLAIN_EVERY_S:
            return
        self._step = progress.step
        self._shown_s = now_s
        self._console.print(describe(progress), highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing is left open."""


class LiveScreen:
    """A panel that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=_REFRESH_PER_S, transient=True)
        self._live.start()

    def show(self, progress: Progress) -> None:
        """Redraw, at most some times a second."""
        self._live.update(_panel(progress))

    def close(self) -> None:
        """Take the panel away."""
        self._live.stop()


def screen_for(console: Console) -> PlainScreen | LiveScreen:
    """Return the screen that suits what `console` writes to."""
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)


def describe(progress: Progress) -> str:
    """Return one line: the step and the numbers that matter in it."""
    match progress.step:
        case Step.CONNECTING:
            return f"{progress.step.value}: {progress.live:,} of {progress.subscribers:,} live"
        case Step.LOAD | Step.DRAIN:
            label = f"{progress.step.value} '{progress.phase}'" if progress.phase else progress.step.value
            return f"{label}: {_time_left(progress)}, " + ", ".join(
                f"{name} {value}" for name, value in _facts(progress)
            )
        case _:
            return f"{progress.step.value} …"


def _time_left(progress: Progress) -> str:
    return f"{max(0.0, progress.total_s - progress.elapsed_s):.0f} s left"


def _facts(progress: Progress) -> list[tuple[str, str]]:
    p95 = "—" if progress.visibility_ms_p95 is None else f"{progress.visibility_ms_p95:,.0f} ms"
    facts = [
        ("mutations/s", f"{progress.mutations_per_s:,.1f}"),
        ("live", f"{progress.live:,} of {progress.subscribers:,}"),
        ("signals/s", f"{progress.signals_per_s:,.1f}"),
        ("visibility p95 so far", p95),
        ("errors", f"{progress.failed + progress.errors:,}"),
    ]
    if progress.waiting:
        facts.append(("waiting for a mutator", f"{progress.waiting:,}"))
    return facts


def _panel(progress: Progress) -> Group:
    if progress.step not in {Step.LOAD, Step.DRAIN}:
        return Group(Text(f"  {describe(progress)}", style="dim"))
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(f"  {progress.phase or progress.step.value}", style="bold"),
        ProgressBar(total=progress.total_s, completed=progress.elapsed_s, width=36),
        Text(_time_left(progress), style="dim"),
    )
    facts = Table.grid(padding=(0, 3))
    facts.add_row(*(Text(f"  {name}", style="dim") for name, _ in _facts(progress)))
    facts.add_row(*(Text(f"  {value}", style="bold") for _, value in _facts(progress)))
    return Group(bar, facts)
