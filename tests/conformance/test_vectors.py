"""The embedded Realtime answers as the real server did, in every recorded case."""

import pytest

from tests.conformance.cases import Case, load
from tests.conformance.stage import Findings, Setting

pytestmark = pytest.mark.e2e
CASES = load()
SCALE = 0.1
STREAMING = Setting("streaming", SCALE)
SUPABASE = Setting("supabase", SCALE)
FULL_LENGTH = Setting("supabase", 1.0)


def is_cold(case: Case) -> bool:
    """Whether the case is about a start that only the feed that polls has."""
    return case.tenant == "cold"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if not is_cold(case)])
@pytest.mark.parametrize("setting", [pytest.param(STREAMING, id="streaming")])
def test_streaming_server_does_what_was_recorded(findings: Findings, setting: Setting, case: Case) -> None:
    """Same frames, same order, same refusals; rows may come sooner."""
    assert findings[setting, case.id] is None


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
@pytest.mark.parametrize("setting", [pytest.param(SUPABASE, id="supabase")])
def test_polling_server_does_what_was_recorded(findings: Findings, setting: Setting, case: Case) -> None:
    """Same frames, same order, same refusals, at the real server's pace."""
    assert findings[setting, case.id] is None


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
@pytest.mark.parametrize("setting", [pytest.param(FULL_LENGTH, id="full-length")])
def test_polling_server_does_it_in_the_recorded_time(findings: Findings, setting: Setting, case: Case) -> None:
    """Deliberate delays at their full length."""
    assert findings[setting, case.id] is None


def test_all_recordings_are_here() -> None:
    """222 cases, each with a name of its own."""
    assert len({case.id for case in CASES}) == len(CASES) == 222
