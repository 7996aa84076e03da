"""What a target cannot do is refused by name, before anything is started."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.scenario.model import Scenario
from loadtests.targets.opening import as_it_is, check_people, open_external, tokens_wanted
from loadtests.targets.target import TargetError
from loadtests.targets.target_file import Auth, OpenedTarget, TargetFile
from loadtests.targets.token_times import planned_end_s
from loadtests.wire.tokens import mint
from tests.targets.tokens import token


def scenario_of(**changes: Any) -> Scenario:
    """Return a scenario with some keys changed."""
    keys: dict[str, Any] = {
        "name": "any",
        "question": "May this run there?",
        "organizations": {"count": 1},
        "phases": [{"name": "load", "duration_s": 5, "mutations_per_s": 1}],
    }
    return Scenario.model_validate({**keys, **changes})


OPENED = OpenedTarget(
    file=TargetFile(kind="supabase", supabase_url="http://127.0.0.1:1", api_url="http://127.0.0.1:2"),
    supabase_url="http://127.0.0.1:1",
    realtime_url="ws://127.0.0.1:1/realtime/v1/websocket",
    anon_key="a",
    service_key="s",
    jwt_secret="j",
    database_url="",
    csv=None,
)


def test_a_scenario_with_faults_stays_at_home() -> None:
    """Nobody else's pipeline is told to misbehave."""
    faults = [{"kind": "drop", "at_s": 1, "count": 1}]

    with pytest.raises(TargetError, match=r"plants faults \(drop\), which only the embedded pipeline commits"):
        open_external(scenario_of(faults=faults), OPENED)


def test_options_of_the_embedded_pipeline_are_named() -> None:
    """All of those that were set."""
    with pytest.raises(TargetError, match=r"sets target\.as_built, target\.retention_s, which"):
        open_external(scenario_of(target={"retention_s": 60, "as_built": True}), OPENED)


@pytest.mark.parametrize("target", [{}, {"feed": "supabase"}, {"plan": "pro"}])
def test_limits_and_feed_are_the_targets_own(target: dict[str, Any]) -> None:
    """Whatever is embedded for the scenario; each Supabase polls."""
    scenario = scenario_of(target=target)
    open_external(scenario, OPENED)

    assert as_it_is(scenario).target.feed == "supabase"
    assert as_it_is(scenario) == scenario_of(target={**target, "feed": "supabase"})


@pytest.mark.parametrize("auth", [{"users": "password"}, {"users": "csv", "csv": "people.csv"}])
def test_a_life_of_tokens_is_asked_of_those_alone_who_are_minted_some(auth: dict[str, str]) -> None:
    """Elsewhere the question would not be asked, and each gate hold; the project's own life is nobody's business."""
    asks = scenario_of(subscribers={"count": 2, "connection": {"token_lifetime_s": 30, "renewal_margin_s": 10}})
    leaves = scenario_of(subscribers={"count": 2, "connection": {"renewal": "late"}})
    theirs = replace(OPENED, file=OPENED.file.model_copy(update={"auth": Auth.model_validate(auth)}))
    open_external(asks, OPENED)
    open_external(leaves, theirs)

    with pytest.raises(TargetError, match=r"token_lifetime_s = 30, and with auth\.users = .* --set .*_s=604800"):
        open_external(asks, theirs)


def test_a_plain_scenario_runs_anywhere(tmp_path: Path) -> None:
    """Unchanged; the endpoint has what the file leads to."""
    target = open_external(scenario_of(), OPENED)(tmp_path / "run.log")

    endpoint = target.wait_ready().endpoint
    assert (endpoint.api_url, endpoint.jwt_secret, endpoint.database_url) == ("http://127.0.0.1:2", "j", "")
    assert target.trouble() is None


@pytest.mark.parametrize(
    ("refresh_token", "supabase_url", "said"),
    [
        ("", "http://127.0.0.1:1", "give a column refresh_token"),
        ("r1", "", "and supabase_url, where sessions are renewed"),
        ("r1", "http://127.0.0.1:1", None),
    ],
)
def test_tokens_that_end_before_the_run_are_refused_before_anything_is_sent(
    tmp_path: Path, refresh_token: str, supabase_url: str, said: str | None
) -> None:
    """By name; one that can be refreshed where accounts are is left to the start of the run."""
    token = mint("a secret that is long enough for it", role="authenticated", expires_at_s=1020)
    path = tmp_path / "people.csv"
    path.write_text(
        f"user_id,organization_id,access_token,refresh_token\nu1,o1,{token},{refresh_token}\n", encoding="utf-8"
    )
    given = replace(OPENED, csv=path, supabase_url=supabase_url)

    if said is None:
        check_people(scenario_of(), given, now_s=1000)
        return
    with pytest.raises(TargetError, match="user u1 lasts until 1970-01-01 00:17:00 UTC") as refused:
        check_people(scenario_of(), given, now_s=1000)
    assert said in str(refused.value)
    assert token not in str(refused.value)


