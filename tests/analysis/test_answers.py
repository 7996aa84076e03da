"""Re-fetches and what their keys are about."""

import pytest

from loadtests.clients.requests import KeyKind, RequestKey
from tests.analysis.literal import Story


@pytest.mark.parametrize("job", ["job", "41", "WO 12/7"])
def test_a_key_is_about_the_job_whose_id_stands_in_its_path(job: str) -> None:
    """However its id had to be written there."""
    story = Story().clock().live(0).true_job(job, 1).body("detail", (job, 1), kind=KeyKind.JOB)
    run = story.fetch(0, 10, 20, "detail", key=RequestKey.job(job).path).run()

    assert [story.history.names[each] for each in run.screens.requests.job] == [job]
