"""The words that scenario, drivers and ledger share."""

from loadtests.scenario.model import DEFAULT_MIX
from loadtests.scenario.vocabulary import EVENT_OF_MUTATION, MutationKind


def test_every_mutation_announces_itself_by_an_event_of_its_own() -> None:
    """The accounting tells mutations apart by the type of their event."""
    assert set(EVENT_OF_MUTATION) == set(MutationKind)
    assert len(set(EVENT_OF_MUTATION.values())) == len(MutationKind)


def test_the_default_mix_has_all_mutations() -> None:
    """Who leaves `mix` out exercises everything."""
    assert {name.upper() for name in DEFAULT_MIX} == {kind.name for kind in MutationKind}
