"""A device's life: what a person does with it, what it hears, and what it fetches because of it."""

import pytest

from loadtests.clients.device import PAUSED, Stage
from loadtests.clients.effects import Dial, Flushed, HangUp, Mark, Record, Send
from loadtests.clients.endings import DownCause, Leaving, NotFetched
from loadtests.clients.gathering import ASKS_NOTHING
from loadtests.clients.requests import Cause, RequestKey
from loadtests.scenario.devices import Background
from loadtests.scenario.vocabulary import DeviceModel, Step
from loadtests.wire.phoenix import Reply
from tests.clients.stand import S, live, marks, requested, skipped, stand

LIST = RequestKey.job_list(limit=25).path


def test_as_designed_it_subscribes_first_and_fetches_when_live() -> None:
    """Whatever was committed before is in the answer, whatever comes after is pushed."""
    one = stand()

    assert one.do(Step.LOGIN) == [Record(Mark.LOGIN, cause=0), Dial()]
    assert requested(one.connect()) == [(Cause.CATCH_UP, LIST)]


def test_fetching_first_leaves_the_subscription_for_later() -> None:
    """It connects when the answer is there: the gap between the two is the price."""
    one = stand(background=Background(order="fetch-first"))

    assert requested(one.do(Step.LOGIN)) == [(Cause.CATCH_UP, LIST)]
    assert one.answer_all() == [Dial()]
    assert requested(one.connect()) == []


def test_ten_signals_are_one_flush() -> None:
    """Half a second after the last of them."""
    one = live()
    for tenth in range(10):
        assert one.at(10 + tenth / 10).signal("a") > 0
    effects = one.flush()

    assert one.now_ns == round(11.4 * S)
    assert effects[0] == Flushed(1, 10)
    assert requested(effects) == [(Cause.FLUSH, LIST)]


def test_in_the_background_signals_are_received_and_not_acted_on() -> None:
    """What was gathered is dropped with its reason; the return catches up."""
    one = live()
    one.at(10).signal("a")
    effects = one.at(10.1).do(Step.BACKGROUND)

    assert skipped(effects) == [NotFetched.BACKGROUND]
    assert Record(Mark.BACKGROUND, cause=1) in effects
    assert one.signal("b") == PAUSED
    assert one.device.flush_due_ns() is None
    assert requested(one.at(60).do(Step.FOREGROUND)) == [(Cause.CATCH_UP, LIST)]


def test_a_catch_up_that_is_not_needed_is_written_down() -> None:
    """An event was seen a minute ago, and the scenario wants five minutes of silence."""
    one = live(background=Background(catch_up_after_s=300))
    one.at(10).do(Step.BACKGROUND)
    one.at(50).signal("a")

    assert skipped(one.at(110).do(Step.FOREGROUND)) == [NotFetched.NOTHING_MISSED]
    one.at(120).do(Step.BACKGROUND)
    assert requested(one.at(420).do(Step.FOREGROUND)) == [(Cause.CATCH_UP, LIST)]


def test_a_socket_that_is_closed_in_the_background_is_opened_on_the_way_back() -> None:
    """And the fetch waits until it is live."""
    one = live(background=Background(socket="close"))
    away = one.at(10).do(Step.BACKGROUND)

    assert Record(Mark.DOWN, cause=DownCause.BACKGROUND) in away
    assert HangUp(is_orderly=True, is_final=True) in away
    assert one.at(60).do(Step.FOREGROUND) == [Record(Mark.FOREGROUND), Dial()]
    assert requested(one.connect()) == [(Cause.CATCH_UP, LIST)]


def test_as_built_the_ios_app_never_comes_back() -> None:
    """After its first time in the background it neither subscribes nor catches up, until the next login."""
    one = live(DeviceModel.IOS_AS_BUILT)
    one.at(10).do(Step.BACKGROUND)

    assert one.at(60).do(Step.FOREGROUND) == [Record(Mark.FOREGROUND)]
    one.do(Step.LOGOUT)
    assert Dial() in one.at(70).do(Step.LOGIN)


def test_as_built_the_web_fetches_nothing_for_a_signal() -> None:
    """The keys that it invalidates match none that is mounted."""
    one = live(DeviceModel.WEB_AS_BUILT)

    assert one.at(10).signal("a") == ASKS_NOTHING


def test_logging_out_ends_everything() -> None:
    """What was gathered is dropped with its reason, no timer stays, and late answers mean nothing."""
    one = live()
    one.at(10).signal("a")
    one.flush()
    one.at(11).signal("b")
    effects = one.do(Step.LOGOUT)

    assert skipped(effects) == [NotFetched.ENDED]
    assert marks(effects) == [Mark.DOWN, Mark.LOGOUT]
    assert one.answer_all() == []
    assert one.device.due_ns() is None
    assert one.device.flush_due_ns() is None


def test_a_killed_app_leaves_without_a_word_and_can_be_opened_again() -> None:
    """No leave on the wire; a login begins a new life with a new token."""
    one = live()
    effects = one.do(Step.KILL)

    assert [effect for effect in effects if isinstance(effect, Send)] == []
    assert effects[-1] == Record(Mark.LOGOUT, cause=Leaving.KILLED)
    one.at(20).do(Step.LOGIN)
    one.connect()
    assert one.device.token == "token-2"


