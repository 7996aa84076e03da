"""A device's connection: literal histories of what it wants, what happens to it, and what it does about that."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from loadtests.clients.channel import Channel
from loadtests.clients.connection import Connection, Link
from loadtests.clients.effects import BecameLive, Dial, Effects, HangUp, Mark, Record, Send
from loadtests.clients.endings import DownCause
from loadtests.clients.manners import Manners, Renewal
from loadtests.clients.reconnecting import PYTHON, REALTIME_JS, WELL_BEHAVED, Reconnecting
from loadtests.wire import phoenix
from loadtests.wire.phoenix import ChannelClosed, Reply, System

S = 1_000_000_000
CHANNEL = Channel.of_organization("7")
OTHER = Channel.of_organization("8")


@dataclass
class Life:
    """A connection, told what happens at which second."""

    connection: Connection
    minted: list[str] = field(default_factory=list)

    def live(self, at_s: float = 1) -> None:
        """Bring it to life."""
        self.connection.watch(_ns(at_s))
        self.connection.opened(_ns(at_s))
        self.reply(at_s)
        self.subscribed(at_s)
        assert self.connection.is_live

    def reply(self, at_s: float, *, reason: str | None = None) -> Effects:
        """Answer its newest join."""
        response: dict[str, Any] = {} if reason is None else {"reason": reason}
        reply = Reply(topic=self.connection.topic, ref=self.join_ref, ok=reason is None, response=response)
        return self.connection.hear(reply, _ns(at_s))

    def subscribed(self, at_s: float) -> Effects:
        """Say that changes flow."""
        return self.system(at_s, "Subscribed to PostgreSQL")

    def system(self, at_s: float, message: str, *, ok: bool = True, extension: str = "postgres_changes") -> Effects:
        """Say something about the channel."""
        told = System(topic=self.connection.topic, ok=ok, extension=extension, message=message)
        return self.connection.hear(told, _ns(at_s))

    def closed(self, at_s: float, *, crashed: bool = False, join_ref: str | None = None) -> Effects:
        """Close its channel."""
        ref = self.join_ref if join_ref is None else join_ref
        told = ChannelClosed(topic=self.connection.topic, join_ref=ref, crashed=crashed)
        return self.connection.hear(told, _ns(at_s))

    @property
    def join_ref(self) -> str:
        """The reference of its newest join."""
        return str(self.connection._join_ref)

    def due_s(self) -> float | None:
        """When it wants to be called."""
        due_ns = self.connection.due_ns()
        return None if due_ns is None else due_ns / S


def life(reconnecting: Reconnecting = WELL_BEHAVED, *, phase: float = 0.2, **manners: Any) -> Life:
    """Return a connection whose chance is always a half."""
    minted: list[str] = []

    def mint() -> str:
        minted.append(f"token-{len(minted) + 1}")
        return minted[-1]

    given = {"live_within_ns": 30 * S, "renewal": Renewal.NEVER, **manners}
    connection = Connection(
        CHANNEL, Manners(reconnecting=reconnecting, **given), mint=mint, chance=lambda: 0.5, phase=phase
    )
    return Life(connection, minted)


def _ns(at_s: float) -> int:
    return round(at_s * S)


def sent(effects: Effects) -> list[tuple[str, str]]:
    """Return (event, topic) of what is sent."""
    return [(effect.message.event, effect.message.topic) for effect in effects if isinstance(effect, Send)]


def records(effects: Effects) -> list[Record]:
    """Return what is written down."""
    return [effect for effect in effects if isinstance(effect, Record)]


def test_the_way_to_being_live() -> None:
    """Dial, join with the device's token, and live at `system`, not at the reply."""
    one = life()

    assert one.connection.watch(_ns(1)) == [Dial()]
    opened = one.connection.opened(_ns(2))
    assert opened[0] == Record(Mark.OPENED, value=_ns(1))
    assert sent(opened) == [("phx_join", CHANNEL.topic)]
    assert one.reply(3) == [Record(Mark.JOINED)]
    assert not one.connection.is_live
    assert one.subscribed(4) == [Record(Mark.LIVE), BecameLive(again=False)]
    assert one.connection.is_live


