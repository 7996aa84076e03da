"""What the figures show, and what they leave to their tables."""

import numpy as np

from reports.exhibits import without_twins


def test_a_conditional_cohort_is_drawn_where_it_stands_alone() -> None:
    """Beside a plain one of its interval its line would lie on the other's."""
    values = np.zeros(1)
    cohorts = {"5s": values, "5s-conditional": values, "30s-conditional": values}

    assert list(without_twins(cohorts)) == ["5s", "30s-conditional"]
