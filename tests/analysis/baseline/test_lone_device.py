"""A device without a driver: what it requests follows from its own state machine."""

import pytest

from loadtests.analysis.baseline.lone_device import Heard, Requested, live_through
from loadtests.clients.models import client_model
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal, Subject
from loadtests.scenario.vocabulary import DeviceModel

S = 1_000_000_000


def update(job: str) -> Signal:
    """Return an update of a job."""
    return Signal(subject=Subject.JOB, is_upload=False, entity=f"job:{job}", entity_id=job)


def lived(model: DeviceModel, *heard: tuple[float, str], end_s: float = 30, fetch_s: float = 0.1) -> list[Requested]:
    """Return what a device requests that hears of these jobs, its debounce 500 ms, its chance always a half."""
    client = client_model(model, window_ns=S // 2)
    return live_through(
        client,
        client.screen(),
        [Heard(round(at_s * S), update(job)) for at_s, job in heard],
        end_ns=round(end_s * S),
        fetch_ns=round(fetch_s * S),
        chance=lambda: 0.5,
    )


def test_it_logs_in_and_catches_up() -> None:
    """Live at once, and a fetch because of it; heartbeats are answered, so nothing else happens for a day."""
    assert lived(DeviceModel.IOS, end_s=86_400) == [Requested(1, Cause.CATCH_UP)]


def test_a_signal_is_flushed_half_a_second_later() -> None:
    """By the debounce."""
    assert lived(DeviceModel.WEB, (10, "a"))[1:] == [Requested(round(10.5 * S), Cause.FLUSH)]


def test_ios_fetches_for_each_job_one_after_the_other() -> None:
    """The second waits for the answer to the first."""
    moments = [at_ns / S for at_ns, _ in lived(DeviceModel.IOS, (10, "a"), (10.1, "b"))[1:]]

    assert moments == pytest.approx([10.6, 10.7])


def test_as_built_a_second_signal_flushes() -> None:
    """Restarting the timer ends its sleep."""
    moments = [at_ns / S for at_ns, _ in lived(DeviceModel.IOS_AS_BUILT, (10, "a"), (10.1, "a"))[1:]]

    assert moments == pytest.approx([10.1])


def test_the_hybrid_polls_once_a_minute_for_safety() -> None:
    """Whether or not anything was pushed."""
    causes = [cause for _, cause in lived(DeviceModel.HYBRID, end_s=301)]

    assert causes == [Cause.CATCH_UP, *[Cause.SAFETY_POLL] * 5]
