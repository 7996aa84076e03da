"""What keeping sessions alive comes to, in numbers and in words."""

from loadtests.checks.preflight import Severity
from loadtests.scenario.model import Scenario
from loadtests.targets.sessions import Upkeep, finding, lasts_s, sessions_of, too_many, upkeep
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


def test_who_takes_longer_to_sign_in_than_tokens_last_is_refused_after_the_first() -> None:
    """1,500 people sign in for an hour and a minute: the first ones' tokens end before a run of five seconds."""
    brief = Scenario.model_validate(
        {
            "name": "any",
            "question": "Can they be kept?",
            "phases": [{"name": "load", "duration_s": 5, "mutations_per_s": 1}],
        }
    )
    first = token(issued_s=0, expires_s=HOUR_S)

    assert too_many(first, 100, brief, limit=USUAL, now_s=0) is None
    assert "keeps 1,416 sessions alive" in str(too_many(first, 1500, brief, limit=USUAL, now_s=0))
    assert too_many(first, 1500, brief, limit=TokenLimit(1500), now_s=0) is None


def test_the_shortest_life_counts() -> None:
    """Who does not say has the usual one."""
    found = (Ending(100, "a", 900), Ending(200, "b", None), Ending(300, "c", HOUR_S))

    assert upkeep(found, margin_s=60, limit=USUAL).lasts_s == 900
    assert upkeep(found[1:2], margin_s=60, limit=USUAL).lasts_s == HOUR_S
    assert (lasts_s(token(issued_s=10, expires_s=70)), lasts_s("opaque")) == (60, HOUR_S)


def test_the_dry_run_counts_every_token_that_is_asked_for() -> None:
    """Ten people sign in and renew three times in three hours and a half."""
    told = finding([(HOUR_S, HOUR_S)] * 10, sign_ins=10, margin_s=60, now_s=0, until_s=3.5 * HOUR_S, limit=USUAL)

    assert (told.expected, told.severity) == (10 + 30, Severity.FINE)
    assert told.says == "10 sign-ins and 30 renewals of sessions, 2.5 s apart when there are many"


def test_signing_in_that_takes_long_is_a_warning() -> None:
    """Ninety people: thirty at once, the others 2.5 s apart."""
    told = finding([], sign_ins=90, margin_s=60, now_s=0, until_s=100, limit=USUAL)

    assert told.severity is Severity.WARNED
    assert told.says.endswith("; signing in takes 150 s, before the load")


def test_renewing_before_the_load_that_takes_long_is_a_warning() -> None:
    """A file of yesterday with ninety people."""
    told = finding([(0, HOUR_S)] * 90, sign_ins=0, at_once=90, margin_s=60, now_s=90_000, until_s=90_500, limit=USUAL)

    assert (told.expected, told.severity) == (90, Severity.WARNED)
    assert told.says.endswith("; renewing 90 sessions that end too soon takes 150 s, before the load")


def test_what_the_limit_makes_certain_to_fail_is_told_by_the_dry_run() -> None:
    """In the words of the refusal that would follow."""
    told = finding([(HOUR_S, HOUR_S)] * 2000, sign_ins=0, margin_s=60, now_s=0, until_s=2 * HOUR_S, limit=USUAL)

    assert told.is_hit
    assert told.severity is Severity.WARNED
    assert told.says.startswith("2,000 people have tokens that last 3,600 s")
    assert "of which 1,416 can be renewed" in told.arithmetic
