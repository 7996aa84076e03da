"""Target files: what they lead to, and what is refused by its key."""

from pathlib import Path

import pytest

from loadtests.targets.target_file import OpenedTarget, TargetFileError, read_status, read_target_file, way_in
from tests.drivers.tls_proxy import Authority

ENVIRONMENT = {"ANON": "anon-key", "SERVICE": "service-key", "SECRET": "jwt-secret", "DSN": "postgresql://owner@db/app"}
HOSTED = """
kind = "supabase"
supabase_url = "https://abc.supabase.co/"
api_url = "https://api.example.com"
"""
KEYS = """
[keys]
anon = { env = "ANON" }
service = { env = "SERVICE" }
jwt_secret = { env = "SECRET" }
"""


def opened(folder: Path, text: str) -> OpenedTarget:
    """Return what a file with this text leads to."""
    path = folder / "target.toml"
    path.write_text(text, encoding="utf-8")
    return read_target_file(path, ENVIRONMENT)


def test_a_hosted_project_is_reached_by_its_reference(tmp_path: Path) -> None:
    """The WebSocket lies below the project, encrypted as the project is."""
    target = opened(tmp_path, HOSTED + KEYS)

    assert target.realtime_url == "wss://abc.supabase.co/realtime/v1/websocket"
    assert target.supabase_url == "https://abc.supabase.co"
    assert (target.anon_key, target.service_key, target.jwt_secret) == ("anon-key", "service-key", "jwt-secret")


def test_a_bare_realtime_has_an_address_of_its_own(tmp_path: Path) -> None:
    """And finds its tenant by the Host header."""
    text = """
    kind = "supabase"
    realtime_url = "ws://127.0.0.1:4000/socket/websocket"
    realtime_host = "tenant.example.com"
    api_url = "http://127.0.0.1:3001"
    """
    target = opened(tmp_path, text + KEYS + 'database = { env = "DSN" }\n')

    assert target.realtime_url == "ws://127.0.0.1:4000/socket/websocket"
    assert target.file.realtime_host == "tenant.example.com"
    assert way_in(target) == "sql"


def test_a_local_stack_tells_its_keys_itself(tmp_path: Path) -> None:
    """What `supabase status -o env` printed is enough."""
    (tmp_path / "status.env").write_text(
        'API_URL="http://127.0.0.1:54321"\nANON_KEY="a"\nSERVICE_ROLE_KEY="s"\nJWT_SECRET="j"\nDB_URL="postgresql://x"\n',
        encoding="utf-8",
    )
    text = 'kind = "supabase"\nsupabase_status = "status.env"\napi_url = "http://127.0.0.1:3001"\n'

    target = opened(tmp_path, text)

    assert target.realtime_url == "ws://127.0.0.1:54321/realtime/v1/websocket"
    assert (target.anon_key, target.database_url) == ("a", "postgresql://x")


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """Beside the target file, without the newline at its end."""
    (tmp_path / "anon.key").write_text("from-a-file\n", encoding="utf-8")
    keys = KEYS.replace('{ env = "ANON" }', '{ file = "anon.key" }')

    assert opened(tmp_path, HOSTED + keys).anon_key == "from-a-file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HOSTED, "keys.anon is missing"),
        (HOSTED + '[keys]\nanon = { env = "ANON" }\n', 'auth.users = "mint" needs keys.jwt_secret'),
        (HOSTED + KEYS + '[auth]\nusers = "csv"\n', "auth: users"),
        (HOSTED + KEYS.replace("ANON", "NOWHERE"), "the environment has no NOWHERE; export it"),
        (HOSTED + KEYS.replace('{ env = "ANON" }', '"eyJhbGciOi"'), "keys.anon"),
        (HOSTED + KEYS.replace('{ env = "ANON" }', '{ file = "gone.key" }'), "gone.key cannot be read"),
        (HOSTED + KEYS + '[provision]\nthrough = "sql"\n', "needs keys.database"),
        (HOSTED + KEYS + '[provision]\nthrough = "nothing"\n', 'auth.users = "csv"'),
        (HOSTED.replace("https://api", "ftp://api") + KEYS, "no http:// or https:// URL"),
        (HOSTED.replace('supabase_url = "https://abc.supabase.co/"', "") + KEYS, "give supabase_url, or realtime_url"),
        (HOSTED + 'realtime_host = "http://tenant"\n' + KEYS, "'http://tenant' is no host"),
        (HOSTED + "colour = 1\n" + KEYS, "colour"),
        ("kind = ", "is no TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    """And never with the secret that may have been written there."""
    with pytest.raises(TargetFileError) as refused:
        opened(tmp_path, text)

    assert said in str(refused.value)
    assert "eyJhbGciOi" not in str(refused.value)


def test_a_file_that_is_not_there_is_named() -> None:
    """With its path."""
    with pytest.raises(TargetFileError, match=r"nowhere\.toml cannot be read"):
        read_target_file(Path("nowhere.toml"), {})


def test_what_is_kept_with_a_run_holds_no_secret(tmp_path: Path) -> None:
    """The file says where secrets are, and the manifest keeps the file alone."""
    target = opened(tmp_path, HOSTED + KEYS)

    kept = target.file.model_dump_json()

    assert target.secrets == ("anon-key", "service-key", "jwt-secret")
    assert not [secret for secret in target.secrets if secret in kept]


def test_lines_that_are_no_settings_are_passed_over() -> None:
    """The tool may say other things too."""
    assert read_status('Stopped services: []\nANON_KEY="k"\n') == {"ANON_KEY": "k"}


def test_an_authority_that_cannot_be_read_is_refused_by_its_path(tmp_path: Path) -> None:
    """Seen from the target file, and before anything is started."""
    with pytest.raises(TargetFileError, match=r"target\.toml: ca_file .*authority\.pem cannot be used"):
        opened(tmp_path, HOSTED + 'ca_file = "authority.pem"\n' + KEYS)


def test_an_authority_is_found_beside_the_file(tmp_path: Path) -> None:
    """Wherever the command is given."""
    Authority.make(tmp_path)

    assert opened(tmp_path, HOSTED + 'ca_file = "authority.pem"\n' + KEYS).ca_file == str(tmp_path / "authority.pem")


@pytest.mark.parametrize(
    "line",
    [
        'realtime_url = "wss://abc.supabase.co/realtime/v1/websocket?apikey=pa55word"',
        'realtime_url = "wss://me:pa55word@abc.supabase.co/socket/websocket"',
    ],
)
def test_a_url_that_holds_a_key_is_refused_without_a_word_of_it(tmp_path: Path, line: str) -> None:
    """All that a target file says stands in the manifest and in the report."""
    with pytest.raises(TargetFileError, match="realtime_url: a URL names a place alone") as refused:
        opened(tmp_path, f"{HOSTED}{line}\n{KEYS}")

    assert "pa55" not in str(refused.value)


def test_a_row_that_could_not_be_found_again_is_refused(tmp_path: Path) -> None:
    """It would stay in the target after the run."""
    row = '[[provision.each_user]]\ntable = "terms"\nvalues = { version = 3 }\n'

    with pytest.raises(TargetFileError, match=r"a row of terms names neither \{organization\} nor \{user\}"):
        opened(tmp_path, HOSTED + KEYS + row)


def test_a_target_that_is_printed_shows_no_secret(tmp_path: Path) -> None:
    """Where it is, and nothing that opens it."""
    printed = repr(opened(tmp_path, HOSTED + KEYS))

    assert "abc.supabase.co" in printed
    assert not [secret for secret in ("anon-key", "service-key", "jwt-secret") if secret in printed]
