"""Values as Elixir's `inspect` prints them."""

import pytest

from loadtests.pipeline.realtime.elixir import external_size, inspect, pretty

ORG = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nil"),
        (True, "true"),
        (5, "5"),
        ('a "b" \\ #{c}\n', r'"a \"b\" \\ \#{c}\n"'),
        ("\x01", "<<1>>"),
        ({"b": [1, None], "a": {}}, '%{"a" => %{}, "b" => [1, nil]}'),
        (("a", "eq", "b", False), '{"a", "eq", "b", false}'),
    ],
)
def test_values_are_printed_on_one_line(value: object, expected: str) -> None:
    """Maps are sorted, text is quoted, what cannot be printed is bytes."""
    assert inspect(value) == expected


def test_short_lists_stay_on_one_line() -> None:
    """Up to 80 columns."""
    assert pretty([("organization_id", "eq", ORG, False)]) == f'[{{"organization_id", "eq", "{ORG}", false}}]'
    assert pretty(None) == "nil"


def test_long_lists_are_broken_as_by_pretty_inspect() -> None:
    """One tuple a line, indented by two; a tuple that is too long itself continues under its first element."""
    filters: list[tuple[str | bool, ...]] = [
        ("organization_id", "eq", ORG, False),
        ("entity_id", "in", "{" + "x" * 70 + "}", True),
    ]

    assert pretty(filters) == (
        f'[\n  {{"organization_id", "eq", "{ORG}", false}},\n  {{"entity_id", "in",\n   "{{{"x" * 70}}}",\n   true}}\n]'
    )


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({}, 6),
        ({"a": "x"}, 18),
        ({"a": {"b": [1, 300, -1]}}, 1 + 5 + 6 + 5 + 6 + 6 + 2 + 5 + 5),
        ([], 2),
        ("héllo", 12),
        (1 << 31, 8),
        (1 << 40, 10),
        (0.5, 10),
        (None, 6),
        (True, 7),
    ],
)
def test_sizes_are_those_of_the_external_term_format(value: object, size: int) -> None:
    """`:erlang.external_size/1`: a byte for the version, then tags, lengths and contents."""
    assert external_size(value) == size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (0.1, "0.1"),
        (100.0, "100.0"),
        (1.8e9, "1.8e9"),
        (1_800_000_060.5, "1800000060.5"),
        (1_800_000_060.0, "1800000060.0"),
        (-1e-7, "-1.0e-7"),
        (1e22, "1.0e22"),
        (0.0, "0.0"),
    ],
)
def test_floats_are_as_short_as_they_can_be(value: float, text: str) -> None:
    """Whichever notation is shorter."""
    assert inspect(value) == text