def test_minted_tokens_are_asked_of_nobody() -> None:
    """There is no limit to hold them against."""
    assert tokens_wanted(scenario_of(), OPENED, now_s=1000) == ()


def test_sign_ins_and_renewals_of_people_with_passwords_are_counted() -> None:
    """Three hours, two subscribers, their author and the control group; tokens of the usual hour."""
    opened = replace(OPENED, file=OPENED.file.model_copy(update={"auth": Auth(users="password")}))
    long = scenario_of(
        subscribers={"count": 2, "control": 1}, phases=[{"name": "load", "duration_s": 10_800, "mutations_per_s": 1}]
    )

    (short_told,) = tokens_wanted(scenario_of(subscribers={"count": 2, "control": 1}), opened, now_s=1000)
    (long_told,) = tokens_wanted(long, opened, now_s=1000)

    assert (short_told.expected, long_told.expected) == (4, 4 + 4 * 3)


def test_renewals_of_people_from_a_file_are_counted(tmp_path: Path) -> None:
    """Who plays no part is left out; a token of ten minutes is renewed a minute before its end."""
    path = tmp_path / "people.csv"
    lasting, ending = token(issued_s=0, expires_s=100_000), token(issued_s=400, expires_s=1000)
    path.write_text(
        "user_id,organization_id,role,access_token,refresh_token\n"
        f"u1,o1,author,{lasting},\nu2,o1,,{ending},r2\nu3,o2,,{ending},r3\n",
        encoding="utf-8",
    )
    people = replace(OPENED, csv=path)
    wanted = scenario_of(
        subscribers={"count": 1, "control": 0}, phases=[{"name": "load", "duration_s": 1800, "mutations_per_s": 1}]
    )

    check_people(wanted, people, now_s=500)
    (told,) = tokens_wanted(wanted, people, now_s=500)

    assert told.expected == 3


def test_more_people_than_the_limit_keeps_signed_in_are_refused(tmp_path: Path) -> None:
    """Before anything is sent, by numbers."""
    path = tmp_path / "people.csv"
    ending = token(issued_s=990, expires_s=1000)
    lines = "".join(f"u{place},o1,{ending},r{place}\n" for place in range(4))
    path.write_text(f"user_id,organization_id,access_token,refresh_token\n{lines}", encoding="utf-8")

    with pytest.raises(TargetError, match=r"auth\.csv: 4 people have tokens that last 10 s .* keeps 3 sessions alive"):
        check_people(scenario_of(subscribers={"count": 3, "control": 0}), replace(OPENED, csv=path), now_s=1000)


def test_who_renews_before_the_load_is_counted_and_takes_time(tmp_path: Path) -> None:
    """A file of yesterday: ninety people once each, at the limit's pace; what lasts has to last so much longer."""
    path = tmp_path / "people.csv"
    ended = token(issued_s=0, expires_s=3600)
    lines = [f"u{place},o1,{ended},r{place}" for place in range(90)]
    wanted = scenario_of(subscribers={"count": 89, "control": 0})
    now_s = 90_000
    until_s = planned_end_s(wanted, now_s=now_s)
    opened = replace(OPENED, csv=path)

    def write(*more: str) -> None:
        path.write_text("\n".join(["user_id,organization_id,access_token,refresh_token", *lines, *more]), "utf-8")

    write()
    check_people(wanted, opened, now_s=now_s)
    (told,) = tokens_wanted(wanted, opened, now_s=now_s)
    write(f"late,o1,{token(issued_s=now_s, expires_s=until_s + 100)},")

    assert told.expected == 90
    assert "renewing 90 sessions that end too soon takes 150 s, before the load" in told.says
    with pytest.raises(TargetError, match="the access token of user late lasts until"):
        check_people(scenario_of(subscribers={"count": 90, "control": 0}), opened, now_s=now_s)
