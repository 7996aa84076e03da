"""Which status a PostgreSQL error has."""

import pytest

from loadtests.pipeline.gateway.rest.errors import RestRefusal, status_of


@pytest.mark.parametrize(
    ("code", "status"),
    [("23505", 409), ("23502", 400), ("22P02", 400), ("42703", 400), ("42P01", 404), ("57014", 500), ("08006", 503)],
)
def test_the_status_follows_from_the_code(code: str, status: int) -> None:
    """By the whole code, then by its class, else 400."""
    assert status_of(code, is_anonymous=False) == status_of(code, is_anonymous=True) == status


def test_who_may_not_is_asked_who_they_are_if_nobody_knows() -> None:
    """401 for a stranger, 403 for others."""
    assert (status_of("42501", is_anonymous=True), status_of("42501", is_anonymous=False)) == (401, 403)


def test_a_401_carries_its_challenge() -> None:
    """And nothing else does."""
    expired = RestRefusal(401, "PGRST303", "JWT expired")

    assert expired.challenge == 'Bearer error="invalid_token", error_description="JWT expired"'
    assert RestRefusal(401, "42501", "no").challenge == "Bearer"
    assert RestRefusal(404, "PGRST205", "no").challenge is None
