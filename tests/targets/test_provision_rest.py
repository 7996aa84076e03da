"""A project's doors before anything is made behind them; what is made is seen in the end-to-end tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from loadtests.targets.provision_rest import Project
from loadtests.targets.target import TargetError
from tests.targets.swallowing import SWALLOWING


@pytest.mark.parametrize("swallowing", SWALLOWING.values(), ids=list(SWALLOWING))
def test_a_project_that_swallows_everything_is_told_of_soon(
    swallowing: Callable[[], AbstractContextManager[int]],
) -> None:
    """Before the first organization is made, which would be given the time that a cold project takes."""
    with swallowing() as port:
        project = Project(f"http://127.0.0.1:{port}", "key")
        with pytest.raises(TargetError, match=f"127.0.0.1:{port} does not answer in time"):
            project.greet(within_s=0.2)
