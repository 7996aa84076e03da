"""How many statements an answer cost, kind by kind; tests/pipeline/api counts them at the database."""

import numpy as np
import pytest

from loadtests.analysis.laboratory.reads import statements
from loadtests.clients.requests import AUDIT_LIMIT, KeyKind, RequestKey
from loadtests.history.kinds import ItemFlag
from tests.analysis.literal import LIST, Story

SCORED = ("job", 1, 0, ItemFlag.SCORED)


@pytest.mark.parametrize(
    ("key", "kind", "items", "cost"),
    [
        (LIST, KeyKind.JOB_LIST, (("job", 1),), 2),
        (LIST, KeyKind.JOB_LIST, (SCORED,), 2),
        (LIST, KeyKind.JOB_LIST, (), 3),
        (RequestKey.job("job").path, KeyKind.JOB, (("job", 1),), 2),
        (RequestKey.job("job").path, KeyKind.JOB, (SCORED,), 3),
        (RequestKey.documents("job").path, KeyKind.DOCUMENTS, (("document", 0),), 2),
        (RequestKey.documents("job").path, KeyKind.DOCUMENTS, (), 3),
        (RequestKey.audit(limit=AUDIT_LIMIT).path, KeyKind.AUDIT, (), 2),
    ],
)
def test_an_answer_costs_its_member_its_rows_and_what_they_need(
    key: str, kind: KeyKind, items: tuple[tuple[object, ...], ...], cost: int
) -> None:
    """An empty list is asked about once more; the mitigations of a scored job are read for the job alone."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("body", *items, kind=kind)
    screens = story.fetch(0, 100, 110, "body", key=key).run().screens

    assert statements(screens.requests, screens.bodies, np.array([0])).tolist() == [cost]