def test_subscribed_said_again_is_no_edge() -> None:
    """The device hears of it, because something may have been lost before."""
    one = life()
    one.live()

    assert one.subscribed(9) == [BecameLive(again=True)]


def test_who_is_not_live_in_time_starts_over() -> None:
    """Thirty seconds after it began to connect it hangs up; that the socket is gone is a loss like any other."""
    one = life(heartbeat_interval_ns=1000 * S)
    one.connection.watch(_ns(1))
    one.connection.opened(_ns(2))
    one.reply(3)

    assert one.due_s() == 31
    assert one.connection.tick(_ns(31)) == [
        Record(Mark.REFUSED, text="not live within 30 s"),
        HangUp(is_orderly=False, is_final=False),
    ]
    assert one.connection.lost(_ns(31), 1006)[0] == Record(Mark.DOWN, cause=DownCause.NOT_LIVE_IN_TIME, value=1006)
    assert one.connection.link is Link.WAITING


def test_a_heartbeat_without_an_answer_is_a_dead_connection() -> None:
    """The first beat falls into the device's phase; any answer to a heartbeat will do."""
    one = life(phase=0.2)
    one.live(1)

    assert one.due_s() == 6
    assert sent(one.connection.tick(_ns(6))) == [("heartbeat", "phoenix")]
    one.connection.hear(Reply(topic="phoenix", ref="2", ok=True, response={}), _ns(7))
    assert one.due_s() == 31
    one.connection.tick(_ns(31))
    assert one.due_s() == 41
    assert one.connection.tick(_ns(41)) == [HangUp(is_orderly=False, is_final=False)]
    assert records(one.connection.lost(_ns(41), 0)) == [Record(Mark.DOWN, cause=DownCause.HEARTBEAT_LOST)]


def test_a_lost_socket_is_opened_again_with_a_fresh_token() -> None:
    """Well behaved: three quarters of a second here, because the chance is a half; then twice as long."""
    one = life(heartbeat_interval_ns=1000 * S)
    one.live(1)

    assert one.connection.lost(_ns(10), 1012) == [Record(Mark.DOWN, cause=DownCause.CLOSED, value=1012)]
    assert one.due_s() == 10.75
    assert one.connection.tick(_ns(10.75)) == [Dial()]
    one.connection.failed(_ns(11))
    assert one.due_s() == 12.5
    assert one.minted == ["token-1", "token-2"]


def test_the_javascript_client_keeps_its_token_and_its_pace() -> None:
    """After 1, 2, 5, 10 s; an open socket starts the count anew, whatever the channel comes to."""
    one = life(REALTIME_JS)
    one.live(0.001)
    waits = []
    now_s = 100.0
    one.connection.lost(_ns(now_s), 1006)
    for _ in range(4):
        due_s = one.due_s()
        assert due_s is not None
        waits.append(due_s - now_s)
        now_s = due_s
        one.connection.tick(_ns(now_s))
        one.connection.failed(_ns(now_s))

    assert waits == [1, 2, 5, 10]
    assert one.minted == ["token-1"]


def test_the_python_client_gives_up() -> None:
    """Five attempts, then it is away for good, and says so; a person who opens the app begins anew."""
    one = life(PYTHON)
    one.live(1)
    effects = one.connection.lost(_ns(100), 1006)
    now_s = 100.0
    for _ in range(5):
        due_s = one.due_s()
        assert due_s is not None
        now_s = due_s
        one.connection.tick(_ns(now_s))
        effects = one.connection.failed(_ns(now_s))

    assert effects[-1] == Record(Mark.DOWN, cause=DownCause.GAVE_UP)
    assert one.due_s() is None
    assert one.connection.watch(_ns(200)) == [Dial()]


@pytest.mark.parametrize("way", [REALTIME_JS, PYTHON])
def test_official_clients_are_deaf_after_an_orderly_close(way: Reconnecting) -> None:
    """The channel is removed, the socket stays, nothing joins again until somebody subscribes anew."""
    one = life(way, heartbeat_interval_ns=1000 * S)
    one.live(1)

    assert one.closed(10) == [Record(Mark.DOWN, cause=DownCause.CHANNEL_CLOSED)]
    assert one.connection.link is Link.APART
    assert one.connection._retry_ns == 0
    assert sent(one.connection.watch(_ns(20))) == [("phx_join", CHANNEL.topic)]


