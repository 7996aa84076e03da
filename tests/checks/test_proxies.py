"""What is said of proxies that are not used."""

import pytest

from loadtests.checks.proxies import proxy_note

HOSTS = ("api.example.com", "abc.supabase.co")


def test_a_proxy_is_named_by_its_variable_and_never_by_its_address() -> None:
    """There may be a password in it."""
    note = proxy_note({"HTTPS_PROXY": "http://me:secret@proxy:3128", "PATH": "/bin"}, HOSTS)

    assert note is not None
    assert note.startswith("HTTPS_PROXY names a proxy, which the harness does not use")
    assert "connect to api.example.com, abc.supabase.co directly" in note
    assert "secret" not in note


def test_all_of_them_are_named() -> None:
    """In whichever case they are written."""
    note = proxy_note({"all_proxy": "socks5://x", "HTTP_PROXY": "http://x"}, HOSTS)

    assert note is not None
    assert note.startswith("HTTP_PROXY and all_proxy name proxies")


@pytest.mark.parametrize(
    ("environment", "hosts"),
    [({}, HOSTS), ({"HTTP_PROXY": ""}, HOSTS), ({"NO_PROXY": "*"}, HOSTS), ({"HTTP_PROXY": "http://x"}, ())],
)
def test_where_there_is_none_or_nothing_but_this_machine_nothing_is_said(
    environment: dict[str, str], hosts: tuple[str, ...]
) -> None:
    """An exception from proxies is none, nor is an empty variable."""
    assert proxy_note(environment, hosts) is None
