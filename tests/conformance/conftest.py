"""The cases that a run wants, played before the first is asked about."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.cases import Case
from tests.conformance.stage import Findings, Setting, play_all
from tests.conformance.world import running_cluster


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Findings]:
    """Return what was found when all selected cases were played."""
    wanted: dict[tuple[Setting, str], list[Case]] = {}
    for item in request.session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        case = parameters.get("case")
        if isinstance(case, Case):
            wanted.setdefault((parameters["setting"], case.vsn), []).append(case)
    with ExitStack() as stops:
        postgres = stops.enter_context(running_cluster())
        yield asyncio.run(play_all(wanted, postgres, tmp_path_factory.mktemp("conformance"), stops))
