"""The scenarios that ship: each one asks a question, can be judged, and is listed."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from loadtests.checks.gates import parse_gates
from loadtests.runner.preflight import needed_descriptors
from loadtests.scenario.population import Population
from loadtests.scenario.reader import read_scenario, shipped_scenarios
from loadtests.scenario.schedule import draw_schedule
from loadtests.targets.opening import open_external
from loadtests.targets.target import TargetError
from loadtests.targets.target_file import OpenedTarget, TargetFile

FOLDER = Path(__file__).parents[1] / "scenarios"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
AT_HOME = {"reconnect-storm"}
"""They have the embedded pipeline do something wrong; the list of scenarios says so too."""
THEIRS = OpenedTarget(
    file=TargetFile(kind="supabase", supabase_url="http://127.0.0.1:1", api_url="http://127.0.0.1:2"),
    supabase_url="http://127.0.0.1:1",
    realtime_url="ws://127.0.0.1:1/realtime/v1/websocket",
    anon_key="a",
    service_key="s",
    jwt_secret="j",
    database_url="",
    csv=None,
)


def test_what_is_in_the_folder_ships() -> None:
    """And nothing else does."""
    assert sorted(shipped_scenarios()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_is_called_like_its_file(name: str) -> None:
    """It is found, listed and recorded under one name; and it is valid."""
    assert read_scenario(name).scenario.name == name


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_opens_with_its_question(name: str) -> None:
    """Who opens the file reads first what it asks, in a comment of whole sentences."""
    text = shipped_scenarios()[name]
    opening = re.match(r"(?:#.*\n)+", text)
    assert opening is not None, "the file does not begin with a comment"
    first_sentences = " ".join(line.removeprefix("#").strip() for line in opening[0].splitlines())[:250]

    assert "?" in first_sentences


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_can_be_judged(name: str) -> None:
    """Its gates name documented metrics, and it has some."""
    assert parse_gates(read_scenario(name).scenario)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_has_a_load_and_fits_an_ordinary_machine(name: str) -> None:
    """Mutations are due after the warm-up; 20,000 open files are enough."""
    scenario = read_scenario(name).scenario
    schedule = draw_schedule(scenario, scenario.seed)
    measured = [index for index, phase in enumerate(scenario.phases) if not phase.warm_up]

    assert len(set(schedule.phase.tolist()) & set(measured)) >= 1
    assert needed_descriptors(scenario) < 20_000


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_has_a_control_group(name: str) -> None:
    """Official clients that hear what the devices hear which they shadow."""
    scenario = read_scenario(name).scenario

    assert Population(scenario, seed=scenario.seed, run_id="any").controls


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_runs_on_other_people_s_targets_unless_it_plants_faults(name: str) -> None:
    """As it is; the others are refused by what they plant."""
    scenario = read_scenario(name).scenario
    refusal = pytest.raises(TargetError, match="plants faults") if name in AT_HOME else nullcontext()

    with refusal:
        open_external(scenario, THEIRS)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_is_in_the_list(name: str) -> None:
    """The folder's README says what it asks, how long it takes, and what a pass means."""
    rows = [line for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines() if f"`{name}`" in line]

    assert any(line.startswith("|") for line in rows)


def test_the_list_has_no_scenario_that_does_not_ship() -> None:
    """Names in the first column are files."""
    table = re.findall(r"^\| `([^`]+)`", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(table) == NAMES


def test_smoke_is_what_its_readers_were_promised() -> None:
    """Small organizations at an everyday pace: 200 subscribers, 60 pollers, one write in four seconds each."""
    scenario = read_scenario("smoke").scenario
    population = Population(scenario, seed=scenario.seed, run_id="any")
    homes = [device.organization for device in population.subscribers]

    assert (len(population.subscribers), len(population.pollers), population.organizations) == (200, 60, 40)
    assert {homes.count(organization) for organization in range(40)} == {5}
    assert [phase.mutations_per_s for phase in scenario.phases] == [10, 10]
    assert scenario.duration_s == 50
