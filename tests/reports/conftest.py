"""The runs made by hand, one for all tests."""

from collections.abc import Callable

import pytest

from reports.input import ReportInput
from tests.reports.runs import censored, empty, full, small, unattended


@pytest.fixture(scope="session")
def full_run() -> ReportInput:
    """A healthy run that passed."""
    return full()


@pytest.fixture(scope="session")
def make_full() -> Callable[..., ReportInput]:
    """How to make healthy runs that a test may spoil."""
    return full


@pytest.fixture(scope="session")
def many_pairs() -> ReportInput:
    """A healthy run of a hundred thousand pairs."""
    return full(pairs=100_000)


@pytest.fixture(scope="session")
def empty_run() -> ReportInput:
    """A run whose driver died before anything was recorded."""
    return empty()


@pytest.fixture(scope="session")
def censored_run() -> ReportInput:
    """A run in which much, and in the end everything, was never shown."""
    return censored()


@pytest.fixture(scope="session")
def small_run() -> ReportInput:
    """A run of 20 mutations without pollers."""
    return small()


@pytest.fixture(scope="session")
def polled_run() -> ReportInput:
    """A run without subscribers."""
    return unattended()
