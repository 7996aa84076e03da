"""The filter grammar and what satisfies a filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.filters import (
    ABSENT,
    Condition,
    FilterRefused,
    Text,
    TypedCondition,
    parse,
)


def typed(operator: str, *values: str, type_name: str = "text", negated: bool = False) -> TypedCondition:
    """Return a condition on the column `c`."""
    return TypedCondition(column="c", type_name=type_name, operator=operator, values=values, negated=negated)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("id=eq.7", (Condition(column="id", operator="eq", values=("7",)),)),
        ("id=eq.", (Condition(column="id", operator="eq", values=("",)),)),
        ("id=eq.a.b=c", (Condition(column="id", operator="eq", values=("a.b=c",)),)),
        ("id=not.eq.7", (Condition(column="id", operator="eq", values=("7",), negated=True),)),
        ("id=in.(1,2)", (Condition(column="id", operator="in", values=("1", "2")),)),
        ('id=in.("a,b",c)', (Condition(column="id", operator="in", values=("a,b", "c")),)),
        (
            "a=eq.1,b=neq.2",
            (
                Condition(column="a", operator="eq", values=("1",)),
                Condition(column="b", operator="neq", values=("2",)),
            ),
        ),
    ],
)
def test_filters_are_read(text: str, expected: tuple[Condition, ...]) -> None:
    """Commas in parentheses and quotes do not separate conditions."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("organization_id=foo.1", '["foo", "1"]'),
        ("organization_id", '["organization_id"]'),
        ("id=in.1,2", "`in` filter value must be wrapped by parentheses"),
        ("id=eq.1,", "filter must not contain empty segments (check for extra commas)"),
    ],
)
def test_bad_filters_are_refused_in_the_servers_words(text: str, message: str) -> None:
    """The subscriber is told what the real server tells."""
    with pytest.raises(FilterRefused) as refused:
        parse(text)

    assert str(refused.value) == f"Error parsing `filter` params: {message}"


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        (typed("eq", "a"), "a", True),
        (typed("eq", "a"), "b", False),
        (typed("eq", "a", negated=True), "b", True),
        (typed("neq", "a"), "b", True),
        (typed("neq", "a", negated=True), "a", True),
        (typed("in", "a", "b"), "b", True),
        (typed("in", "a", "b"), "c", False),
        (typed("eq", "1.50", type_name="numeric"), "1.5", True),
        (typed("eq", "1.50"), "1.5", False),
        (typed("eq", "a"), None, False),
        (typed("neq", "a"), None, False),
        (typed("neq", "a"), ABSENT, False),
    ],
)
def test_conditions_hold_as_sql_says(condition: TypedCondition, value: Text, holds: bool) -> None:  # noqa: FBT001 - a table
    """Null satisfies neither equality nor inequality; numbers are equal whatever their zeros."""
    assert condition.holds(value) is holds


@given(st.text(alphabet='ab=.,()"not eqinr ', max_size=20))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    """No filter raises anything else."""
    try:
        parse(text)
    except FilterRefused as refused:
        assert str(refused).startswith("Error parsing `filter` params: ")  # noqa: PT017 - both ends are fine
