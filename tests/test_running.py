"""`loadtests run` without a run: what it refuses, and what it says that it would send. Runs are in `tests/e2e`."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from loadtests.cli import main


def typed(*arguments: str | Path) -> Result:
    """Return what the command line answers."""
    return CliRunner().invoke(main, ["run", *map(str, arguments)], catch_exceptions=False)


def test_a_dry_run_sends_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """Not even a run directory."""
    told = typed("smoke", "--dry-run", "--out", tmp_path / "run")

    assert told.exit_code == 0
    assert "dry run of smoke on an embedded pipeline, plan unlimited: nothing is sent" in told.output
    assert not (tmp_path / "run").exists()


def test_a_dry_run_follows_overrides_and_speaks_json() -> None:
    """The plan that the embedded pipeline would keep."""
    keys = ("organizations.count=1", "subscribers.count=400", "target.plan=pro")
    told = typed("smoke", *(part for key in keys for part in ("--set", key)), "--dry-run", "--json")

    assert told.exit_code == 0
    assert orjson.loads(told.output)["refused"] is True


def test_a_gate_that_cannot_be_judged_is_refused_before_anything_else() -> None:
    """By the option that it came with."""
    told = typed("smoke", "--gate", "nonsense", "--dry-run")

    assert told.exit_code == 2
    assert "--gate" in told.output


def test_a_database_of_somebody_else_s_is_not_loaded_without_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded pipeline would write to it. First the list, then the name; nothing was made by then."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db.example.org/jobs")
    empty, listed = tmp_path / "empty", tmp_path / "listed"
    empty.write_text("", encoding="utf-8")
    listed.write_text("db.example.org\n", encoding="utf-8")
    out = ("--out", tmp_path / "run")
    unlisted = typed("smoke", "--allow-list", empty, *out)
    unconfirmed = typed("smoke", "--allow-list", listed, *out)

    assert (unlisted.exit_code, unconfirmed.exit_code) == (2, 2)
    assert "db.example.org must not be put under load" in unlisted.output
    assert "confirm it by name, with --confirm db.example.org" in unconfirmed.output
    assert not (tmp_path / "run").exists()


def test_a_database_without_a_host_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded pipeline's client would go there too."""
    monkeypatch.setenv("DATABASE_URL", "postgresql:///jobs")
    monkeypatch.setenv("PGHOST", "db.example.org")
    (tmp_path / "empty").write_text("", encoding="utf-8")
    told = typed("smoke", "--allow-list", tmp_path / "empty", "--out", tmp_path / "run")

    assert told.exit_code == 2
    assert "db.example.org must not be put under load" in told.output


HOSTED = """
kind = "supabase"
supabase_url = "https://abcdefghijkl.supabase.co"
api_url = "https://api.example.com"
plan = "pro"

[keys]
anon = { env = "ANON" }
service = { env = "SERVICE" }
jwt_secret = { env = "SECRET" }

[limits]
connections = 1000
mutations = 100000
"""
MANY = ("organizations.count=1", "subscribers.count=400", "phases.0.duration_s=600", "phases.0.mutations_per_s=5")


