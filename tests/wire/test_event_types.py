"""The event types of the design, by the names that stand in the table."""

from loadtests.wire.event_types import EVENT_TYPES, EventType


def test_names_are_those_of_the_design() -> None:
    """Literally, because they are on the wire."""
    assert set(EVENT_TYPES) == {
        *("job.created", "job.updated", "job.archived", "job.flagged", "job.deleted"),
        *("evidence.uploaded", "evidence.synced", "evidence.verified"),
        *("audit.appended", "mitigation.completed", "export.ready", "proof_pack.generated"),
    }


def test_every_name_leads_back_to_its_type() -> None:
    """And what nobody knows has no name."""
    assert all(EVENT_TYPES[event_type.wire_name] is event_type for event_type in EventType if event_type)
    assert EventType.OTHER not in EVENT_TYPES.values()
