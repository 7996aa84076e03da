"""Whether given tokens last until a run's planned end."""

from loadtests.scenario.given import Given
from loadtests.scenario.model import Scenario
from loadtests.targets.token_times import (
    Ending,
    cannot_be_renewed,
    endings,
    planned_end_s,
    refusal,
    users_of,
)
from loadtests.wire.tokens import mint

SCENARIO = Scenario.model_validate(
    {
        "name": "any",
        "question": "Do tokens last?",
        "drain_s": 40,
        "organizations": {"count": 1},
        "subscribers": {"count": 3, "connects_per_s": 1, "live_within_s": 10},
        "pollers": [{"interval_s": 5, "count": 2}],
        "phases": [{"name": "load", "duration_s": 100, "mutations_per_s": 1}],
    }
)
GIVEN = Given(organizations=("o1",), authors=("a",), members=(("u", "v"),))


def token(expires_at_s: int) -> str:
    """Return a token that ends then."""
    return mint("a secret that is long enough for it", role="authenticated", expires_at_s=expires_at_s)


def test_a_run_ends_when_all_have_logged_in_loaded_and_drained() -> None:
    """The start, five logins a second apart, the slowest to become live, load, drain."""
    assert planned_end_s(SCENARIO, now_s=1000) == 1000 + 30 + 5 + 10 + 100 + 40


def test_who_changes_jobs_and_who_has_devices_needs_a_token() -> None:
    """Each once, however many devices they have."""
    assert users_of(GIVEN, SCENARIO) == ("a", "u", "v")


def test_tokens_that_end_before_the_run_are_found() -> None:
    """The first to end first; one that tells nothing of its end is taken to last."""
    tokens = {"a": token(1500), "u": token(1999), "v": token(2000), "w": "opaque", "x": token(1)}

    found = endings(tokens, ("u", "a", "v", "w"), until_s=2000)

    assert found == (Ending(1500, "a", None), Ending(1999, "u", None))


def test_who_cannot_be_renewed_is_who_has_no_refresh_token() -> None:
    """However long a fresh token would last: it is renewed again."""
    found = (Ending(1100, "a", 600), Ending(1200, "u", 3600), Ending(1300, "v", None))

    assert [each.user_id for each in cannot_be_renewed(found, ("a", "v"))] == ["u"]


def test_the_refusal_says_whose_until_when_and_what_helps() -> None:
    """In the target's time, which is everybody's."""
    found = (Ending(1_700_000_000, "a", 600), Ending(1_700_000_100, "u", None))

    told = refusal(found, now_s=1_699_999_900, until_s=1_700_000_300)

    assert told == (
        "auth.csv: the access token of user a lasts until 2023-11-14 22:13:20 UTC, and the run until 2023-11-14 "
        "22:18:20 UTC at the latest, and one more ends too soon: give a column refresh_token with what signing in has "
        "told (and supabase_url, where sessions are renewed), raise the lifetime of access tokens in the project, or "
        "make the run shorter"
    )
    assert "user a lasted until" in refusal(found[:1], now_s=1_700_000_050, until_s=1_700_000_900)
