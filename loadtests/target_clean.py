"""`loadtests target clean`: remove from a target what a run left that did not come to its end.

Everything that a run makes carries identifiers made from its id, so the run directory is enough to find it again.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import click

from loadtests.checks.guard import database_hosts
from loadtests.drivers.run_input import RunInput
from loadtests.targets.target_file import read_target_file, way_in


def clean_command(
    clear_errors: Callable[[], AbstractContextManager[None]], environment: Mapping[str, str]
) -> click.Command:
    """Return the verb."""

    @click.command("clean")
    @click.argument("run_directory", type=click.Path(path_type=Path))
    @click.option("--target", required=True, type=click.Path(path_type=Path), help="The run's target file.")
    def command(run_directory: Path, target: Path) -> None:
        """Remove from a target of your own what the run in RUN_DIRECTORY has left there.

        \b
        Example:
          loadtests target clean reports/runs/smoke/latest --target ours.toml
        """  # noqa: D301 - click's own escape
        # The official client takes a second to import, which nobody waits for who does not need it.
        from loadtests.targets.supabase import clean  # noqa: PLC0415

        with clear_errors():
            opened = read_target_file(target, environment)
            run = RunInput.read(run_directory)
            # Whatever the target file says by now: who was given in a file is somebody's user.
            if run.population.given is not None or way_in(opened) == "nothing":
                click.echo(
                    "the run was given people who exist: it made nobody, and nobody is removed; the jobs that it "
                    "created in their organizations stay"
                )
                return
            # Its client would complain of a URL that cannot be read, password and all.
            database_hosts(opened.database_url, environment)
            clean(opened, run.population)
            click.echo(f"nothing of run {run.population.run_id} is left in the target")

    return command
