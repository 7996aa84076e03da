"""The certificate's verdict, exit code and page."""

import pytest

from loadtests.calibration.certificate import Certificate
from loadtests.calibration.finding import Comparison, Finding


def certificate_of(*verdicts: Comparison) -> Certificate:
    """Return a certificate of such findings."""
    findings = tuple(
        Finding(case="any", seed=7, fault="drop", question="events | missed", planted="3", found="3", verdict=verdict)
        for verdict in verdicts
    )
    return Certificate(findings=findings, started_at="2026-01-01T00:00:00+00:00", host={"processor": "a CPU"})


@pytest.mark.parametrize(
    ("verdicts", "exit_code"),
    [
        ((Comparison.FOUND,), 0),
        ((Comparison.FOUND, Comparison.CANNOT_TELL), 4),
        ((Comparison.CANNOT_TELL, Comparison.WRONG, Comparison.FOUND), 3),
        ((), 4),
    ],
)
def test_the_worst_finding_decides(verdicts: tuple[Comparison, ...], exit_code: int) -> None:
    """A wrong number outweighs any that could not be told; nothing compared is nothing certified."""
    assert certificate_of(*verdicts).exit_code == exit_code


def test_the_page_has_a_line_for_each_finding() -> None:
    """What is not known stands there in red."""
    page = certificate_of(Comparison.FOUND, Comparison.CANNOT_TELL).to_markdown()

    assert "| 7 | any | drop | events \\| missed | 3 | 3 | found |" in page
    assert "🔴 cannot tell" in page
    assert "1 of 2 as planted, 0 wrong, 1 cannot be told" in page


def test_the_document_names_its_shape() -> None:
    """For programs."""
    told = certificate_of(Comparison.FOUND).to_json()

    assert (told["schema"], told["verdict"], told["seeds"]) == ("loadtests.certificate/1", "found", [7])
    assert told["findings"][0]["planted"] == "3"
