"""Stories of people who switch and look away, for several tests."""

from typing import Any

from loadtests.history.kinds import Leaving
from tests.analysis.literal import Story

TWO: dict[str, Any] = {
    "organizations": {"count": 2, "jobs": 1},
    "subscribers": {"count": 1, "web": 0},
    "lifecycle": [{"step": "switch", "at_s": 1}],
}
"""One device, at home in organization 0, whose person is a guest in organization 1."""


def story_of_one(**changes: Any) -> Story:
    """Return one device at home, and a job there that is changed once, at 5 s."""
    story = Story(**{"subscribers": {"count": 1, "web": 0}, **changes}).clock().true_job("job", 2)
    return story.mutation(0, 5000).body("old", ("job", 1)).body("new", ("job", 2))


def visitor() -> Story:
    """Return a device that is at home until 3 s and a guest from then on, and a job of each organization."""
    story = Story(**TWO).clock().lives(0, -5000, 3000, leaving=Leaving.SWITCHED)
    story.lives(0, 3000, 20_000, organization=1)
    return story.true_job("here", 2).true_job("there", 2, organization=1)


def classes_of(metrics: Any) -> dict[str, int]:
    """Return the classes that are not empty."""
    return {name: count for name, count in metrics["clients"]["ios"]["delivery"].items() if count}
