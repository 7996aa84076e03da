"""Somebody else's pipeline, addressed by URLs and keys alone: ours, started by other hands."""

import csv
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
from psycopg import sql

from loadtests.drivers.run_input import RunInput
from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.pipeline.settings import GatewayOptions, StackSettings
from loadtests.processes.spawn import Child
from loadtests.targets.given_people import GivenPeople, read_people
from loadtests.targets.provision import provision
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.tokens import mint
from tests.e2e.commands import StartCommand
from tests.e2e.other_backend import NUMBERS, PLAIN_IDS, TABLE, Manners, other_backend

SCENARIO = """
name = "theirs"
question = "Does somebody else's pipeline show each change to everybody?"
gates = ["delivery.missed_live == 0", "delivery.leaked == 0", "mutations.failed == 0", "push.visibility_ms.p50 < 5000"]
deadline_ms = 2000
[organizations]
count = 2
jobs = 3
[subscribers]
count = 8
control = 0
web_open_audit = 1
[[pollers]]
interval_s = 1
count = 2
[health]
send_delay_ms_p99 = 5000
loop_lag_ms_p99 = 5000
clock_bound_ms = 500
[[phases]]
name = "steady"
duration_s = 4
mutations_per_s = 4
"""
ONE_BY_ONE = ("phases.0.mutations_per_s=2", "phases.0.arrivals=even", "phases.0.jobs=each")
ANY_TOKEN = re.compile(rb"eyJ[\w-]{8}")
"""`{"` in base64url, with which a token's header begins, and more than chance would put behind it."""
SETTINGS = StackSettings(gateway=True, accounts=GatewayOptions(token_lifetime_s=8))
"""Who signs in here has to renew the session before the run is over."""
TABLES = ("organizations", "users", "organization_members", "jobs", "realtime_events", "audit_logs")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Return a pipeline with its gateway, which this module's tests did not start."""
    log = tmp_path_factory.mktemp("theirs") / "pipeline.log"
    child = Child.start("loadtests.pipeline", name="pipeline", log=log, hello=SETTINGS.to_json())
    try:
        yield Endpoint.from_json(child.wait_for("ready", 60)["endpoint"])
    finally:
        child.stop()


Run = Callable[..., tuple[Path, int, str]]