@pytest.fixture
def hosted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the target file of a hosted project on the Pro plan, its keys in the environment."""
    for name in ("ANON", "SERVICE", "SECRET"):
        monkeypatch.setenv(name, f"the secret of {name}")
    path = tmp_path / "target.toml"
    path.write_text(HOSTED, encoding="utf-8")
    return path


def many() -> list[str]:
    """Return the options that ask for 400 subscribers of one organization, with two official clients, at 5/s."""
    return [part for key in MANY for part in ("--set", key)]


def test_a_dry_run_on_a_hosted_project_says_what_would_be_discarded(hosted: Path) -> None:
    """From the first minute on, by which arithmetic, what would fit; without a word of any secret."""
    told = typed("two-devices", *many(), "--target", hosted, "--dry-run")

    assert told.exit_code == 0
    assert "wss://abcdefghijkl.supabase.co/realtime/v1/websocket and https://api.example.com, plan pro" in told.output
    assert "REFUSED messages/s: changes are silently discarded from the first minute on" in told.output
    assert "because 5 mutations/s x 402 receivers = 2,010 deliveries/s in phase 'rounds', against 500/s" in told.output
    assert "would fit: fewer than 1.24 mutations/s" in told.output
    assert "the secret of" not in told.output


def test_a_dry_run_says_what_is_missing_before_the_run_may_start(hosted: Path, tmp_path: Path) -> None:
    """A host that is not confirmed, and a cap of the target's owner."""
    (tmp_path / "hosts").write_text("abcdefghijkl.supabase.co\napi.example.com\n", encoding="utf-8")
    capped = HOSTED.replace("connections = 1000", "connections = 200")
    hosted.write_text(capped, encoding="utf-8")
    options = ("--target", hosted, "--allow-list", tmp_path / "hosts", "--confirm", "api.example.com", "--dry-run")

    told = typed("two-devices", *many(), *options)

    assert told.exit_code == 0
    assert "before it may start: this run sends load to abcdefghijkl.supabase.co: confirm it by name" in told.output
    assert "before it may start: the scenario is beyond the caps in" in told.output
    assert "connections = 200 and it asks for 402" in told.output


def test_a_dry_run_refuses_what_only_the_embedded_pipeline_does(hosted: Path) -> None:
    """By name, as the run would."""
    told = typed("two-devices", "--set", "target.as_built=true", "--target", hosted, "--dry-run")

    assert told.exit_code == 1
    assert "sets target.as_built" in told.output


def test_a_hosted_project_needs_list_and_names_and_a_load_that_fits(hosted: Path, tmp_path: Path) -> None:
    """In this order; nothing was made or looked up by then."""
    names = ("abcdefghijkl.supabase.co", "api.example.com")
    (tmp_path / "hosts").write_text("\n".join(names), encoding="utf-8")
    (tmp_path / "empty").write_text("", encoding="utf-8")
    common = ("two-devices", *many(), "--target", hosted, "--out", tmp_path / "run")
    stranger = typed(*common, "--allow-list", tmp_path / "empty")
    half = typed(*common, "--allow-list", tmp_path / "hosts", "--confirm", names[0])
    full = typed(*common, "--allow-list", tmp_path / "hosts", "--confirm", names[0], "--confirm", names[1])

    assert [told.exit_code for told in (stranger, half, full)] == [2, 2, 2]
    assert "must not be put under load" in stranger.output
    assert "confirm it by name, with --confirm api.example.com" in half.output
    assert "fewer than 1.24 mutations/s" in full.output
    assert not (tmp_path / "run").exists()


def test_people_who_are_given_are_not_removed(hosted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A door through which people are made is one through which they are removed: with these it must stay shut."""
    monkeypatch.setenv("DATABASE", "postgresql://postgres@127.0.0.1:1/postgres")
    text = hosted.read_text(encoding="utf-8").replace("[limits]", 'database = { env = "DATABASE" }\n[limits]')
    people = '[auth]\nusers = "csv"\ncsv = "people.csv"\n[provision]\nthrough = "sql"\n'
    hosted.write_text(text + people, encoding="utf-8")
    told = typed("two-devices", "--target", hosted, "--out", tmp_path / "run")

    assert told.exit_code == 2
    assert "would remove them after the run: leave provision.through out" in told.output
    assert not (tmp_path / "run").exists()


def test_the_database_of_a_hosted_project_is_a_host_of_its_own(
    hosted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People are made in it and removed from it: whoever confirms the project has not confirmed another database."""
    monkeypatch.setenv("DATABASE", "postgresql://postgres:the-secret@db.production.example.org/postgres")
    names = ("abcdefghijkl.supabase.co", "api.example.com")
    (tmp_path / "hosts").write_text("\n".join(names), encoding="utf-8")
    hosted.write_text(hosted.read_text().replace("[limits]", 'database = { env = "DATABASE" }\n[limits]'))
    files = ("--target", hosted, "--out", tmp_path / "run", "--allow-list", tmp_path / "hosts")
    told = typed("two-devices", *files, "--confirm", names[0], "--confirm", names[1])

    assert told.exit_code == 2
    assert "db.production.example.org must not be put under load" in told.output
    assert "the-secret" not in told.output
