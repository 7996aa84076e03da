"""Filters as text, and the conditions that they are."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgrest.utils import sanitize_param

from loadtests.pipeline.gateway.rest.errors import RestRefusal
from loadtests.pipeline.gateway.rest.filters import Combination, Comparison, read_filter


def compared(column: str, operator: str, *values: str, negated: bool = False) -> Comparison:
    """Return a comparison."""
    return Comparison(column=column, operator=operator, values=values, is_negated=negated)


@pytest.mark.parametrize(
    ("key", "text", "condition"),
    [
        ("a", "eq.1", compared("a", "eq", "1")),
        ("a", "not.gte.1", compared("a", "gte", "1", negated=True)),
        ("a", "eq.", compared("a", "eq", "")),
        ("a", "eq.x.y,(z)", compared("a", "eq", "x.y,(z)")),
        ("a", 'eq."x"', compared("a", "eq", '"x"')),
        ("a", "like.*b*", compared("a", "like", "*b*")),
        ("a", "is.NULL", compared("a", "is", "null")),
        ("a", "in.(1,2)", compared("a", "in", "1", "2")),
        ("a", 'in.("x,y",z,"q\\"uo\\\\te")', compared("a", "in", "x,y", "z", 'q"uo\\te')),
        ("a", "in.()", compared("a", "in")),
        ("a", "cs.{x,y}", compared("a", "cs", "{x,y}")),
        ('"a:b"', "eq.1", compared("a:b", "eq", "1")),
    ],
)
def test_a_comparison(key: str, text: str, condition: Comparison) -> None:
    """At the top level a value goes to the end, whatever it holds."""
    assert read_filter(key, text) == condition


def test_a_tree() -> None:
    """Nested, negated, with lists, quotes and an array's own commas."""
    text = '(a.eq.1,b.not.is.null,not.and(c.in.(1,"2,)"),d.cs.{x,y}),"e.f".not.lt.3)'

    assert read_filter("not.or", text) == Combination(
        operator="or",
        is_negated=True,
        conditions=(
            compared("a", "eq", "1"),
            compared("b", "is", "null", negated=True),
            Combination(
                operator="and",
                is_negated=True,
                conditions=(compared("c", "in", "1", "2,)"), compared("d", "cs", "{x,y}")),
            ),
            compared("e.f", "lt", "3", negated=True),
        ),
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("a", "1"), ("a", "eq"), ("a", "equals.1"), ("a", "is.maybe"), ("a", "in.1"), ("a", "in.(1"), ("a", "in.(1)x"),
        ("or", "a.eq.1"), ("or", "()"), ("or", "(a.eq.1"), ("or", "(a.eq.1)x"), ("or", "(a)"), ("or", '("a'),
        ("and", "(a.cs.{1,2)"), ("or", "(not.b.is.null)"), ("or", "(" + "and(" * 40 + "a.eq.1" + ")" * 41),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(key: str, text: str) -> None:
    """With PostgREST's code, and never with another error."""
    with pytest.raises(RestRefusal) as refusal:
        read_filter(key, text)

    assert (refusal.value.status, refusal.value.code) == (400, "PGRST100")


@given(st.lists(st.text(), min_size=1))
def test_what_the_official_client_quotes_is_read_back(values: list[str]) -> None:
    """Any list of texts; an empty one it does not quote is one empty text."""
    text = f"in.({','.join(sanitize_param(value) for value in values)})"

    if values == [""]:
        assert read_filter("a", text) == compared("a", "in")
    else:
        assert read_filter("a", text) == compared("a", "in", *values)


@given(st.sampled_from(["a", "or", "and", "not.or"]), st.text(alphabet='eqinsorand.,()"\\{}|é', max_size=40))
def test_any_text_is_read_or_refused(key: str, text: str) -> None:
    """No other end."""
    with suppress(RestRefusal):
        read_filter(key, text)
