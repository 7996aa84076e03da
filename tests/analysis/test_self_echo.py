"""Who made a change has nothing to wait for; what their device does because of it is counted apart."""

from loadtests.clients.requests import Cause
from loadtests.history.kinds import NOBODY
from tests.analysis.literal import Story


def two_people(*, author: int = 0) -> Story:
    """Return two devices, each with a change by one of their people, heard in batches 1 and 2 and fetched."""
    story = Story().clock().live(0, 1).true_job("job", 2).body("new", ("job", 2)).mutation(0, 1000, author=author)
    story.signal(0, "e0", 1020, batch=1).fetch(0, 1520, 1600, "new", batch=1)
    return story.signal(1, "e0", 1020, batch=2).fetch(1, 1520, 1700, "new", batch=2)


def test_an_own_pair_is_in_no_latency_and_no_staleness() -> None:
    """One pair is left: 0.7 s from due to the colleague's screen, stale for 0.69 s from the ack on."""
    push = two_people().metrics()["push"]
    both = two_people(author=NOBODY).metrics()["push"]

    assert (push["visibility_ms"]["max"], push["visibility_ms"]["pairs"]) == (700.0, 1)
    assert (push["staleness_ms"]["n"], both["staleness_ms"]["n"]) == (1, 2)
    assert (push["seen_within_1s"]["of_pairs"], both["seen_within_1s"]["of_pairs"]) == (1, 2)
    assert both["self_echo"] == {"pairs": 0, "signals": 0, "refreshes": 0, "requests": 0}


def test_the_echo_and_what_it_cost_are_counted_for_all_and_for_the_model() -> None:
    """One signal, one refresh; the colleague's are none."""
    metrics = two_people().metrics()

    assert metrics["push"]["self_echo"] == {"pairs": 1, "signals": 1, "refreshes": 1, "requests": 1}
    assert metrics["clients"]["ios"]["self_echo"] == metrics["push"]["self_echo"]


def test_an_own_pair_is_delivered_or_missed_as_any_other() -> None:
    """Two are expected and delivered; without the signal one is missed."""
    deaf = Story().clock().live(0, 1).true_job("job", 2).mutation(0, 1000, author=0).signal(1, "e0", 1020)

    heard, missed = two_people().metrics()["delivery"], deaf.metrics()["delivery"]

    assert (heard["expected"], heard["delivered_once"]) == (2, 2)
    assert (missed["delivered_once"], missed["missed_live"]) == (1, 1)


def test_a_flush_that_a_colleague_had_a_part_in_is_no_echo() -> None:
    """The same window gathered both changes; the catch-up after it is nobody's echo either."""
    story = two_people().mutation(1, 1100, revision=3).signal(0, "e1", 1120, batch=1)
    story.fetch(0, 3000, 3100, "new", cause=Cause.CATCH_UP)

    assert story.metrics()["push"]["self_echo"] == {"pairs": 1, "signals": 1, "refreshes": 0, "requests": 0}


def test_a_repetition_with_a_fresh_token_is_a_request_more() -> None:
    """Refused at first: one refresh, two requests."""
    story = Story().clock().live(0, 1).true_job("job", 2).body("new", ("job", 2)).mutation(0, 1000, author=0)
    story.signal(0, "e0", 1020, batch=1).fetch(0, 1520, 1530, None, batch=1)
    story.fetch(0, 1540, 1600, "new", batch=1, cause=Cause.RETRY)

    assert story.metrics()["push"]["self_echo"] == {"pairs": 1, "signals": 1, "refreshes": 1, "requests": 2}


def test_a_signal_that_asked_for_nothing_and_one_in_the_warm_up_cost_nothing() -> None:
    """The first is a signal all the same; the second is not in the window, nor is its refresh."""
    story = Story().clock().live(0, 1).true_job("job", 3).body("new", ("job", 3))
    story.mutation(0, -1000, author=0).signal(0, "e0", -900, batch=1).fetch(0, -400, -300, "new", batch=1)
    story.mutation(1, 1000, author=0, revision=3).signal(0, "e1", 1020, flag=0)

    assert story.metrics()["push"]["self_echo"] == {"pairs": 1, "signals": 1, "refreshes": 0, "requests": 0}


def test_what_an_author_finds_on_return_is_no_recovery() -> None:
    """They made the change and looked away before it was done: it is not among what they missed."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).away(0, 1005, 3000)
    story.true_job("job", 2).body("new", ("job", 2)).mutation(0, 1000, author=0)
    push = story.fetch(0, 3000, 3100, "new", cause=Cause.CATCH_UP).metrics()["push"]

    assert (push["away_pairs"], push["recovery_ms"]["pairs"], push["self_echo"]["pairs"]) == (0, 0, 1)
