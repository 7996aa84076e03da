"""Histories by letters: what each device of each organization received of its organization's events.

One letter per event and device: x received, - not received, L received 1.5 s after the commit, . no event. Event k of
organization o is named `<o>.<k>` and is committed at k · 100 + o · 10 ms; the deadline is 1 s.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from loadtests.analysis.cause_table import Explained, explain, read_scene
from loadtests.analysis.delivery import Delivery, account
from loadtests.analysis.why import Why
from loadtests.history.kinds import Kind
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import WALL_OFFSET_MS, Story

_TOLD_MS: Final = {"x": 4, "L": 1500}


def voices(*organizations: Sequence[str], step_ms: int = 100) -> Story:
    """Return the history of these organizations, all of the same size; devices are counted through."""
    members = len(organizations[0])
    story = Story(
        organizations={"count": len(organizations), "jobs": 1},
        subscribers={"count": members * len(organizations), "web": 0},
    ).clock()
    for organization, letters in enumerate(organizations):
        for device in range(members):
            story.live(organization * members + device, organization=organization)
        for number in range(len(letters[0])):
            _tell(story, organization, number, [own[number] for own in letters], number * step_ms + organization * 10)
    return story


def _tell(story: Story, organization: int, number: int, letters: Sequence[str], committed_ms: int) -> None:
    if set(letters) == {"."}:
        return
    event = f"{organization}.{number}"
    story.event(event, committed_ms, of=MutationKind.UPDATE, organization=organization)
    for place, letter in enumerate(letters):
        if letter in _TOLD_MS:
            story.signal(organization * len(letters) + place, event, committed_ms + _TOLD_MS[letter])


def metric(story: Story, at_ms: float, name: str, value: int) -> Story:
    """Let the target tell one of its metrics."""
    return story.row(Kind.TARGET_METRIC, at_ms, entity=name, value=value)


def asked(story: Story, *at_ms: float, name: str = "up") -> Story:
    """Let the target answer when it is asked for its metrics."""
    for each in at_ms:
        metric(story, each, name, 1)
    return story


def wall(at_ms: float) -> int:
    """Return a moment by the database's clock, ns."""
    return round((at_ms + WALL_OFFSET_MS) * 1_000_000)


def delivery_of(story: Story) -> Delivery:
    """Return the account of a history."""
    run = story.run()
    return account(
        run.events, run.signals, run.mutations, run.screens, deadline_ns=story.scenario.deadline_ms * 1_000_000
    )


def explained(story: Story) -> Explained:
    """Return its deviations with their causes."""
    run = story.run()
    return explain(delivery_of(story), read_scene(run.events, run.signals, run.screens, story.history))


def causes(story: Story) -> dict[str, int]:
    """Return how many deviations each cause has, misses and late ones together."""
    return dict(Counter(Why(int(why)).label for why in explained(story).causes.why))