@pytest.fixture
def run(theirs: Endpoint, start: StartCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the scenario against a target file with these keys and tables."""
    # The secrets are where the target file finds them.
    monkeypatch.setenv("THEIR_ANON", theirs.anon_key)
    monkeypatch.setenv("THEIR_SERVICE", theirs.service_key)
    monkeypatch.setenv("THEIR_SECRET", theirs.jwt_secret)
    monkeypatch.setenv("THEIR_DATABASE", theirs.database_url)

    def run_it(
        keys: tuple[str, ...], more: str = "", overrides: tuple[str, ...] = (), **changes: str
    ) -> tuple[Path, int, str]:
        names = {"anon": "ANON", "service": "SERVICE", "jwt_secret": "SECRET", "database": "DATABASE"}
        addresses = {"supabase_url": theirs.supabase_url, "api_url": theirs.api_url, **changes}
        lines = ['kind = "supabase"', 'plan = "unlimited"', *(f'{key} = "{url}"' for key, url in addresses.items())]
        lines += ["[keys]", *(f'{key} = {{ env = "THEIR_{names[key]}" }}' for key in keys), more]
        target, scenario, directory = tmp_path / "target.toml", tmp_path / "theirs.toml", tmp_path / "run"
        target.write_text("\n".join(lines), encoding="utf-8")
        scenario.write_text(SCENARIO, encoding="utf-8")
        sets = [part for override in overrides for part in ("--set", override)]
        with start("run", "--no-report", scenario, *sets, "--target", target, "--out", directory) as command:
            return directory, command.wait_end(), command.text

    return run_it


def metrics_of(directory: Path) -> Any:
    """Return the numbers of a run."""
    return orjson.loads((directory / "metrics.json").read_bytes())


def rows_of(theirs: Endpoint) -> dict[str, int]:
    """Return how many rows each table holds."""
    with psycopg.connect(theirs.database_url) as connection:
        found = {}
        for table in TABLES:
            query = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
            row = connection.execute(query).fetchone()
            assert row is not None
            found[table] = row[0]
    return found


def leaks(directory: Path, theirs: Endpoint) -> list[str]:
    """Return the files of a run that hold a secret, the database's password alone, or any token whatever."""
    secrets = [theirs.anon_key, theirs.service_key, theirs.jwt_secret, theirs.database_url]
    secrets.append(urlsplit(theirs.database_url).password or theirs.database_url)
    files = {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    return [
        name
        for name, content in files.items()
        if ANY_TOKEN.search(content) or any(secret.encode() in content for secret in secrets)
    ]


def test_with_the_database_everything_is_measured_and_nothing_is_left(theirs: Endpoint, run: Run) -> None:
    """Minted tokens and SQL: clock, commits, truth, as in a run of our own."""
    before = rows_of(theirs)

    directory, code, text = run(("anon", "service", "jwt_secret", "database"))

    assert code == 0, text
    metrics = metrics_of(directory)
    assert metrics["truth"] == "database"
    assert metrics["convergence"]["wrong_views"] == 0
    assert metrics["push"]["signal_ms"]["n"] > 0
    assert rows_of(theirs) == before
    assert leaks(directory, theirs) == []


SIGN_IN = '[auth]\nusers = "password"\ntokens_per_5_minutes = 30000'
KEEP_PAIRS = """
create table public.pairs (token text);
create function keep_pair() returns trigger language plpgsql security definer as
$$ begin insert into public.pairs values (new.token); return new; end $$;
create trigger keep before insert on auth.refresh_tokens for each row execute function keep_pair();
"""
FORGET_PAIRS = "drop trigger keep on auth.refresh_tokens; drop function keep_pair(); drop table public.pairs;"


def test_without_the_database_accounts_sign_in_and_outlive_their_tokens(theirs: Endpoint, run: Run) -> None:
    """By the project's own doors; the truth comes from the tables' API.

    Tokens live for 8 s. Subscribers, pollers, authors and the official client go on with fresh ones, and nothing is
    lost; what sessions are renewed with is nowhere to be read.
    """
    before = rows_of(theirs)

    with psycopg.connect(theirs.database_url, autocommit=True) as connection:
        connection.execute(KEEP_PAIRS.encode())
        try:
            directory, code, text = run(
                ("anon", "service"), SIGN_IN, ("subscribers.control=1", "phases.0.duration_s=8")
            )
            pairs = [str(token) for (token,) in connection.execute("select token from public.pairs")]
        finally:
            connection.execute(FORGET_PAIRS.encode())

    assert code == 0, text
    metrics = metrics_of(directory)
    assert metrics["truth"] == "rest"
    assert metrics["delivery"]["delivered_once"] == metrics["delivery"]["expected"] > 0
    assert metrics["connections"]["lost"] == metrics["sessions"]["refused"] == metrics["push"]["failed_requests"] == 0
    assert metrics["polling"]["1s"]["failed_requests"] == metrics["mutations"]["failed"] == 0
    population, history = RunInput.read(directory).population, History.read(directory)
    renewed = {history.names[entity] for entity in history.of(Kind.RENEWED)["entity"]}
    controls = [control.user_id for control in population.controls]
    authors = [population.author_id(index) for index in range(population.organizations)]
    assert renewed == {*authors, *(device.user_id for device in population.devices), *controls}
    assert {int(actor) for actor in history.of(Kind.TOKEN)["actor"]} == {each.index for each in population.subscribers}
    assert {history.names[entity] for entity in history.of(Kind.CONTROL_DOWN)["entity"]} == {"left"}
    assert len(pairs) >= 2 * len(renewed)
    files = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    assert not [token for token in pairs for content in files if token.encode() in content]
    assert rows_of(theirs) == before
    assert leaks(directory, theirs) == []


def test_with_tokens_from_a_file_subscribers_agree_on_the_truth(theirs: Endpoint, run: Run, tmp_path: Path) -> None:
    """Nobody is made, no key beside the public one is needed, and the verdict says what it rests on.

    One token is too old for the run, and is exchanged for one that is renewed again before it ends.
    """
    people = people_of(theirs, tmp_path / "people.csv")

    with numbers_for_ids(theirs), other_backend(theirs.api_url, Manners(has_numbers=True)) as api_url:
        directory, code, text = run(("anon",), f'{TABLE}[auth]\nusers = "csv"\ncsv = "people.csv"', api_url=api_url)

    assert code == 0, text
    asked = History.read(directory).names
    assert any(re.fullmatch(r"/api/jobs/[0-9]+", name) for name in asked)
    assert "delivery is told by agreement of the subscribers" in text
    metrics = metrics_of(directory)
    assert metrics["truth"] == "agreement"
    assert metrics["delivery"]["delivered_once"] == metrics["delivery"]["expected"] > 0
    assert (metrics["delivery"]["phantom"], metrics["convergence"]["wrong_views"]) == (None, None)
    after = read_people(tmp_path / "people.csv")
    assert [user for user, token in people.tokens.items() if after.tokens[user] != token] == list(people.refresh_tokens)
    assert leaks(directory, theirs) == []
    assert metrics["sessions"]["renewed"] >= metrics["sessions"]["people"] == 1
    with psycopg.connect(theirs.database_url) as connection:
        spent = [str(token) for (token,) in connection.execute("select token from auth.refresh_tokens")]
    assert len(spent) > 2
    assert set(after.refresh_tokens.values()) <= set(spent)
    secrets = [*people.tokens.values(), *after.tokens.values(), *spent]
    files = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    assert not [secret for secret in secrets for content in files if secret.encode() in content]


@contextmanager
def numbers_for_ids(theirs: Endpoint) -> Iterator[None]:
    """Let events tell the numbers of a backend that has such."""
    with psycopg.connect(theirs.database_url, autocommit=True) as connection:
        connection.execute(NUMBERS.encode())
        try:
            yield
        finally:
            connection.execute(PLAIN_IDS.encode())


def people_of(theirs: Endpoint, path: Path) -> GivenPeople:
    """Make two organizations of four people as their owner would, and write their tokens; return who is in the file."""
    now_s = int(time.clock_gettime(time.CLOCK_REALTIME))
    with psycopg.connect(theirs.database_url) as connection, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "organization_id", "access_token", "role", "refresh_token"))
        for number in range(2):
            home = str(uuid4())
            connection.execute("insert into organizations (id, name) values (%s, 'theirs')", (home,))
            for place in range(4):
                is_old = (number, place) == (1, 2)
                user, refresh_token = signed_up(theirs) if is_old else (str(uuid4()), "")
                role = "owner" if place == 0 else "member"
                connection.execute("insert into auth.users (id) values (%s) on conflict do nothing", (user,))
                connection.execute(
                    "insert into users (id, email, organization_id) values (%s, %s, %s)", (user, f"{user}@x.org", home)
                )
                connection.execute(
                    "insert into organization_members (user_id, organization_id, role) values (%s, %s, %s)",
                    (user, home, role),
                )
                expires_at_s = now_s + (5 if is_old else 3600)
                token = mint(theirs.jwt_secret, role="authenticated", expires_at_s=expires_at_s, subject=user)
                writer.writerow((user, home, token, "author" if place == 0 else "", refresh_token))
    return read_people(path)


