"""What was merged is told from what nobody was told of."""

from typing import Any

from loadtests.analysis.coalesced import coalesced_mutations, silent_mutations
from loadtests.scenario.vocabulary import MutationKind
from tests.analysis.literal import Story


def story_of_updates(rows: str) -> Story:
    """Return updates of one job, one each 100 ms: `e` with an event row of its own, `-` without."""
    story = Story().clock().live(0, 1).true_job("job", 10)
    for number, row in enumerate(rows):
        story.mutation(number, 100 * (number + 1), revision=number + 2, has_event=row == "e")
    return story


def merged_and_silent(story: Story) -> tuple[list[int], list[int]]:
    """Return the mutations that an event stands for, and those that none announces."""
    run = story.run()
    merged = coalesced_mutations(run.mutations, run.events)
    silent = silent_mutations(run.mutations, run.events)
    return merged.nonzero()[0].tolist(), silent.nonzero()[0].tolist()


def test_an_event_stands_for_the_latest_earlier_ones_without_a_row() -> None:
    """Five updates; the last one's event stands for two: the second was lost before they were merged."""
    story = story_of_updates("e---e").limited("e4", stands_for=2)

    assert merged_and_silent(story) == ([2, 3], [1])


def test_an_event_that_stands_for_none_hides_nothing() -> None:
    """As labelled today: what has no row has failed."""
    story = story_of_updates("e-e").limited("e2")

    assert merged_and_silent(story) == ([], [1])


def test_what_comes_after_an_event_is_not_what_it_stands_for() -> None:
    """The last change was held, and its event never came."""
    story = story_of_updates("e-e-").limited("e2", stands_for=1)

    assert merged_and_silent(story) == ([1], [3])


def test_no_two_events_stand_for_the_same_change() -> None:
    """The second says two, but one of the earlier ones is the first one's: it reaches further back."""
    story = story_of_updates("--e-e").limited("e2", stands_for=1).limited("e4", stands_for=2)

    assert merged_and_silent(story) == ([0, 1, 3], [])


def test_another_job_or_kind_is_another_key() -> None:
    """A flag of the job and an update of another one are not what an update stands for."""
    story = Story().clock().live(0, 1).true_job("job", 3).true_job("other", 3)
    story.mutation(0, 100, kind=MutationKind.FLAG, has_event=False).mutation(1, 200, job="other", has_event=False)
    story.mutation(2, 300, revision=3).limited("e2", stands_for=2)

    assert merged_and_silent(story) == ([], [0, 1])


def test_merged_lost_and_labelled_are_counted_apart() -> None:
    """Two of six updates were merged, one was lost, and two rows carry a key."""
    story = story_of_updates("e-e--e").limited("e2").limited("e5", stands_for=2)

    assert counts(story) == {"without_event": 1, "coalesced": 2, "beyond_limit": 2}


def test_a_truth_that_was_not_read_to_its_end_tells_none_of_it() -> None:
    """The event that stands for the others may not have been read."""
    story = Story().clock().live(0, 1).mutation(0, 100).mutation(1, 200, revision=3, has_event=False)

    assert counts(story) == {"without_event": None, "coalesced": None, "beyond_limit": None}


def counts(story: Story) -> dict[str, Any]:
    """Return how many mutations of each sort metrics.json has."""
    mutations = story.metrics()["mutations"]
    return {key: mutations[key] for key in ("without_event", "coalesced", "beyond_limit")}
