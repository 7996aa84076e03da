"""The filter grammar and what satisfies a filter."""

from dataclasses import replace

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
    """Return a condition on the column `c`; without values a null is the only one."""
    value = values[0] if values else ""
    return TypedCondition(
        column="c",
        type=type_name,
        type_name=type_name,
        operator=operator,
        value=value,
        values=values,
        has_null=not values,
        negated=negated,
    )


def unasked(condition: TypedCondition, text: str) -> bool | None:
    """Fail: no condition here is for the database."""
    raise AssertionError((condition, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("id=eq.7", (Condition(column="id", operator="eq", value="7"),)),
        ("id=eq.", (Condition(column="id", operator="eq", value=""),)),
        ("id=eq.a.b=c", (Condition(column="id", operator="eq", value="a.b=c"),)),
        ("id=not.eq.7", (Condition(column="id", operator="eq", value="7", negated=True),)),
        ("id=in.(1,2)", (Condition(column="id", operator="in", value="{1,2}"),)),
        ('id=in.("a,b",c)', (Condition(column="id", operator="in", value='{"a,b",c}'),)),
        ('id=eq."a,b"', (Condition(column="id", operator="eq", value="a,b"),)),
        ('id=eq."a\\"b"', (Condition(column="id", operator="eq", value='a"b'),)),
        ('id=eq."a"b', (Condition(column="id", operator="eq", value='"a"b'),)),
        ("id=eq.(a,b)", (Condition(column="id", operator="eq", value="(a,b)"),)),
        (" id=like.x%  ", (Condition(column="id", operator="like", value="x%"),)),
        (
            "a=eq.1,b=neq.2",
            (
                Condition(column="a", operator="eq", value="1"),
                Condition(column="b", operator="neq", value="2"),
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
        ("id=eq", '["eq"]'),
        ("id= eq.1", '[" eq", "1"]'),
        ("id=not.foo.1", '["foo", "1"]'),
        ('id=foo."', '["foo", "\\""]'),
        ("id=in.(", "`in` filter value must be wrapped by parentheses"),
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
        (typed("in"), "c", False),
        (typed("in", negated=True), "c", False),
        (typed("lt", "10", type_name="int4"), "9", True),
        (typed("gte", "10", type_name="int8", negated=True), "9", True),
        (typed("is", "null"), None, True),
        (typed("is", "null"), "a", False),
        (typed("is", "null", negated=True), "a", True),
        (typed("is", "true", type_name="bool"), "t", True),
        (typed("is", "true", type_name="bool", negated=True), None, True),
        (typed("is", "unknown", type_name="bool"), None, True),
        (typed("is", "null"), ABSENT, False),
        (typed("isdistinct", "a"), None, True),
        (typed("isdistinct", "a"), "a", False),
        (typed("isdistinct", "a", negated=True), "a", True),
        (typed("isdistinct", "a", negated=True), None, False),
        (typed("eq", "1.50"), "1.5", False),
        (typed("eq", "a"), None, False),
        (typed("neq", "a"), None, False),
        (typed("neq", "a"), ABSENT, False),
    ],
)
def test_conditions_hold_as_sql_says(condition: TypedCondition, value: Text, holds: bool) -> None:  # noqa: FBT001 - a table
    """Null satisfies neither equality nor inequality; numbers are equal whatever their zeros."""
    assert condition.holds(value, unasked) is holds


@given(st.text(alphabet='ab=.,()"not eqinr ', max_size=20))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    """No filter raises anything else."""
    try:
        parse(text)
    except FilterRefused as refused:
        assert str(refused).startswith("Error parsing `filter` params: ")  # noqa: PT017 - both ends are fine


@pytest.mark.parametrize(
    "condition",
    [
        typed("like", "a%"),
        typed("lt", "a"),
        typed("eq", "1.50", type_name="numeric"),
        typed("in", "1.50", type_name="numeric"),
        typed("gt", "2001-01-01", type_name="timestamptz"),
    ],
)
@pytest.mark.parametrize(("answer", "negated", "expected"), [
    (True, False, True), (True, True, False), (False, True, True), (None, False, False), (None, True, False),
])  # fmt: skip
def test_what_python_cannot_compare_is_the_databases_to_say(
    *,
    condition: TypedCondition,
    answer: bool | None,
    negated: bool,
    expected: bool,
) -> None:
    """Patterns, orders of text and times, and types with several spellings; no answer satisfies nothing."""
    assert condition.is_for_the_database
    assert replace(condition, negated=negated).holds("a", lambda _condition, _text: answer) is expected


@pytest.mark.parametrize(
    ("operator", "values", "has_null", "negated", "holds"),
    [
        ("in", (), False, True, True),
        ("in", (), False, False, False),
        ("in", (), True, True, False),
        ("in", ("a",), False, True, False),
        ("isdistinct", ("a",), False, False, True),
        ("isdistinct", ("a",), False, True, False),
        ("eq", ("a",), False, True, False),
    ],
)
def test_of_null_only_this_much_is_known(
    operator: str, values: tuple[str, ...], *, has_null: bool, negated: bool, holds: bool
) -> None:
    """It is distinct from every value, and an empty list does not have it."""
    condition = replace(typed(operator, *values, negated=negated), has_null=has_null)

    assert condition.holds(None, unasked) is holds
