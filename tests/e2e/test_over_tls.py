"""A pipeline that somebody else runs, reached by https and wss alone, and spared when it suffers.

The pipeline is the embedded one in a process of its own; the harness knows its addresses and keys, and no more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.wire.endpoint import Endpoint
from tests.drivers.tls_proxy import Authority, tls_proxy
from tests.e2e.commands import StartCommand

SMALL = tuple(
    part
    for key in (
        "organizations.count=2",
        "subscribers.count=6",
        "pollers=[{interval_s=1,count=2}]",
    )
    for part in ("--set", key)
)
"""Each person is an account that is made through the accounts' API, one by one."""


def port_of(url: str) -> int:
    """Return the port of a URL."""
    port = urlsplit(url).port
    assert port is not None
    return port


def write_target(folder: Path, stack: Endpoint, *lines: str) -> Path:
    """Write a target file and the file of its keys; the database is no part of them."""
    keys = {"anon": stack.anon_key, "service": stack.service_key, "jwt": stack.jwt_secret}
    for name, key in keys.items():
        (folder / f"{name}.key").write_text(key, encoding="utf-8")
    path = folder / "target.toml"
    text = "\n".join(
        (
            'kind = "supabase"',
            'plan = "unlimited"',
            *lines,
            "[keys]",
            'anon = { file = "anon.key" }',
            'service = { file = "service.key" }',
            'jwt_secret = { file = "jwt.key" }',
            "",
        )
    )
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def behind_tls(stack: Endpoint, folder: Path, *lines: str, trusted: bool = True) -> Iterator[Path]:
    """Put a proxy that ends TLS before both doors; yield a target file that knows these, and the authority if asked."""
    authority = Authority.make(folder)
    context = authority.context_for("localhost")
    with tls_proxy(context, port_of(stack.api_url)) as api, tls_proxy(context, port_of(stack.supabase_url)) as project:
        yield write_target(
            folder,
            stack,
            f'api_url = "https://localhost:{api.port}"',
            f'supabase_url = "https://localhost:{project.port}"',
            *(('ca_file = "authority.pem"',) if trusted else ()),
            *lines,
        )


def test_a_run_over_tls_passes(
    start: StartCommand, short_scenario: Path, stack: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Provisioning, sign-in, WebSockets, the official clients' too, re-fetches, mutations, the truth: all verified.

    The environment names a proxy that is not there, and nobody misses it.
    """
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    directory = tmp_path / "run"
    gates = 'gates=["delivery.missed_live == 0", "delivery.leaked == 0"]'  # not how soon: machines are busy
    arguments = ("run", "--no-report", short_scenario, *SMALL, "--set", gates, "--out", directory, "--target")
    with behind_tls(stack, tmp_path) as target, start(*arguments, target) as command:
        command.wait_load()
        code = command.wait_end()

    assert code == 0, command.text
    metrics = orjson.loads((directory / "metrics.json").read_bytes())
    counts, control = metrics["delivery"], metrics["control"]

    assert counts["missed_live"] == counts["leaked"] == counts["phantom"] == 0
    assert counts["delivered_once"] > 0
    assert (control["live"], control["missing"], control["surplus"]) == (2, 0, 0)
    assert control["n"] > 0


def test_a_certificate_that_is_not_trusted_is_one_sentence(
    start: StartCommand, short_scenario: Path, stack: Endpoint, tmp_path: Path
) -> None:
    """Before any load, and it says what to do."""
    arguments = ("run", short_scenario, *SMALL, "--out", tmp_path / "run", "--target")
    with behind_tls(stack, tmp_path, trusted=False) as target, start(*arguments, target) as command:
        code = command.wait_end()

    assert code == 1, command.text
    assert "is not trusted" in command.text
    assert "ca_file" in command.text
    assert "Traceback" not in command.text


def test_the_caps_of_a_target_are_kept(
    start: StartCommand, short_scenario: Path, stack: Endpoint, tmp_path: Path
) -> None:
    """By name, and before anything is made; six devices and two official clients are eight connections."""
    limits = ("limits.connections = 7", "limits.mutations = 100", "limits.duration_s = 5")
    target = write_target(
        tmp_path, stack, f'api_url = "{stack.api_url}"', f'supabase_url = "{stack.supabase_url}"', *limits
    )
    with start("run", "--no-report", short_scenario, *SMALL, "--target", target, "--out", tmp_path / "run") as command:
        code = command.wait_end()

    assert code == 2, command.text
    assert "connections = 7 and it asks for 8" in command.text
    assert "mutations = 100 and it asks for 120" in command.text
    assert "duration_s = 5 and it asks for 6" in command.text
    assert not (tmp_path / "run").exists()


def test_what_a_plan_discards_in_silence_is_not_begun(
    start: StartCommand, short_scenario: Path, stack: Endpoint, tmp_path: Path
) -> None:
    """398 devices and 2 official clients in one organization at 5 mutations/s, on the paid plan: what would fit."""
    lines = ("limits.connections = 1000", "limits.mutations = 100000")
    target = write_target(
        tmp_path, stack, f'api_url = "{stack.api_url}"', f'supabase_url = "{stack.supabase_url}"', *lines
    )
    target.write_text(target.read_text(encoding="utf-8").replace("unlimited", "pro"), encoding="utf-8")
    keys = ("organizations.count=1", "subscribers.count=398", "phases.1.duration_s=120", "phases.1.mutations_per_s=5")
    overrides = [part for key in keys for part in ("--set", key)]
    with start(
        "run", "--no-report", short_scenario, *overrides, "--target", target, "--out", tmp_path / "run"
    ) as command:
        code = command.wait_end()

    assert code == 2, command.text
    assert "silently discarded from the first minute on" in command.text
    assert "fewer than 1.25 mutations/s" in command.text
    assert not (tmp_path / "run").exists()


def test_a_target_that_suffers_is_spared_by_its_own_limits(
    start: StartCommand, short_scenario: Path, stack: Endpoint, tmp_path: Path
) -> None:
    """Its API begins to fail for half of all requests; the scenario says nothing of that, the target file does."""
    directory = tmp_path / "run"
    lines = ("limits.abort.error_share = 0.2", "limits.duration_s = 100", "limits.mutations_per_s = 100")
    target = write_target(
        tmp_path, stack, f'api_url = "{stack.api_url}"', f'supabase_url = "{stack.supabase_url}"', *lines
    )
    long = ("--set", "phases.1.duration_s=60", "--set", "subscribers.control=0")
    with start("run", "--no-report", short_scenario, *SMALL, *long, "--target", target, "--out", directory) as command:
        command.wait_load()
        fault = {"kind": "errors", "share": 0.5, "duration_s": 15, "seed": 1}
        httpx.post(f"{stack.control_url}/faults", json=fault).raise_for_status()
        code = command.wait_end()

    (ended,) = History.read(directory).of(Kind.ENDED)
    verdict = orjson.loads((directory / "verdict.json").read_bytes())

    assert code == 4, command.text
    assert ended["flag"] == 0
    assert "aborted before its end, to spare the target" in " ".join(verdict["reasons"])
