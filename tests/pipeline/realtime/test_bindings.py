"""Bindings are echoed with ids, read, and refused in the real server's words."""

import pytest

from loadtests.pipeline.realtime.bindings import BindingRefused, asked_for, binding_id, echo, read

INSERT = {"event": "INSERT", "schema": "public", "table": "realtime_events"}


def test_echo_is_the_clients_object_with_an_id() -> None:
    """Unknown keys come back, the order stays."""
    asked = [{**INSERT, "extra": "x"}, {"schema": "public"}]

    assert echo(asked) == [{**one, "id": binding_id(one)} for one in asked]


def test_equal_bindings_have_equal_positive_ids() -> None:
    """The id depends on the object alone, not on the order of its keys, and is truthy."""
    turned = dict(reversed(INSERT.items()))

    assert binding_id(INSERT) == binding_id(turned)
    assert binding_id(INSERT) != binding_id({**INSERT, "filter": "id=eq.1"})
    assert 0 < binding_id(INSERT) < 1 << 27


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, []),
        ({"postgres_changes": None}, []),
        ({"postgres_changes": "x"}, []),
        ({"postgres_changes": [None, INSERT]}, [INSERT]),
    ],
)
def test_only_objects_in_a_list_are_bindings(config: dict[str, object], expected: list[object]) -> None:
    """Nulls are left out; anything but a list asks for nothing."""
    assert asked_for(config) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (INSERT, ("INSERT", "public", "realtime_events")),
        ({**INSERT, "event": "insert"}, ("INSERT", "public", "realtime_events")),
        ({**INSERT, "event": "TRUNCATE"}, ("*", "public", "realtime_events")),
        ({"schema": "s"}, ("*", "s", "*")),
        ({"table": "t"}, ("*", "public", "t")),
    ],
)
def test_missing_parts_have_their_meaning(asked: dict[str, str], expected: tuple[str, str, str]) -> None:
    """A schema alone means all its tables, a table alone is in `public`, an unknown event means all."""
    (binding,) = read([asked])

    assert (binding.event, binding.schema, binding.table) == expected


@pytest.mark.parametrize("asked", [{}, {"event": "INSERT"}, {**INSERT, "filter": None}, {**INSERT, "table": 5}])
def test_binding_without_table_or_with_a_null_is_refused(asked: dict[str, object]) -> None:
    """The text says what is missing."""
    with pytest.raises(BindingRefused, match=r"^No subscription params provided"):
        read([asked])


def test_parameters_are_shown_as_the_server_shows_them() -> None:
    """Error texts hold the parameters in Elixir's notation."""
    (binding,) = read([{**INSERT, "filter": "nosuch=eq.1"}])

    assert binding.to_elixir() == (
        '[event: INSERT, schema: public, table: realtime_events, filters: [{"nosuch", "eq", "1", false}], select: nil]'
    )