@pytest.mark.parametrize("way", [REALTIME_JS, PYTHON, WELL_BEHAVED])
def test_a_channel_that_crashed_is_joined_again_by_all(way: Reconnecting) -> None:
    """`phx_error`, as opposed to `phx_close`."""
    one = life(way, heartbeat_interval_ns=1000 * S)
    one.live(1)
    one.closed(10, crashed=True)
    due_s = one.due_s()

    assert due_s is not None
    assert 10 < due_s <= 11
    assert sent(one.connection.tick(_ns(due_s))) == [("phx_join", CHANNEL.topic)]


def test_an_expired_token_is_told_before_the_channel_closes() -> None:
    """The cause of being down is the expiry; well behaved, it joins again with a fresh token."""
    one = life(heartbeat_interval_ns=1000 * S)
    one.live(1)
    told = one.system(10, "Token has expired 0 seconds ago", ok=False, extension="system")

    assert told == [Record(Mark.REFUSED, text="Token has expired 0 seconds ago")]
    assert records(one.closed(10)) == [Record(Mark.DOWN, cause=DownCause.TOKEN_EXPIRED)]
    one.connection.tick(_ns(11))
    assert one.minted == ["token-1", "token-2"]


def test_the_close_of_a_join_that_was_replaced_means_nothing() -> None:
    """The server closes the old channel after it answered the new join; only the newest join counts."""
    one = life()
    one.live(1)
    old = one.join_ref
    one.connection.move(OTHER, _ns(5))

    assert one.closed(6, join_ref=old) == []
    assert one.connection.link is Link.JOINING


def test_a_refused_join_is_tried_again() -> None:
    """The reason is kept; a rate limit makes the Python client wait half a minute."""
    one = life(PYTHON, heartbeat_interval_ns=1000 * S)
    one.connection.watch(_ns(1))
    one.connection.opened(_ns(1))
    reason = "ClientJoinRateLimitReached: Too many joins per second"

    assert one.reply(10, reason=reason) == [Record(Mark.REFUSED, text=reason)]
    assert one.due_s() == 40


def test_tokens_are_renewed_before_they_expire() -> None:
    """A minute before, on the channel, and the next one a lifetime later."""
    one = life(renewal=Renewal.BEFORE, token_lifetime_ns=600 * S, heartbeat_interval_ns=10_000 * S)
    one.live(1)

    assert one.due_s() == 541
    effects = one.connection.tick(_ns(541))
    assert sent(effects) == [("access_token", CHANNEL.topic)]
    assert records(effects) == [Record(Mark.TOKEN, value=60)]
    assert one.due_s() == 1081


def test_a_late_renewal_comes_after_the_expiry() -> None:
    """With a negative number of seconds left."""
    one = life(renewal=Renewal.LATE, token_lifetime_ns=600 * S, heartbeat_interval_ns=10_000 * S)
    one.live(1)

    assert one.due_s() == 661
    assert records(one.connection.tick(_ns(661))) == [Record(Mark.TOKEN, value=-60)]


def told_of_tokens(renewal: Renewal) -> Life:
    """Return a live connection whose session somebody else renews; its timers are those of the renewal alone."""
    one = life(renewal=renewal, is_told=True, renewal_margin_ns=10 * S, heartbeat_interval_ns=10_000 * S)
    one.live(1)
    assert one.due_s() == 2001
    return one


def test_a_fresh_token_of_somebody_elses_making_is_told_to_the_channel() -> None:
    """At once, with what the old one had left; nothing happens by itself, however long it lasts."""
    one = told_of_tokens(Renewal.BEFORE)

    effects = one.connection.told(_ns(50), left_ns=30 * S)

    assert sent(effects) == [("access_token", CHANNEL.topic)]
    assert records(effects) == [Record(Mark.TOKEN, value=30)]
    assert one.connection.token == "token-2"
    assert one.due_s() == 2001


