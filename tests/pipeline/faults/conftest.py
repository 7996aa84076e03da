"""One whole pipeline for all tests of one file."""

from collections.abc import Iterator

import pytest

from loadtests.pipeline.settings import StackSettings
from tests.pipeline.faults.stand import Stand, running_stand


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Return a running pipeline that commits faults."""
    with running_stand(tmp_path_factory.mktemp("faults") / "pipeline.log", StackSettings()) as running:
        yield running
