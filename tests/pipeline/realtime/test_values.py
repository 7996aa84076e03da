"""PostgreSQL's text becomes the JSON that `to_jsonb` would write."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.values import converter


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("int8", "-9007199254740993", -9007199254740993),
        ("numeric", "1.50", 1.5),
        ("numeric", "NaN", "NaN"),
        ("float8", "-Infinity", "-Infinity"),
        ("float8", "1e-07", 1e-07),
        ("bool", "t", True),
        ("bool", "f", False),
        ("text", 'a "b" ü', 'a "b" ü'),
        ("uuid", "389ef3d5-d4ea-422f-aff5-fa227a71f1d5", "389ef3d5-d4ea-422f-aff5-fa227a71f1d5"),
        ("jsonb", '{"n": [1, null]}', {"n": [1, None]}),
        ("timestamptz", "2026-11-23 08:23:51.634855+00", "2026-11-23T08:23:51.634855+00:00"),
        ("timestamptz", "infinity", "infinity"),
        ("timestamp", "2026-11-23 08:23:51", "2026-11-23T08:23:51"),
        ("date", "2026-11-23", "2026-11-23"),
    ],
)
def test_scalars_become_json(type_name: str, text: str, expected: Any) -> None:
    """Numbers stay numbers, times become ISO 8601, JSON stays as it is."""
    assert json.loads(converter(type_name)(text.encode())) == expected


@pytest.mark.parametrize(
    ("element", "text", "expected"),
    [
        ("int4", "{1,NULL,3}", [1, None, 3]),
        ("text", '{a,"b, c","say \\"x\\" \\\\","NULL"}', ["a", "b, c", 'say "x" \\', "NULL"]),
        ("int4", "{{1,2},{3,4}}", [[1, 2], [3, 4]]),
        ("int4", "[0:1]={7,8}", [7, 8]),
        ("text", "{}", []),
    ],
)
def test_arrays_become_json_arrays(element: str, text: str, expected: Any) -> None:
    """Quotes, escapes, nulls, dimensions and bounds are PostgreSQL's."""
    assert json.loads(converter("_" + element, element)(text.encode())) == expected


@given(st.lists(st.none() | st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_any_text_array_survives(values: list[str | None]) -> None:
    """An array literal as PostgreSQL would quote it gives the values back."""
    quoted = ["NULL" if one is None else '"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in values]

    assert json.loads(converter("_text", "text")(("{" + ",".join(quoted) + "}").encode())) == values
