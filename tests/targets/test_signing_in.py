"""A run's people sign in at the pipeline's own gateway."""

import threading

import httpx
import pytest

from loadtests.runner.interrupt import Interrupted
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.targets import residents
from loadtests.targets.accounts import Accounts, Pair
from loadtests.targets.provision_rest import new_passwords
from loadtests.targets.signing_in import sign_in
from loadtests.targets.target import TargetError
from loadtests.wire.endpoint import Endpoint
from loadtests.wire.token_limit import TokenLimit

PEOPLE = Population(
    Scenario.model_validate(
        {
            "name": "any",
            "question": "Who signs in?",
            "organizations": {"count": 1, "jobs": 0},
            "subscribers": {"count": 3, "control": 0},
            "phases": [{"name": "load", "duration_s": 5, "mutations_per_s": 1}],
        }
    ),
    seed=1,
    run_id="signing-in",
)
PASSWORDS = new_passwords(PEOPLE)


class NoneAtOnce(TokenLimit):
    """Ten seconds between any two."""

    def start_s(self, place: int) -> float:
        """Return when the request at this place may go."""
        return 10.0 * place


NONE_AT_ONCE = NoneAtOnce()


def test_everybody_signs_in_at_the_pace_of_the_limit(stack: Endpoint) -> None:
    """Each waits for its place in it; the first is looked at before anybody else signs in."""
    everybody = list(residents.people(PEOPLE))
    headers = {"apikey": stack.anon_key}
    with httpx.Client(base_url=stack.supabase_url, headers=headers) as http:
        for each in everybody:
            http.post("/auth/v1/signup", json={"email": each.email, "password": PASSWORDS[each.user_id]})
    waits: list[float] = []
    first: list[Pair] = []
    with Accounts(stack.supabase_url, stack.anon_key) as accounts:
        pairs = sign_in(
            accounts,
            PEOPLE,
            PASSWORDS,
            limit=NONE_AT_ONCE,
            wait_until_s=waits.append,
            look_at_first=first.append,
        )

    assert list(pairs) == [each.user_id for each in everybody]
    assert len({pair.refresh for pair in pairs.values()}) == len(everybody) == 4
    assert first == [pairs[everybody[0].user_id]]
    assert sorted(waits) == [10.0, 20.0, 30.0]


def test_whoever_leaves_while_people_sign_in_leaves_at_once(stack: Endpoint) -> None:
    """The caller waits by itself, where a signal is heard, and nobody else is asked for."""
    waiting: list[threading.Thread] = []

    def wait_until_s(_at_s: float) -> None:
        waiting.append(threading.current_thread())
        raise Interrupted

    everybody = list(residents.people(PEOPLE))
    account = {"email": everybody[0].email, "password": PASSWORDS[everybody[0].user_id]}
    httpx.post(f"{stack.supabase_url}/auth/v1/signup", json=account, headers={"apikey": stack.anon_key})
    with Accounts(stack.supabase_url, stack.anon_key) as accounts, pytest.raises(Interrupted):
        sign_in(
            accounts,
            PEOPLE,
            PASSWORDS,
            limit=NONE_AT_ONCE,
            wait_until_s=wait_until_s,
            look_at_first=lambda _: None,
        )

    assert waiting == [threading.current_thread()]


def test_who_is_let_in_no_more_is_told(stack: Endpoint) -> None:
    """In the words of the accounts' API."""
    unknown = dict.fromkeys(PASSWORDS, "wrong horse")
    said = r"the run's people could not sign in: the accounts' API answers 400 \(invalid_credentials\)$"

    with Accounts(stack.supabase_url, stack.anon_key) as accounts, pytest.raises(TargetError, match=said):
        sign_in(
            accounts, PEOPLE, unknown, limit=TokenLimit(), wait_until_s=lambda _: None, look_at_first=lambda _: None
        )
