"""What keeping sessions alive comes to, in numbers and in words."""

from loadtests.checks.preflight import Severity
from loadtests.targets.sessions import Upkeep, finding, lasts_s, sessions_of, upkeep
from loadtests.targets.token_times import Ending
from loadtests.wire.token_limit import TokenLimit
from tests.targets.tokens import token

USUAL = TokenLimit()
HOUR_S = 3600


def test_sessions_are_of_those_who_end_and_can_be_refreshed() -> None:
    """The others are refused elsewhere, by name."""
    found = (Ending(100, "a", 60), Ending(200, "b", 60))

    sessions = sessions_of(found, {"a": "ta", "b": "tb"}, {"b": "rb", "c": "rc"})

    assert [(each.user_id, each.token, each.refresh_token) for each in sessions] == [("b", "tb", "rb")]
    assert "tb" not in repr(sessions)
    assert "rb" not in repr(sessions)


def test_more_sessions_than_the_limit_keeps_alive_are_refused() -> None:
    """1,416 of an hour are one every 2.5 s; the sentence says what would help."""
    fits = Upkeep(people=1416, lasts_s=HOUR_S, margin_s=60, limit=USUAL)
    too_many = Upkeep(people=1770, lasts_s=HOUR_S, margin_s=60, limit=USUAL)

    assert fits.refusal() is None
    assert too_many.refusal() == (
        "1,770 people have tokens that last 3,600 s and have to be renewed in the run, and a project that gives 150 "
        "tokens in five minutes to one address keeps 1,416 sessions alive: ask for fewer people, give "
        "auth.tokens_per_5_minutes = 188 if the project allows that, raise the lifetime of access tokens in the "
        "project, or make the run shorter than they last"
    )
    raised = Upkeep(people=1770, lasts_s=HOUR_S, margin_s=60, limit=TokenLimit(188))
    assert raised.refusal() is None


def test_the_shortest_life_counts() -> None:
    """Who does not say has the usual one."""
    found = (Ending(100, "a", 900), Ending(200, "b", None), Ending(300, "c", HOUR_S))

    assert upkeep(found, margin_s=60, limit=USUAL).lasts_s == 900
    assert upkeep(found[1:2], margin_s=60, limit=USUAL).lasts_s == HOUR_S
    assert (lasts_s(token(issued_s=10, expires_s=70)), lasts_s("opaque")) == (60, HOUR_S)


def test_the_dry_run_counts_every_token_that_is_asked_for() -> None:
    """Ten people sign in and renew three times in three hours and a half."""
    told = finding([(HOUR_S, HOUR_S)] * 10, sign_ins=10, margin_s=60, until_s=3.5 * HOUR_S, limit=USUAL)

    assert (told.expected, told.severity) == (10 + 30, Severity.FINE)
    assert told.says == "10 sign-ins and 30 renewals of sessions, 2.5 s apart when there are many"


def test_signing_in_that_takes_long_is_a_warning() -> None:
    """Ninety people: thirty at once, the others 2.5 s apart."""
    told = finding([], sign_ins=90, margin_s=60, until_s=100, limit=USUAL)

    assert told.severity is Severity.WARNED
    assert told.says.endswith("; signing in takes 150 s, before the load")


def test_what_the_limit_makes_certain_to_fail_is_told_by_the_dry_run() -> None:
    """In the words of the refusal that would follow."""
    told = finding([(HOUR_S, HOUR_S)] * 2000, sign_ins=0, margin_s=60, until_s=2 * HOUR_S, limit=USUAL)

    assert told.is_hit
    assert told.severity is Severity.WARNED
    assert told.says.startswith("2,000 people have tokens that last 3,600 s")
    assert "of which 1,416 can be renewed" in told.arithmetic
