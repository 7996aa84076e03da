"""Tokens are checked whole and every time; organizations are chosen by membership alone."""

import jwt
import pytest

from loadtests.pipeline.api.auth import TokenCheck, choose_membership
from loadtests.pipeline.api.errors import Refusal
from loadtests.wire.tokens import mint

SECRET = "a secret of the tests, which is long enough"
PERSON = "11111111-1111-4111-8111-111111111111"
HOME = "22222222-2222-4222-8222-222222222222"
OTHER = "33333333-3333-4333-8333-333333333333"


def membership(organization: str | None, *, home: str | None = None, disabled: bool = False) -> dict[str, object]:
    """Return a row as the look-up returns it."""
    return {"home": home, "disabled": disabled, "organization_id": organization, "role": "member"}


def test_a_valid_token_proves_its_subject() -> None:
    """Signature, role and expiry are right."""
    token = mint(SECRET, role="authenticated", subject=PERSON, expires_at_s=100)

    assert TokenCheck(SECRET).subject(f"Bearer {token}", 99) == PERSON


def test_a_remembered_token_still_expires() -> None:
    """What was valid a second ago is refused at its `exp`."""
    tokens = TokenCheck(SECRET)
    token = mint(SECRET, role="authenticated", subject=PERSON, expires_at_s=100)
    tokens.subject(f"Bearer {token}", 99)

    with pytest.raises(Refusal) as refused:
        tokens.subject(f"Bearer {token}", 100)

    assert (refused.value.status, refused.value.message) == (401, "Unauthorized - Invalid token")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "No token provided"),
        ("Basic abc", "No token provided"),
        ("Bearer ", "Invalid token format"),
        ("Bearer two.parts", "Invalid token format"),
        ("Bearer a..c", "Invalid token format"),
        ("Bearer a.b.c", "Invalid token"),
        ("Bearer " + mint("x" * 40, role="authenticated", subject=PERSON, expires_at_s=100), "Invalid token"),
        ("Bearer " + mint(SECRET, role="anon", subject=PERSON, expires_at_s=100), "Invalid token"),
        ("Bearer " + mint(SECRET, role="service_role", expires_at_s=100), "Invalid token"),
        ("Bearer " + mint(SECRET, role="authenticated", subject="me", expires_at_s=100), "Invalid token"),
        ("Bearer " + jwt.encode({"role": "authenticated", "sub": PERSON}, SECRET), "Invalid token"),
        (
            "Bearer " + jwt.encode({"role": "authenticated", "sub": PERSON, "exp": 100}, None, algorithm="none") + "x",
            "Invalid token",
        ),
    ],
)
def test_what_proves_nobody_is_refused(header: str | None, message: str) -> None:
    """Each with the text that says which check failed."""
    with pytest.raises(Refusal) as refused:
        TokenCheck(SECRET).subject(header, 50)

    assert (refused.value.status, refused.value.message) == (401, f"Unauthorized - {message}")


def test_the_only_membership_needs_no_choice() -> None:
    """Whether or not it is the home."""
    assert choose_membership(PERSON, [membership(OTHER)], None).organization_id == OTHER


def test_the_home_organization_wins_when_none_is_asked_for() -> None:
    """Among several memberships."""
    rows = [membership(OTHER, home=HOME), membership(HOME, home=HOME)]

    assert choose_membership(PERSON, rows, None).organization_id == HOME


def test_the_organization_asked_for_wins_over_the_home() -> None:
    """In any case of letters."""
    rows = [membership(OTHER, home=HOME), membership(HOME, home=HOME)]

    assert choose_membership(PERSON, rows, OTHER.upper()).organization_id == OTHER


@pytest.mark.parametrize(
    ("rows", "wanted", "code"),
    [
        ([], None, "USER_NOT_PROVISIONED"),
        ([membership(HOME, disabled=True)], None, None),
        ([membership(None)], None, "NO_ORGANIZATION"),
        ([membership(None, home=HOME)], None, "NO_ORGANIZATION"),
        ([membership(HOME)], OTHER, "ORGANIZATION_NOT_ACCESSIBLE"),
        ([membership(HOME)], "not an id", "ORGANIZATION_NOT_ACCESSIBLE"),
        ([membership(HOME), membership(OTHER)], None, "ORGANIZATION_SELECTION_REQUIRED"),
    ],
)
def test_people_without_a_membership_to_act_in_are_refused(
    rows: list[dict[str, object]], wanted: str | None, code: str | None
) -> None:
    """With the code that says why."""
    with pytest.raises(Refusal) as refused:
        choose_membership(PERSON, rows, wanted)

    assert (refused.value.status, refused.value.code) == (403, code)
