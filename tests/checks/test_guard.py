"""Which hosts may be put under load, and how much."""

import pytest

from loadtests.checks.expected_load import expect
from loadtests.checks.guard import (
    Caps,
    GuardError,
    check_caps,
    check_hosts,
    database_hosts,
    external_hosts,
    is_loopback,
    read_allowed,
)
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population

HOST = "abc.supabase.co"


def refusal(*hosts: str, allowed: str = "", confirmed: tuple[str, ...] = ()) -> str:
    """Return why hosts are refused."""
    with pytest.raises(GuardError) as caught:
        check_hosts(hosts, allowed=read_allowed(allowed), confirmed=confirmed, allow_list="allowed-hosts.txt")
    return str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "tenant.localhost"])
def test_this_machine_is_not_external(host: str) -> None:
    """By its name or address; a tenant's name may stand before it."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example.org", "10.0.0.1", "192.168.1.1", HOST, "127.0.0.1.nip.io"])
def test_everything_else_is(host: str) -> None:
    """Private networks too: somebody works there. A name that looks like this machine may be any."""
    assert not is_loopback(host)


def test_each_external_host_counts_once() -> None:
    """The project's own and the backend's; ports and paths make no difference."""
    urls = [
        f"https://{HOST}",
        f"wss://{HOST.upper()}:443/realtime/v1/websocket",
        "http://127.0.0.1:3000",
        "https://api.example.org/v1",
    ]

    assert external_hosts(urls) == (HOST, "api.example.org")


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("", ()),
        ("postgresql:///jobs", ()),
        ("postgresql://me@localhost:5432/jobs", ()),
        ("postgres://me@/jobs?host=/run/postgresql", ()),
        ("postgresql://me@%2Frun%2Fpostgresql/jobs", ()),
        ("postgresql://me:pw@DB.example.org:5432/jobs", ("db.example.org",)),
        ("postgresql://me@127.0.0.1,db.example.org:5433/jobs", ("db.example.org",)),
        ("postgresql://me@localhost/jobs?host=db.example.org", ("db.example.org",)),
        ("postgresql://me@localhost/jobs?hostaddr=192.0.2.7,192.0.2.8", ("192.0.2.7", "192.0.2.8")),
        ("postgresql://me@[::1]:5432,[2001:db8::1]/jobs", ("2001:db8::1",)),
        ("postgresql://me%40home:p%2Fw@db.example.org/jobs", ("db.example.org",)),
    ],
)
def test_a_database_is_where_its_client_would_look(url: str, hosts: tuple[str, ...]) -> None:
    """In the URL's authority and in its parameters, of which each counts."""
    assert database_hosts(url, {}) == hosts


def test_what_a_database_url_leaves_open_the_environment_decides() -> None:
    """The client's own variables; an address there even overrides a host's name."""
    assert database_hosts("postgresql:///jobs", {"PGHOST": "db.example.org"}) == ("db.example.org",)
    assert database_hosts("postgresql://localhost/jobs", {"PGHOST": "db.example.org"}) == ()
    assert database_hosts("postgresql://localhost/jobs", {"PGHOSTADDR": "192.0.2.7"}) == ("192.0.2.7",)
    with pytest.raises(GuardError, match="named by a service"):
        database_hosts("postgresql:///jobs", {"PGSERVICE": "production"})


@pytest.mark.parametrize(
    "url",
    [
        "host=db.example.org password=pa55word",
        "postgresql//me:pa55word@db.example.org/jobs",
        "postgresql://me:pa55word@db.example.org,x@127.0.0.1/jobs",
        "postgresql://me:pa55/word@db.example.org/jobs",
        "postgresql://me:pa55?word@db.example.org/jobs",
        "postgresql://me:pa55#word@db.example.org/jobs",
        "postgresql://me:pa55%word@db.example.org/jobs",
    ],
)
def test_a_database_that_can_be_read_in_two_ways_is_refused_without_a_word_of_it(url: str) -> None:
    """The client would look elsewhere than this guard, or tell a password in its complaint."""
    with pytest.raises(GuardError) as refused:
        database_hosts(url, {})

    assert "pa55" not in str(refused.value)


def test_a_host_that_is_not_in_the_list_is_refused() -> None:
    """However often it is confirmed. The sentence names the file."""
    assert refusal(HOST, confirmed=(HOST,)) == (
        f"{HOST} must not be put under load: the allow-list (allowed-hosts.txt) does not name it. "
        f"If you may load it, add one line for each host"
    )


def test_a_host_that_is_not_confirmed_is_refused() -> None:
    """However long it has been in the list."""
    assert refusal(HOST, allowed=HOST) == f"this run sends load to {HOST}: confirm it by name, with --confirm {HOST}"


def test_another_host_confirms_nothing() -> None:
    """Not even one that it is a part of."""
    assert "--confirm" in refusal(HOST, allowed=HOST, confirmed=("supabase.co",))
    assert "does not name" in refusal(HOST, allowed="supabase.co\n*.supabase.co", confirmed=(HOST,))


def test_what_is_allowed_and_confirmed_passes() -> None:
    """In any case of letters, with comments beside it; nothing external needs neither."""
    allowed = read_allowed(f"# ours\n\n  {HOST.upper()}  # the test project\n")

    check_hosts([HOST], allowed=allowed, confirmed=(HOST.upper(),), allow_list="any")
    check_hosts([], allowed=(), confirmed=(), allow_list="any")


def load_of(**keys: object) -> object:
    """Return nothing; raises when 97 subscribers and 3 official clients, at 10 mutations/s for a minute, pass a cap."""
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "question": "What is the answer?",
            "subscribers": {"count": 97, "control": 3},
            "phases": [{"name": "steady", "duration_s": 60, "mutations_per_s": 10}],
        }
    )
    caps = Caps(**keys)  # type: ignore[arg-type]
    return check_caps(expect(Population(scenario, seed=1, run_id="any")), caps, where="my.toml, [limits]")


@pytest.mark.parametrize(
    ("cap", "told"),
    [
        ({"connections": 99}, "connections = 99 and it asks for 100"),
        ({"mutations": 599}, "mutations = 599 and it asks for 600"),
        ({"mutations_per_s": 9.5}, "mutations_per_s = 9.5 and it asks for 10"),
        ({"duration_s": 59}, "duration_s = 59 and it asks for 60"),
    ],
)
def test_a_cap_is_refused_by_its_name(cap: dict[str, object], told: str) -> None:
    """With both numbers, and where to change it."""
    with pytest.raises(GuardError, match="beyond the caps in my") as caught:
        load_of(**cap)

    assert told in str(caught.value)


def test_a_cap_itself_is_allowed() -> None:
    """All four at once."""
    load_of(connections=100, mutations=600, mutations_per_s=10, duration_s=60)
