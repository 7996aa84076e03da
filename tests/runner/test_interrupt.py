"""Ctrl-C, once and twice, delivered as real signals to this very process."""

import os
import signal

import pytest

from loadtests.runner.interrupt import Interrupted, listen_for_interrupt

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_a_wish(number: signal.Signals) -> None:
    """Whoever runs the load looks at it when it suits."""
    with listen_for_interrupt() as interrupt:
        before = interrupt.asked
        os.kill(os.getpid(), number)

        assert (before, interrupt.asked) == (False, True)


def test_the_second_signal_ends_everything_at_once() -> None:
    """Wherever the program stands."""
    with listen_for_interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)

        assert interrupt.asked


def test_a_wish_before_the_load_is_granted_where_it_is_checked() -> None:
    """Nothing was measured yet, so there is nothing to drain."""
    with listen_for_interrupt() as interrupt:
        interrupt.check()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interrupt.check()


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_load_what_takes_long_is_left_at_once(number: signal.Signals) -> None:
    """Such as an hour of sign-ins; once begun, the load is ended in its own way again."""
    with listen_for_interrupt() as interrupt:
        with pytest.raises(Interrupted), interrupt.at_once():
            os.kill(os.getpid(), number)

        with pytest.raises(Interrupted), interrupt.at_once():
            pytest.fail("what was asked for before is granted before anything begins")
    with listen_for_interrupt() as interrupt:
        with interrupt.at_once():
            pass
        os.kill(os.getpid(), number)

        assert interrupt.asked


def test_signals_mean_what_they_meant_before() -> None:
    """Also when the block ends by an error."""
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(RuntimeError), listen_for_interrupt():
        raise RuntimeError

    assert [signal.getsignal(number) for number in SIGNALS] == before
