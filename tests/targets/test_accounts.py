"""Passwords and refresh tokens, exchanged at the pipeline's own gateway."""

from uuid import uuid4

import httpx
import pytest

from loadtests.targets.accounts import Accounts, NoPairError
from loadtests.wire.endpoint import Endpoint

PASSWORD = "long enough for anybody"


def signed_up(stack: Endpoint) -> str:
    """Return the address of somebody who has an account."""
    email = f"{uuid4()}@example.org"
    headers = {"apikey": stack.anon_key}
    httpx.post(f"{stack.supabase_url}/auth/v1/signup", json={"email": email, "password": PASSWORD}, headers=headers)
    return email


def test_a_password_and_then_each_refresh_token_once_give_a_pair(stack: Endpoint) -> None:
    """The newest access token opens the user."""
    email = signed_up(stack)
    with Accounts(stack.supabase_url, stack.anon_key) as accounts:
        first = accounts.sign_in(email, PASSWORD)
        second = accounts.refresh(first.refresh)
        third = accounts.refresh(second.refresh)

    assert len({first.refresh, second.refresh, third.refresh}) == 3
    bearer = {"apikey": stack.anon_key, "authorization": f"Bearer {third.access}"}
    assert httpx.get(f"{stack.supabase_url}/auth/v1/user", headers=bearer).json()["email"] == email
    assert third.access not in repr(third)
    assert third.refresh not in repr(third)


def test_a_refusal_has_the_status_and_the_name_and_nothing_secret(stack: Endpoint) -> None:
    """As GoTrue calls it."""
    with Accounts(stack.supabase_url, stack.anon_key) as accounts:
        with pytest.raises(NoPairError) as password:
            accounts.sign_in(signed_up(stack), "wrong horse")
        with pytest.raises(NoPairError) as refresh:
            accounts.refresh("made-up")

    assert str(password.value) == "the accounts' API answers 400 (invalid_credentials)"
    assert str(refresh.value) == "the accounts' API answers 400 (refresh_token_not_found)"
    assert (refresh.value.status, refresh.value.retry_after_s) == (400, None)


def test_nobody_there_is_no_status() -> None:
    """What was asked for may still have been done."""
    with Accounts("http://127.0.0.1:9", "key") as accounts, pytest.raises(NoPairError, match="cannot be reached") as no:
        accounts.refresh("r1")

    assert no.value.status == 0
