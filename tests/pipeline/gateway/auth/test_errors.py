"""One refusal, two forms."""

from loadtests.pipeline.gateway.auth.errors import AuthRefusal, weak_password

REFUSAL = AuthRefusal(400, "invalid_credentials", "Invalid login credentials")


def test_the_older_form_has_the_status_as_its_code() -> None:
    """For those who name no version, or an older one."""
    older = {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}

    assert REFUSAL.body(None) == REFUSAL.body("2023-12-31") == older


def test_the_newer_form_has_the_name_as_its_code() -> None:
    """For those who name the version that introduced it."""
    assert REFUSAL.body("2024-01-01") == {"code": "invalid_credentials", "message": "Invalid login credentials"}


def test_a_weak_password_says_why() -> None:
    """In both forms."""
    assert weak_password(6).body(None)["weak_password"] == {"reasons": ["length"]}
