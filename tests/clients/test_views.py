"""What a list shows after answers, by each rule; jobs are letters, the later in the alphabet the newer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.requests import Cause, RequestKey
from loadtests.clients.views import Item, View, ViewRule

LIST = RequestKey.job_list(limit=3)
LIMIT = 3


def items(*words: str) -> list[Item]:
    """Return items such as `b2`: job b in version 2."""
    return [Item(job=word[0], version=int(word[1:]), created_ns=ord(word[0])) for word in words]


def after(rule: ViewRule, *answers: tuple[Cause, str]) -> View:
    """Return a view after answers of the list, each written as words."""
    view = View(rule, list_limit=LIMIT)
    for cause, words in answers:
        view.answer(LIST, cause, items(*words.split()))
    return view


def shown(view: View) -> list[str]:
    """Return what the list shows, as words."""
    return [f"{job}{view.shows(job)}" for job in view.listed]


FIRST = (Cause.CATCH_UP, "d1 c1 b1")


@pytest.mark.parametrize(
    ("rule", "answer", "expected"),
    [
        (ViewRule.REPLACE, "e1 d2 c1", "e1 d2 c1"),
        (ViewRule.REPLACE, "d1 b1 a1", "d1 b1 a1"),
        (ViewRule.REPLACE, "", ""),
        (ViewRule.MERGE, "e1 d2 c1", "e1 d2 c1 b1"),
        (ViewRule.MERGE, "d1 b1 a1", "d1 b1 a1"),
        (ViewRule.MERGE, "d1 b1", "d1 b1"),
        (ViewRule.MERGE, "", ""),
        (ViewRule.MERGE_KEEP, "f1 e1 d2", "e1 f1 d2 c1 b1"),
        (ViewRule.MERGE_KEEP, "d1 b1 a1", "a1 d1 c1 b1"),
        (ViewRule.MERGE_KEEP, "d1 b1", "d1 c1 b1"),
        (ViewRule.MERGE_KEEP, "", "d1 c1 b1"),
    ],
)
def test_what_becomes_of_a_list_after_an_event(rule: ViewRule, answer: str, expected: str) -> None:
    """Shown before: d, c, b. New jobs push old ones off the page; c is archived; the page is no longer full; empty."""
    assert shown(after(rule, FIRST, (Cause.FLUSH, answer))) == expected.split()


@pytest.mark.parametrize("cause", [Cause.CATCH_UP, Cause.POLL])
def test_a_forced_fetch_of_the_ios_app_replaces_its_list(cause: Cause) -> None:
    """What was archived goes at last, and so do pages beyond the first."""
    view = after(ViewRule.MERGE_KEEP, FIRST, (Cause.FLUSH, "e1 d1 b1"), (cause, "e1 d1 b1"))

    assert shown(view) == ["e1", "d1", "b1"]


def test_a_merged_list_loses_what_a_full_page_covers() -> None:
    """After paging, b and a stand beyond the page; d is gone from within; what is older than the page stays."""
    view = after(ViewRule.MERGE, FIRST, (Cause.FLUSH, "f1 e1 d1"), (Cause.FLUSH, "f1 e1 c1"))

    assert shown(view) == ["f1", "e1", "c1", "b1"]


@pytest.mark.parametrize("rule", ViewRule)
def test_a_late_answer_takes_nothing_back(rule: ViewRule) -> None:
    """A view holds the newest version that it has seen of each job it shows."""
    assert shown(after(rule, (Cause.CATCH_UP, "c1 b3"), (Cause.FLUSH, "c2 b2"))) == ["c2", "b3"]


def test_a_job_in_detail_is_seen_beside_the_list() -> None:
    """The newest version of both counts; what is nowhere is not shown; documents and audit entries show no job."""
    view = after(ViewRule.REPLACE, FIRST)
    view.answer(RequestKey.job("c"), Cause.FLUSH, items("c2"))
    view.answer(RequestKey.job("a"), Cause.FLUSH, items("a5"))
    view.answer(RequestKey.documents("z"), Cause.FLUSH, items("z1"))
    view.answer(RequestKey.audit(limit=50), Cause.FLUSH, items("y1"))

    assert [view.shows(job) for job in "cazyd"] == [2, 5, None, None, 1]
    assert view.listed == ("d", "c", "b")


@pytest.mark.parametrize(("discards", "expected"), [(True, ("c",)), (False, ("d", "c"))])
def test_a_client_may_discard_what_was_overtaken(*, discards: bool, expected: tuple[str, ...]) -> None:
    """The second request was answered first; the first one's answer, which comes last, is shown or is not."""
    view = View(ViewRule.REPLACE, list_limit=LIMIT, discards_overtaken=discards)
    first, second = view.request(LIST), view.request(LIST)
    other = view.request(RequestKey.job("z"))
    view.answer(LIST, Cause.FLUSH, items("c2"), request=second)
    view.answer(LIST, Cause.FLUSH, items("d1", "c1"), request=first)
    view.answer(RequestKey.job("z"), Cause.FLUSH, items("z1"), request=other)

    assert (view.listed, view.shows("z")) == (expected, 1)


JOBS = st.sets(st.sampled_from("abcdefgh"), max_size=LIMIT)
ANSWERS = st.lists(st.tuples(st.sampled_from(Cause), JOBS), max_size=8)


@given(answers=ANSWERS, rule=st.sampled_from(ViewRule))
def test_a_view_shows_the_last_answer_and_nothing_twice(answers: list[tuple[Cause, set[str]]], rule: ViewRule) -> None:
    """By any rule the jobs of the last answer are there in its version, and only MERGE_KEEP shows what it covers."""
    view = View(rule, list_limit=LIMIT)
    for version, (cause, jobs) in enumerate(answers):
        before = view.listed
        answer = items(*(f"{job}{version}" for job in sorted(jobs, reverse=True)))
        view.answer(LIST, cause, answer)

        assert len(set(view.listed)) == len(view.listed)
        assert all(view.shows(item.job) == version for item in answer)
        assert set(view.listed) <= set(before) | jobs
        if rule is ViewRule.REPLACE:
            assert view.listed == tuple(item.job for item in answer)
        if rule is ViewRule.MERGE:
            covered = {job for job in view.listed if len(jobs) < LIMIT or str(job) >= min(jobs)}
            assert covered == jobs
        if rule is ViewRule.MERGE_KEEP and cause is Cause.FLUSH:
            assert set(view.listed) == set(before) | jobs
