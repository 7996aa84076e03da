"""Files that people write: every error names the file, the key, and what is possible."""

from pathlib import Path

import pytest

from loadtests.scenario.reader import ScenarioError, read_scenario, shipped_scenarios

GOOD = """
name = "mine"
question = "What happens when I do this?"

[organizations]
count = 2

[[phases]]
name = "load"
duration_s = 10
mutations_per_s = 4
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    """Return the path of a scenario that is right."""
    return written(tmp_path, GOOD)


def written(folder: Path, text: str) -> str:
    """Return the path of a scenario with this text."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def complaint(name_or_path: str, *overrides: str) -> str:
    """Return what the reader has to say against a scenario."""
    with pytest.raises(ScenarioError) as caught:
        read_scenario(name_or_path, overrides)
    return str(caught.value)


def test_a_file_is_read_with_its_text(good: str) -> None:
    """The manifest keeps the text verbatim."""
    read = read_scenario(good)

    assert read.scenario.organizations.count == 2
    assert read.text == GOOD
    assert read.source == good


def test_a_shipped_scenario_is_found_by_its_name() -> None:
    """Wherever the harness is installed."""
    assert read_scenario("smoke").scenario.name == "smoke"
    assert {"smoke", "two-devices", "burst"} <= set(shipped_scenarios())


def test_a_name_that_is_nearly_right_is_recognized() -> None:
    """One slip of the finger is answered with the name that was meant."""
    assert "no scenario is called 'smokee'; did you mean 'smoke'?" in complaint("smokee")


def test_a_name_that_nobody_knows_is_answered_with_all_of_them() -> None:
    """With how to name a file of one's own."""
    text = complaint("xyzzy")

    assert all(name in text for name in shipped_scenarios())
    assert ".toml" in text


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    path = str(tmp_path / "none.toml")

    assert complaint(path) == f"cannot read the scenario {path}: No such file or directory"


def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    """The parser's own words say where."""
    path = written(tmp_path, "name = \n")

    assert complaint(path).startswith(f"{path}: not valid TOML: ")
    assert "line 1" in complaint(path)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    """A file in another encoding is a mistake of the author's, not a crash."""
    path = tmp_path / "mine.toml"
    path.write_bytes(GOOD.replace("What", "Où").encode("latin-1"))

    assert complaint(str(path)) == f"{path}: not valid TOML: it is not UTF-8 text"


def test_an_unknown_key_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    """At the top, in a table, and in a table of a list."""
    path = written(tmp_path, f"sead = 3\n{GOOD}".replace("count", "conut").replace("duration_s", "duration"))

    lines = complaint(path).splitlines()

    assert f"{path}: sead: unknown key; did you mean 'seed'?" in lines
    assert f"{path}: organizations.conut: unknown key; did you mean 'count'?" in lines
    assert f"{path}: phases.0.duration: unknown key; did you mean 'duration_s'?" in lines
    assert f"{path}: phases.0.duration_s: this key is needed" in lines
    assert len(lines) == 4


def test_an_unknown_key_that_is_near_to_nothing_is_answered_with_all_keys(tmp_path: Path) -> None:
    """The author sees what there is."""
    path = written(tmp_path, f"{GOOD}\n[mutators]\nxyzzy = 1\n")

    assert (
        complaint(path)
        == f"{path}: mutators.xyzzy: unknown key; there are: users, timeout_s, own_devices, risk_factors"
    )


def test_a_wrong_type_is_named(tmp_path: Path) -> None:
    """A text where a number belongs, and a table where a list belongs."""
    path = written(tmp_path, GOOD.replace("count = 2", 'count = "2"').replace("[[phases]]", "[phases]"))

    assert complaint(path).splitlines() == [
        f"{path}: organizations.count: Input should be a valid integer",
        f"{path}: phases: Input should be a list",
    ]


def test_an_impossible_combination_is_named(tmp_path: Path) -> None:
    """The file, and which of its wishes exclude each other."""
    path = written(tmp_path, f"drain_s = 1\n{GOOD}")

    assert complaint(path).startswith(f"{path}: the scenario: drain_s = 1 is shorter than")


def test_addresses_do_not_belong_in_a_scenario(tmp_path: Path) -> None:
    """They may hold passwords, and the file's text is kept with every run: there is no key for them."""
    path = written(tmp_path, f"{GOOD}\n[target]\ndatabase_url = 'postgresql://me:secret@host/db'\n")

    assert complaint(path).startswith(f"{path}: target.database_url: unknown key")


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("organizations.count=7", lambda scenario: scenario.organizations.count == 7),
        ("subscribers.count = 7", lambda scenario: scenario.subscribers.count == 7),
        ("phases.0.mutations_per_s=0.5", lambda scenario: scenario.phases[0].mutations_per_s == 0.5),
        ("phases.0.arrivals=even", lambda scenario: scenario.phases[0].arrivals == "even"),
        ("phases.0.mix={ update = 1 }", lambda scenario: scenario.phases[0].mix == {"update": 1}),
        ("phases.0.warm_up=false", lambda scenario: not scenario.phases[0].warm_up),
        ("gates=['delivery.leaked == 0']", lambda scenario: scenario.gates == ("delivery.leaked == 0",)),
        ("question=Is a bare sentence text?", lambda scenario: scenario.question == "Is a bare sentence text?"),
    ],
)
def test_an_override_replaces_one_key(good: str, override: str, read: object) -> None:
    """Also a key that the file leaves out; the value is TOML, or else text."""
    assert callable(read)
    assert read(read_scenario(good, [override]).scenario)


def test_later_overrides_win(good: str) -> None:
    """The last word counts, and all are remembered."""
    read = read_scenario(good, ["seed=4", "seed=5"])

    assert read.scenario.seed == 5
    assert read.overrides == ("seed=4", "seed=5")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed", "write it as key.path=value"),
        ("=5", "write it as key.path=value"),
        ("phases.7.duration_s=5", "'7' is not one of the 1 entries"),
        ("phases.x.duration_s=5", "'x' is not one of the 1 entries"),
        ("name.first=5", "name is a single value"),
        ("name.first.letter=5", "name is a single value"),
        ("sead=5", "sead: unknown key; did you mean 'seed'?"),
        ("seed=many", "seed: Input should be a valid integer"),
    ],
)
def test_a_wrong_override_is_named(good: str, override: str, words: str) -> None:
    """The text shows the override as it was written, and what is wrong with it."""
    text = complaint(good, override)

    assert words in text
    assert f"--set {override}" in text
