"""`loadtests replay`: from a run directory to what it would have been under other refresh policies."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Final

import click
import orjson

from loadtests.analysis.laboratory.experiment import experiment
from loadtests.analysis.laboratory.outcome import Outcome
from loadtests.analysis.laboratory.policy_grid import Choice, parse_policy
from loadtests.analysis.laboratory.replay_told import Replays, json_of, lines_of
from loadtests.analysis.laboratory.what_if import Laboratory, moments_of
from loadtests.analysis.reconstruction import reconstruct
from loadtests.drivers.run_input import RunInput
from loadtests.history.history import History

_POLICY_HELP: Final = (
    "KEY=VALUE,… as in [subscribers.refresh] and window_ms, or hybrid; may be repeated [default: a grid]."
)
_WORTH_A_FORK: Final = 50_000_000
"""Decisions (signals times policies) from which on a second process pays."""
_WORKERS: Final = 2
_PATIENCE_S: Final = 2.0
"""How long nothing is said of the progress, and how often something is said after that."""


def replay_command(clear_errors: Callable[[], AbstractContextManager[None]]) -> click.Command:
    """Return the verb; `clear_errors` turns what a user can mend into a message and an exit code."""

    @click.command("replay")
    @click.argument("run_directory", type=click.Path(path_type=Path))
    @click.option("--policy", "policies", multiple=True, metavar="POLICY", help=_POLICY_HELP)
    @click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of jitters and durations.")
    @click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
    def command(run_directory: Path, policies: tuple[str, ...], seed: int, *, as_json: bool) -> None:
        """Replay the signals of a recorded run under other refresh policies: requests against staleness.

        The default grid is also written to replay.json in RUN, where `loadtests report RUN` shows it.

        \b
        Examples:
          loadtests replay reports/runs/smoke/latest
          loadtests replay reports/runs/smoke/latest --policy edge=trailing,window_ms=250,max_wait_ms=1000 --json
        """  # noqa: D301 - click's own escape
        with clear_errors():
            replay_and_tell(run_directory, policies, seed=seed, as_json=as_json)

    return command


def replay_and_tell(run_directory: Path, policies: Sequence[str], *, seed: int, as_json: bool) -> None:
    """Replay a run and print what came of it; what takes longer tells how far it is."""
    told = replay_run(run_directory, policies, seed=seed, tell=_progress())
    if as_json:
        click.echo(orjson.dumps(json_of(told), option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(lines_of(told)))


def _progress() -> Callable[[int, int], None]:
    said_s = monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal said_s
        if monotonic() - said_s >= _PATIENCE_S:
            said_s = monotonic()
            click.echo(f"{done} of {total} policies replayed", err=True)

    return tell


def replay_run(path: Path, policies: Sequence[str], *, seed: int, tell: Callable[[int, int], None]) -> Replays:
    """Return a recorded run under each of the policies, by default those of the grid; `tell` hears (done, of all).

    The grid is also written into the run's directory, for its report.

    Raises:
        NoRunError: there is no run at `path`.
        ReplayError: one of the policies is none, or no subscriber was ever answered.

    """
    intended = RunInput.read(path)
    scenario = intended.scenario
    others = [parse_policy(text, scenario) for text in policies]
    history = History.read(path)
    told = experiment(
        reconstruct(history, scenario, intended.population),
        scenario,
        history.names,
        others=others,
        seed=seed,
        carry=lambda laboratory, choices: replay_all(laboratory, choices, tell=tell),
    )
    if told.is_grid:
        intended.directory.write_json(intended.directory.replay_file, json_of(told))
    return told


def replay_all(
    laboratory: Laboratory, choices: Sequence[Choice], *, tell: Callable[[int, int], None]
) -> tuple[Outcome, ...]:
    """Return the outcome of each policy, in their order; large runs by two processes, forked so that they share it."""
    groups = _together(choices)
    if len(laboratory.engines.traces.arrivals) * len(choices) < _WORTH_A_FORK or not hasattr(os, "fork"):
        return _in_order(choices, groups, map(laboratory.replay_together, groups), tell)
    laboratory.prepare()
    with ProcessPoolExecutor(_WORKERS, get_context("fork"), _begin_work, (laboratory,)) as pool:
        return _in_order(choices, groups, pool.map(_work, groups), tell)


def _together(choices: Sequence[Choice]) -> list[list[Choice]]:
    """Return the policies by the moments at which they flush."""
    groups: dict[object, list[Choice]] = {}
    for choice in choices:
        groups.setdefault(moments_of(choice), []).append(choice)
    return list(groups.values())


def _in_order(
    choices: Sequence[Choice],
    groups: Sequence[Sequence[Choice]],
    told: Iterable[tuple[Outcome, ...]],
    tell: Callable[[int, int], None],
) -> tuple[Outcome, ...]:
    outcomes: dict[int, Outcome] = {}
    for group, own in zip(groups, told, strict=True):
        outcomes |= zip(map(id, group), own, strict=True)
        tell(len(outcomes), len(choices))
    return tuple(outcomes[id(choice)] for choice in choices)


_laboratory: list[Laboratory] = []
"""What a forked process works with; it came with the fork and was never copied."""


def _begin_work(laboratory: Laboratory) -> None:
    _laboratory[:] = [laboratory]


def _work(group: Sequence[Choice]) -> tuple[Outcome, ...]:
    return _laboratory[0].replay_together(group)
