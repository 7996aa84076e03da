"""Whom a target's certificate is believed, and what is said when it is not."""

import ssl
from pathlib import Path

import pytest

from loadtests.wire.tls import TlsError, client_context, explain, is_unreachable
from tests.drivers.tls_proxy import Authority


def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Neither a file that is not there nor one that holds something else."""
    (tmp_path / "none.pem").write_text("no certificate", encoding="utf-8")
    for name in ("missing.pem", "none.pem"):
        with pytest.raises(TlsError, match=f"ca_file .*{name} cannot be used"):
            client_context(str(tmp_path / name))


def test_an_authority_of_one_s_own_comes_on_top(tmp_path: Path) -> None:
    """A private backend beside a hosted project: both are trusted."""
    own, machine = client_context(str(Authority.make(tmp_path).ca_file)), client_context()

    assert own.cert_store_stats()["x509_ca"] == machine.cert_store_stats()["x509_ca"] + 1
    assert own.verify_mode is ssl.CERT_REQUIRED
    assert own.check_hostname


def test_clear_text_behind_https_is_told() -> None:
    """A port that was mistaken for another."""
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    wrapped = ConnectionError("by somebody's library")
    wrapped.__cause__ = error

    assert explain(error, "example.org:80").startswith("example.org:80 does not speak TLS on this port")
    assert explain(wrapped, "example.org:80") == explain(error, "example.org:80")
    assert is_unreachable(wrapped)


def test_a_host_that_is_not_there_is_told() -> None:
    """Whichever library has wrapped it; an error that is about something else keeps its words."""
    wrapped = RuntimeError("by somebody's library")
    wrapped.__context__ = ConnectionRefusedError(111, "Connection refused")
    unknown = OSError(-2, "Name or service not known")

    assert (
        explain(wrapped, "example.org:1") == "nothing listens at example.org:1: is it running, and is the port right?"
    )
    assert explain(unknown, "nowhere") == (
        "nowhere has no address (Name or service not known): is the name right, and is there a network?"
    )
    assert explain(TimeoutError("after 5 s"), "example.org") == (
        "example.org does not answer in time: it hangs, or something on the way drops packets"
    )
    assert explain(ValueError("no"), "example.org") == "no"
    assert (is_unreachable(wrapped), is_unreachable(ValueError("no"))) == (True, False)