def test_who_is_late_or_never_takes_it_hears_of_it_all_the_same() -> None:
    """Late: after the expiry of the old one, by the margin. Never: only when it connects again."""
    late, never = told_of_tokens(Renewal.LATE), told_of_tokens(Renewal.NEVER)

    assert late.connection.told(_ns(50), left_ns=30 * S) == never.connection.told(_ns(50), left_ns=30 * S) == []
    assert late.connection.told(_ns(60), left_ns=30 * S) == []  # a further one puts nothing off
    assert (late.due_s(), never.due_s()) == (90, 2001)
    assert records(late.connection.tick(_ns(90))) == [Record(Mark.TOKEN, value=-10)]
    never.connection.lost(_ns(95), 1006)
    never.connection.tick(_ns(100))
    assert (late.connection.token, never.connection.token) == ("token-2", "token-2")


def test_who_is_logged_out_has_no_use_for_a_token() -> None:
    """The next login takes the newest."""
    one = told_of_tokens(Renewal.BEFORE)
    one.connection.leave(DownCause.LOGGED_OUT)
    one.connection.forget_token()

    assert one.connection.told(_ns(50), left_ns=30 * S) == []
    assert one.minted == ["token-1"]


def test_the_same_token_again_is_no_news() -> None:
    """The server would ignore it: nothing is sent, and no renewal is written down."""
    same = Connection(
        CHANNEL, Manners(live_within_ns=30 * S, is_told=True), mint=lambda: "given", chance=lambda: 0.5, phase=0
    )
    one = Life(same)
    one.live(1)

    assert same.renew(_ns(5)) == []


def test_leaving_is_orderly_and_leaves_no_timer() -> None:
    """Leave, close, and nothing is heard of what comes after."""
    one = life()
    one.live(1)
    effects = one.connection.leave(DownCause.LOGGED_OUT)

    assert effects[0] == Record(Mark.DOWN, cause=DownCause.LOGGED_OUT)
    assert sent(effects) == [("phx_leave", CHANNEL.topic)]
    assert effects[-1] == HangUp(is_orderly=True, is_final=True)
    assert one.due_s() is None
    assert one.connection.lost(_ns(9), 1000) == []


def test_a_killed_app_says_nothing() -> None:
    """No leave, no close."""
    one = life()
    one.live(1)

    assert one.connection.break_off(DownCause.KILLED) == [
        Record(Mark.DOWN, cause=DownCause.KILLED),
        HangUp(is_orderly=False, is_final=True),
    ]


def test_moving_keeps_the_socket() -> None:
    """The old channel is left and the new one joined; not live until its own `system`."""
    one = life()
    one.live(1)
    effects = one.connection.move(OTHER, _ns(5))

    assert records(effects) == [Record(Mark.DOWN, cause=DownCause.SWITCHED)]
    assert sent(effects) == [("phx_leave", CHANNEL.topic), ("phx_join", OTHER.topic)]
    assert one.connection.topic == OTHER.topic
    one.reply(6)
    assert one.subscribed(6) == [Record(Mark.LIVE), BecameLive(again=False)]


def test_words_about_an_earlier_join_of_the_channel_are_not_ours() -> None:
    """There and back before the server spoke: what it says of the first join does not hold for the third."""
    one = life()
    one.connection.watch(_ns(1))
    one.connection.opened(_ns(1))
    first, channel = one.join_ref, CHANNEL.topic
    one.connection.move(OTHER, _ns(2))
    one.connection.move(CHANNEL, _ns(3))
    told = System(topic=channel, ok=True, extension="postgres_changes", message=phoenix.SUBSCRIBED, join_ref=first)

    assert one.connection.hear(told, _ns(4)) == []
    assert one.connection.hear(replace(told, join_ref=one.join_ref), _ns(5))[0] == Record(Mark.LIVE)


def test_words_about_another_channel_are_not_ours() -> None:
    """After a move, `system` of the old channel does not make the new one live."""
    one = life()
    one.live(1)
    one.connection.move(OTHER, _ns(5))
    told = System(topic=CHANNEL.topic, ok=True, extension="postgres_changes", message=phoenix.SUBSCRIBED)

    assert one.connection.hear(told, _ns(6)) == []
    assert one.connection.link is Link.JOINING
