"""What end-to-end tests share: a way to start the command line, and one short run that came to its end."""

from pathlib import Path

import pytest

from tests.e2e.commands import Recorded, StartCommand, started

SHORT = """
# Does a short run go well from end to end?
name = "short"
question = "Does a short run go well from end to end?"
seed = 5
deadline_ms = 2000
gates = [
    "delivery.missed_live == 0",
    "delivery.leaked == 0",
    "delivery.phantom == 0",
    "mutations.without_event == 0",
    "convergence.wrong_views == 0",
    "push.visibility_ms.p50 < 2000",
]

[organizations]
count = 20
jobs = 5

[subscribers]
count = 40
control = 2

[[pollers]]
interval_s = 1
count = 20

[mutators]
users = 10

[health] # these tests are about what happens, on machines that have other things to do
send_delay_ms_p99 = 5000
loop_lag_ms_p99 = 5000
clock_bound_ms = 500
control_difference_ms = 5000

[[phases]]
name = "warm-up"
duration_s = 1
mutations_per_s = 20
warm_up = true

[[phases]]
name = "steady"
duration_s = 5
mutations_per_s = 20
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> StartCommand:
    """Return a function that starts `loadtests` with arguments."""
    return lambda *arguments, **keys: started(*arguments, folder=tmp_path_factory.mktemp("command"), **keys)


@pytest.fixture(scope="session")
def short_scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a scenario of a few seconds."""
    path = tmp_path_factory.mktemp("scenario") / "short.toml"
    path.write_text(SHORT.lstrip(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def recorded(start: StartCommand, short_scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return the short run, carried out once for all tests: they must not change it."""
    directory = tmp_path_factory.mktemp("recorded") / "run"
    with start("run", short_scenario, "--out", directory) as command:
        code = command.wait_end()
        return Recorded(directory=directory, exit_code=code, text=command.text)
