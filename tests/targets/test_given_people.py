"""People and their tokens from a CSV file."""

from pathlib import Path

import pytest

from loadtests.scenario.model import Scenario
from loadtests.targets.given_people import GivenPeople, read_people, who_plays
from loadtests.targets.target import TargetError
from loadtests.targets.target_file import TargetFileError

HEAD = "user_id,organization_id,access_token,role\n"


def people(folder: Path, text: str) -> GivenPeople:
    """Return the people of a file with this text."""
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return read_people(path)


def test_who_is_marked_changes_jobs_and_the_others_have_devices(tmp_path: Path) -> None:
    """In the order in which organizations first stand in the file."""
    found = people(tmp_path, HEAD + "u1,o2,t1,\nu2,o2,t2,author\nu3,o1,t3,\n")

    assert found.organizations == ("o2", "o1")
    assert found.authors == ("u2", "u3")
    assert found.members == (("u1",), ("u3",))
    assert found.tokens == {"u1": "t1", "u2": "t2", "u3": "t3"}
    assert found.refresh_tokens == {}


def test_some_have_a_token_to_refresh_with(tmp_path: Path) -> None:
    """In a column of its own, which may be empty."""
    found = people(tmp_path, "user_id,organization_id,access_token,refresh_token\nu1,o1,t1,r1\nu2,o1,t2,\n")

    assert found.refresh_tokens == {"u1": "r1"}
    assert "u1" in repr(found)
    assert not [token for token in ("t1", "r1") if token in repr(found)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "has nobody in it"),
        (HEAD + "u1,o1,,\n", "line 2: access_token missing"),
        ("user,organization_id,access_token\nu1,o1,t1\n", "line 2: user_id missing"),
    ],
)
def test_what_is_missing_is_named_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    """And no token is told."""
    with pytest.raises(TargetFileError, match=said):
        people(tmp_path, text)


def test_a_scenario_with_more_organizations_than_the_file_is_refused(tmp_path: Path) -> None:
    """With what would fit."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "Are there people enough?",
            "organizations": {"count": 3},
            "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
        }
    )

    with pytest.raises(TargetError, match=r"--set organizations\.count=1"):
        who_plays(people(tmp_path, HEAD + "u1,o1,t1,\n"), scenario)
