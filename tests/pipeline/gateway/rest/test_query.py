"""Query strings and headers, and what they ask for."""

import pytest

from loadtests.pipeline.gateway.rest.errors import RestRefusal
from loadtests.pipeline.gateway.rest.query import Column, Order, Preferences, read_preferences, read_query


def test_an_empty_query_asks_for_everything() -> None:
    """All columns, no limit of its own."""
    query = read_query([])

    assert query.columns == (Column(name="*", alias="*"),)
    assert (query.conditions, query.order, query.limit, query.offset, query.is_limited) == ((), (), None, 0, False)
    assert query.inserted is None


def test_columns_may_have_other_names_and_quotes() -> None:
    """A quoted name may hold what separates others."""
    query = read_query([("select", 'id,other:name,"a,b","x:y":"c:d"')])

    assert query.columns == (
        Column(name="id", alias="id"),
        Column(name="name", alias="other"),
        Column(name="a,b", alias="a,b"),
        Column(name="c:d", alias="x:y"),
    )


@pytest.mark.parametrize("select", ["jobs(*)", "id::text", "payload->>x", "id,,name", "a:b:c", ","])
def test_what_is_not_served_is_refused_by_name(select: str) -> None:
    """Embedding, casts and paths would be silently wrong otherwise."""
    with pytest.raises(RestRefusal) as refusal:
        read_query([("select", select)])

    assert refusal.value.code == "PGRST100"


def test_an_order_has_directions_and_places_for_nulls() -> None:
    """Ascending is the default."""
    query = read_query([("order", "a,b.desc,c.asc.nullsfirst,d.nullslast")])

    assert query.order == (
        Order(column="a", is_descending=False, nulls_first=None),
        Order(column="b", is_descending=True, nulls_first=None),
        Order(column="c", is_descending=False, nulls_first=True),
        Order(column="d", is_descending=False, nulls_first=False),
    )


@pytest.mark.parametrize(
    ("parameters", "header", "window"),
    [
        ({"limit": "5", "offset": "10"}, None, (5, 10)),
        ({}, "0-24", (25, 0)),
        ({}, "items=10-19", (10, 10)),
        ({}, "30-", (None, 30)),
        ({"limit": "5"}, "10-19", (5, 10)),
        ({}, "bytes", (None, 0)),
    ],
)
def test_limit_offset_and_range(parameters: dict[str, str], header: str | None, window: tuple[int | None, int]) -> None:
    """A range is counted from 0 and holds its last row."""
    query = read_query(parameters.items(), header)

    assert (query.limit, query.offset) == window


@pytest.mark.parametrize(("key", "text"), [("limit", "-1"), ("limit", "x"), ("offset", "1e3"), ("order", "a.up")])
def test_a_number_is_a_number(key: str, text: str) -> None:
    """Else PGRST100."""
    with pytest.raises(RestRefusal) as refusal:
        read_query([(key, text)])

    assert refusal.value.code == "PGRST100"


def test_a_range_that_ends_before_it_begins_cannot_be_satisfied() -> None:
    """416."""
    with pytest.raises(RestRefusal) as refusal:
        read_query([], "9-3")

    assert (refusal.value.status, refusal.value.code) == (416, "PGRST103")


def test_several_filters_of_one_column_all_count() -> None:
    """Between two values."""
    assert len(read_query([("a", "gt.1"), ("a", "lt.5"), ("or", "(a.eq.2,a.eq.3)"), ("apikey", "k")]).conditions) == 3


def test_preferences() -> None:
    """What is not understood is passed over."""
    said = "return=representation, count=exact,resolution=merge-duplicates,missing=default, tx=rollback"

    assert read_preferences("", "*/*") == Preferences()
    assert read_preferences(said, "application/vnd.pgrst.object+json") == Preferences(
        returns="representation",
        is_counted=True,
        resolution="merge-duplicates",
        fills_defaults=True,
        is_single=True,
    )


@pytest.mark.parametrize("accept", ["text/csv", "application/vnd.pgrst.array+json;nulls=stripped"])
def test_another_form_is_refused(accept: str) -> None:
    """406."""
    with pytest.raises(RestRefusal) as refusal:
        read_preferences("", accept)

    assert (refusal.value.status, refusal.value.code) == (406, "PGRST107")