def signed_up(theirs: Endpoint) -> tuple[str, str]:
    """Return a user who has an account, and what their session is refreshed with."""
    account = {"email": f"{uuid4()}@example.org", "password": "long enough for anybody"}
    answer = httpx.post(f"{theirs.supabase_url}/auth/v1/signup", json=account, headers={"apikey": theirs.anon_key})
    session = answer.json()
    return session["user"]["id"], session["refresh_token"]


def test_a_backend_with_routes_of_its_own_needs_a_table_alone(theirs: Endpoint, run: Run) -> None:
    """Other paths, another envelope, other names, another way to page, a feed that is a bare list: the same numbers."""
    manners = Manners()
    with other_backend(theirs.api_url, manners) as api_url:
        directory, code, text = run(("anon", "service", "jwt_secret", "database"), TABLE, api_url=api_url)

    assert code == 0, text
    metrics = metrics_of(directory)
    assert metrics["convergence"]["wrong_views"] == 0
    assert metrics["delivery"]["delivered_once"] == metrics["delivery"]["expected"] > 0
    assert metrics["push"]["visibility_ms"]["never"] == 0
    assert manners.asked > 0
    assert "answered with something else" not in (directory / "run.log").read_text(encoding="utf-8")


def test_what_is_wrong_is_said_before_the_load_and_nothing_is_left(
    theirs: Endpoint, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that says what to do; `tests/targets/test_readiness.py` has what else can be wrong."""
    before = rows_of(theirs)
    monkeypatch.setenv("THEIR_SECRET", "another secret that nobody signs with")

    _, code, text = run(("anon", "service", "jwt_secret", "database"))

    assert code == 1, text
    assert "error: " in text
    assert "answers 401" in text
    assert "load '" not in text
    assert rows_of(theirs) == before


def test_what_a_crash_left_is_removed(theirs: Endpoint, start: StartCommand, run: Run, tmp_path: Path) -> None:
    """As if the run had died after it had made its people."""
    before = rows_of(theirs)
    directory, code, text = run(("anon", "service", "jwt_secret", "database"))
    assert code == 0, text
    remake(directory, theirs)
    assert rows_of(theirs) != before

    with start("target", "clean", directory, "--target", tmp_path / "target.toml") as command:
        assert command.wait_end() == 0, command.text

    assert "is left in the target" in command.text
    assert rows_of(theirs) == before


def remake(directory: Path, theirs: Endpoint) -> None:
    """Put a run's people into the target once more."""
    provision(theirs.database_url, RunInput.read(directory).population)


FORGET = """
create function forget() returns trigger language plpgsql as
$$ begin new.payload := new.payload - 'request_id'; return new; end $$;
create trigger forget before insert on realtime_events for each row execute function forget();
create function forget_more() returns trigger language plpgsql as
$$ begin new.metadata := new.metadata - 'request_id' - 'revision'; return new; end $$;
create trigger forget before insert on audit_logs for each row execute function forget_more();
"""
REMEMBER = """
drop trigger forget on realtime_events; drop function forget();
drop trigger forget on audit_logs; drop function forget_more();
"""


def test_a_backend_that_knows_nothing_of_load_tests(theirs: Endpoint, run: Run) -> None:
    """Its events name no request: job, type and time tell which mutation each announces, and nothing is ambiguous.

    For no two changes of one job are under way at once: there are 1.5 s between them. It counts no revisions either:
    which state of a job is the newer one is told by `updated_at` alone.
    """
    with (
        other_backend(theirs.api_url, Manners(tells_revision=False)) as api_url,
        psycopg.connect(theirs.database_url, autocommit=True) as connection,
    ):
        connection.execute(FORGET.encode())
        try:
            directory, code, text = run(("anon", "service"), f"{TABLE}\n{SIGN_IN}", ONE_BY_ONE, api_url=api_url)
        finally:
            connection.execute(REMEMBER.encode())

    assert code == 0, text
    metrics = metrics_of(directory)
    assert metrics["truth"] == "rest"
    assert metrics["mutations"]["acked"] > 0
    assert (metrics["mutations"]["without_event"], metrics["mutations"]["ambiguous"]) == (0, 0)
    assert metrics["delivery"]["delivered_once"] == metrics["delivery"]["expected"] > 0
    assert metrics["push"]["visibility_ms"]["never"] == metrics["convergence"]["wrong_views"] == 0
    assert metrics["push"]["visibility_ms"]["p50"] > 0