def test_switching_is_a_logout_and_a_login_on_the_same_socket() -> None:
    """The other organization's screen names it in its requests; going back does not."""
    one = live()
    effects = one.at(10).do(Step.SWITCH)

    assert marks(effects) == [Mark.DOWN, Mark.LOGOUT, Mark.LOGIN]
    assert [effect.message.event for effect in effects if isinstance(effect, Send)] == ["phx_leave", "phx_join"]
    assert requested(one.subscribe()) == [(Cause.CATCH_UP, f"{LIST}&organization_id=1")]
    one.at(20).do(Step.SWITCH)
    assert requested(one.subscribe()) == [(Cause.CATCH_UP, LIST)]


def test_live_again_is_a_possible_gap() -> None:
    """After a reconnect, and whenever the server says "subscribed" once more."""
    one = live()
    one.at(10).lose()
    one.tick()

    assert requested(one.connect()) == [(Cause.CATCH_UP, LIST)]
    one.answer_all()
    assert requested(one.subscribed()) == [(Cause.CATCH_UP, LIST)]


def test_live_again_in_the_background_is_left_to_the_return() -> None:
    """Nobody looks: the catch-up is written down and not made."""
    one = live()
    one.at(10).do(Step.BACKGROUND)

    assert skipped(one.subscribed()) == [NotFetched.BACKGROUND]


def test_the_ios_app_logs_out_when_its_token_is_not_taken() -> None:
    """On every 401, whatever its reason."""
    one = live()
    one.at(10).signal("a")
    one.flush()

    assert one.answer_all(401)[-1] == Record(Mark.LOGOUT, cause=Leaving.UNAUTHORIZED)
    assert one.device.stage is Stage.OUT


def test_the_web_asks_once_more_with_a_fresh_token() -> None:
    """Once: a second 401 is an answer."""
    one = live(DeviceModel.WEB)
    one.at(10).signal("a")
    one.flush()
    effects = one.answer_all(401)

    assert requested(effects) == [(Cause.RETRY, LIST)]
    assert one.device.token == "token-2"


def test_a_hybrid_polls_when_nothing_was_fetched_for_a_while() -> None:
    """And not while nobody looks."""
    one = live(DeviceModel.HYBRID)
    polls = 0
    while one.now_ns < 200 * S:
        effects = one.tick()
        polls += requested(effects) == [(Cause.SAFETY_POLL, LIST)]
        if any(isinstance(effect, Send) and effect.message.topic == "phoenix" for effect in effects):
            one.device.hear(Reply(topic="phoenix", ref="1", ok=True, response={}), one.now_ns)
        one.answer_all()
    one.do(Step.BACKGROUND)

    assert polls == 3
    assert one.device._poll_ns == 0


def test_a_hybrid_polls_though_it_is_never_live() -> None:
    """Its safety net does not hang on what it is to make up for."""
    one = stand(DeviceModel.HYBRID)
    one.do(Step.LOGIN)
    effects = one.at(61).device.tick(61 * S)

    assert requested(effects) == [(Cause.SAFETY_POLL, LIST)]


def test_a_hybrid_that_missed_nothing_polls_again_all_the_same() -> None:
    """Coming back without a catch-up, it counts the minute from there."""
    one = live(DeviceModel.HYBRID, background=Background(catch_up_after_s=300))
    one.at(10).signal("a")
    one.do(Step.BACKGROUND)

    assert skipped(one.at(20).do(Step.FOREGROUND)) == [NotFetched.NOTHING_MISSED]
    assert one.device._poll_ns == 80 * S


def test_who_fetches_first_has_a_token_for_it() -> None:
    """A login gives one; without it the first answer would be 401, and the iOS app would log out."""
    one = stand(background=Background(order="fetch-first"))
    one.do(Step.LOGIN)

    assert one.device.token == "token-1"


def test_a_closed_socket_stays_closed_though_the_first_fetch_is_answered_in_the_background() -> None:
    """The subscription that waited for it is left to the return."""
    one = stand(background=Background(socket="close", order="fetch-first"))
    one.do(Step.LOGIN)
    one.do(Step.BACKGROUND)

    assert one.answer_all() == []
    assert one.at(20).do(Step.FOREGROUND)[0] == Record(Mark.FOREGROUND)
    assert one.answer_all() == [Dial()]


def test_an_answer_to_an_earlier_life_ends_no_later_one() -> None:
    """Not even a 401: it was the old session's."""
    one = stand()
    one.do(Step.LOGIN)
    one.connect()
    asked = one.under_way.pop()
    one.do(Step.KILL)
    one.do(Step.LOGIN)

    assert one.device.answered(asked, 401, one.now_ns) == []
    assert one.device.stage is Stage.FOREGROUND


def test_an_answer_to_an_earlier_life_is_not_the_fetch_that_comes_first() -> None:
    """Who fetches first subscribes after its own fetch."""
    one = stand(background=Background(order="fetch-first"))
    one.do(Step.LOGIN)
    asked = one.under_way.pop()
    one.do(Step.LOGOUT)
    one.do(Step.LOGIN)

    assert one.device.answered(asked, 200, one.now_ns) == []
    assert one.answer_all() == [Dial()]


@pytest.mark.parametrize("step", [Step.LOGOUT, Step.KILL, Step.SWITCH, Step.BACKGROUND, Step.FOREGROUND])
def test_a_step_that_makes_no_sense_does_nothing(step: Step) -> None:
    """Before the login, nothing else happens."""
    assert stand().do(step) == []
