"""When sessions are renewed: literal times in, literal times out; and what holds for all of them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.targets.session_plan import (
    Session,
    expected_renewals,
    is_final,
    latest_starts,
    margin_s,
    most_people,
    next_due,
    overdue,
    wait_s,
)
from loadtests.wire.token_limit import TokenLimit
from tests.targets.tokens import token


def session(user_id: str, *, expires_s: int, lasts_s: int | None = 3600, not_before_s: float = 0) -> Session:
    """Return somebody's session."""
    return Session(
        user_id=user_id,
        token="t",
        refresh_token="r",
        expires_at_s=expires_s,
        lasts_s=lasts_s,
        not_before_s=not_before_s,
    )


def test_sessions_that_end_together_are_drawn_apart_from_the_last_backwards() -> None:
    """Nobody is too late, and nobody sooner than need be."""
    assert latest_starts([100, 100, 100, 120], 5) == [90, 95, 100, 120]
    assert latest_starts([], 5) == []


@given(deadlines=st.lists(st.integers(0, 10_000), max_size=50).map(sorted), gap=st.integers(1, 100))
def test_no_plan_could_start_later(deadlines: list[int], gap: int) -> None:
    """Each start is by its deadline and a gap before the next; a second later for any breaks one of both."""
    starts = latest_starts(deadlines, gap)

    assert all(start <= deadline for start, deadline in zip(starts, deadlines, strict=True))
    assert all(after - before >= gap for before, after in pairwise(starts))
    for place, start in enumerate(starts):
        following = starts[place + 1] if place + 1 < len(starts) else float("inf")
        assert start + 1 > deadlines[place] or following - (start + 1) < gap


def test_the_margin_is_the_scenarios_and_a_quarter_of_a_short_life() -> None:
    """A token that does not say when it was issued has a life of unknown length."""
    assert (margin_s(3600, 60), margin_s(8, 60), margin_s(None, 60)) == (60, 2, 60)


def test_the_next_one_is_who_has_to_begin_first() -> None:
    """Two end at 1000, a minute before is the deadline, and ten seconds are kept between them."""
    sessions = [session("b", expires_s=1000), session("a", expires_s=1000), session("c", expires_s=5000)]

    due = next_due(sessions, wanted_margin_s=60, gap_s=10, free_at_s=0)

    assert due is not None
    assert (due.session.user_id, due.at_s) == ("a", 930)


def test_nobody_begins_before_the_gap_is_over_or_their_wait() -> None:
    """Who was refused waits, and lets others pass; a limit holds for all."""
    waiting, other = session("a", expires_s=1000, not_before_s=990), session("b", expires_s=1000)

    first = next_due([waiting, other], wanted_margin_s=60, gap_s=10, free_at_s=0)
    limited = next_due([waiting, other], wanted_margin_s=60, gap_s=10, free_at_s=2000)

    assert first is not None
    assert limited is not None
    assert (first.session.user_id, first.at_s) == ("b", 940)
    assert (limited.session.user_id, limited.at_s) == ("b", 2000)


def test_a_renewed_session_is_as_its_new_token_says() -> None:
    """What failed before is forgotten; one that does not tell its end is taken to last."""
    before = session("a", expires_s=1000, not_before_s=990)

    after = before.renewed(token(issued_s=900, expires_s=1900), "r2")

    assert after is not None
    assert (after.expires_at_s, after.lasts_s, after.refresh_token) == (1900, 1000, "r2")
    assert (after.attempts, after.not_before_s) == (0, 0)
    assert before.renewed("opaque", "r2") is None


@given(
    wanted=st.integers(1, 30),
    lasts=st.integers(200, 3600),
    gap=st.integers(1, 60),
)
def test_sessions_that_can_be_kept_alive_are(wanted: int, lasts: int, gap: int) -> None:
    """Played for three lives of a token: as many as `most_people` says are renewed before they end, a gap apart.

    They sign in a gap apart as well, as a run has it.
    """
    people = min(wanted, most_people(lasts, wanted_margin_s=60, gap_s=gap))
    ends = {
        f"{place:02}": session(f"{place:02}", expires_s=gap * place + lasts, lasts_s=lasts) for place in range(people)
    }
    now, free_at = gap * people, float(gap * people)
    while people and now < 3 * lasts:
        due = next_due(ends.values(), wanted_margin_s=60, gap_s=gap, free_at_s=free_at)
        assert due is not None
        now = round(max(due.at_s, now))
        assert due.session.expires_at_s > now
        ends[due.session.user_id] = session(due.session.user_id, expires_s=now + lasts, lasts_s=lasts)
        free_at = now + gap


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (400, True),
        (401, True),
        (403, True),
        (404, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
        (0, False),
    ],
)
def test_what_is_wrong_is_wrong_tomorrow(status: int, *, final: bool) -> None:
    """A limit, a broken server and a lost answer are of the moment."""
    assert is_final(status) is final


def test_the_wait_doubles_and_heeds_what_was_asked_for() -> None:
    """No longer than half a minute of its own."""
    assert [wait_s(attempts, None) for attempts in (1, 2, 3, 9, 99)] == [2, 4, 8, 30, 30]
    assert (wait_s(1, 120.0), wait_s(3, 1.0)) == (120, 8)


def test_renewals_are_counted_until_the_end_of_the_run() -> None:
    """A token of an hour lasts a run of an hour less a minute; six hours take six."""
    assert expected_renewals(3600, 3600, wanted_margin_s=60, now_s=0, until_s=3540) == 0
    assert expected_renewals(3600, 3600, wanted_margin_s=60, now_s=0, until_s=3541) == 1
    assert expected_renewals(3600, 3600, wanted_margin_s=60, now_s=0, until_s=6 * 3600) == 6


def test_a_token_that_has_ended_is_renewed_now_and_not_as_often_as_it_was_not() -> None:
    """A file of yesterday: once, and the fresh one lasts."""
    assert expected_renewals(3600, 3600, wanted_margin_s=60, now_s=90_000, until_s=90_400) == 1


USUAL = TokenLimit()


def overdue_of(sessions: list[Session], *, from_s: float) -> list[str]:
    """Return who renews at once."""
    return [each.user_id for each in overdue(sessions, wanted_margin_s=60, limit=USUAL, from_s=from_s)]


def test_who_cannot_wait_for_a_turn_renews_at_once() -> None:
    """100 tokens that end together are renewed one every 2.5 s from 247.5 s before their deadline on, and not later."""
    together = [session(f"u{place:03}", expires_s=4060) for place in range(100)]

    assert overdue_of(together, from_s=4000 - 247.5) == []
    assert overdue_of(together, from_s=4000 - 247.4) == ["u000"]
    assert overdue_of([*together, session("z", expires_s=100)], from_s=3000) == ["z"]


def test_who_comes_to_an_end_while_others_renew_cannot_wait_either() -> None:
    """Beyond the first thirty each of them takes 2.5 s, as long as the next one has: nobody can be left to the run."""
    ended = [session(f"a{place:02}", expires_s=1000) for place in range(60)]
    ending = [session(f"b{place:02}", expires_s=5060 + place) for place in range(20)]
    sooner = [session(f"b{place:02}", expires_s=5110 + place) for place in range(20)]

    assert overdue_of([*ended, *sooner], from_s=5000 - 75) == [each.user_id for each in ended]
    assert overdue_of([*ended, *ending], from_s=5000 - 75) == [each.user_id for each in (*ended, *ending)]


def test_how_many_sessions_an_hour_has_room_for() -> None:
    """3,540 useful seconds, one every 2.5 s."""
    assert most_people(3600, wanted_margin_s=60, gap_s=2.5) == 1416
