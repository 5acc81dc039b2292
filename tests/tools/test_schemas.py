"""Input schemas that the API takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]

from workbench.jsontypes import JsonObject
from workbench.tools.schemas import GIVEN_SCHEMA, UnusableToolError, lenient_listing, mend

KEYWORDS = st.sampled_from(
    ["type", "properties", "required", "anyOf", "oneOf", "allOf", "title", "additionalProperties"]
)
VALUES = st.recursive(
    st.sampled_from(["object", "string", "x", "a[b]", None, True, 1, -1]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | st.sampled_from(["x", "a[b]", "é"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_a_good_schema_is_not_touched() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["city"],
        "additionalProperties": False,
        "$defs": {"x": {"type": "string"}},
    }
    mended = mend(schema)
    assert mended.schema == schema
    assert not mended.changes
    assert mended.arguments({"city": "Bonn"}) == {"city": "Bonn"}


@pytest.mark.parametrize("given_schema", [None, {}, {"type": None}, {"type": ["object", "null"]}])
def test_a_missing_type_is_added(given_schema: object) -> None:
    mended = mend(given_schema)
    assert mended.schema == {"type": "object", "properties": {}}
    assert mended.changes == ["type: object added"]


@pytest.mark.parametrize("given_schema", ["object", [], 7, {"type": "string"}, {"type": ["null"]}])
def test_what_is_no_object_is_refused(given_schema: object) -> None:
    with pytest.raises(UnusableToolError, match="not an object with named parameters"):
        mend(given_schema)


def test_demands_of_one_of_several_are_dropped_but_said() -> None:
    mended = mend(
        {
            "type": "object",
            "properties": {"a": {}, "b": {}},
            "required": ["x"],
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        }
    )
    assert mended.schema == {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["x"]}
    assert mended.changes == ["anyOf at the top replaced by the parameters of its branches"]


def test_branches_give_their_parameters() -> None:
    branches: JsonObject = {
        "oneOf": [
            {"properties": {"id": {"type": "integer"}, "kind": {"const": "a"}}, "required": ["kind", "id"]},
            {"properties": {"name": {"type": "string"}, "kind": {"const": "b"}}, "required": ["kind"]},
        ],
        "allOf": [{"properties": {"who": {}}, "required": ["who"]}],
    }
    schema = mend({"type": "object", **branches}).schema
    assert isinstance(schema["properties"], dict)
    assert set(schema["properties"]) == {"who", "id", "kind", "name"}
    assert schema["required"] == ["who", "kind"]


def test_names_that_the_api_refuses_are_shown_otherwise_and_called_as_they_are() -> None:
    mended = mend(
        {
            "type": "object",
            "properties": {"filter[id]": {"type": "string"}, "filter_id_": {}},
            "required": ["filter[id]"],
        }
    )
    assert mended.schema["properties"] == {"filter_id__2": {"type": "string"}, "filter_id_": {}}
    assert mended.schema["required"] == ["filter_id__2"]
    assert mended.arguments({"filter_id__2": "7", "filter_id_": 1}) == {"filter[id]": "7", "filter_id_": 1}


def test_constraints_of_an_older_draft_are_removed_and_said() -> None:
    mended = mend(
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "description": "how many"}},
            "required": [],
            "minProperties": "one",
        }
    )
    assert mended.schema["properties"] == {"n": {"description": "how many"}}
    assert "minProperties" not in mended.schema
    assert sorted(mended.changes) == ["invalid constraints of n removed", "invalid minProperties removed"]


@given(VALUES)
def test_whatever_is_mended_is_valid(value: object) -> None:
    try:
        mended = mend(value)
    except UnusableToolError:
        return
    schema = mended.schema
    assert schema["type"] == "object"
    assert isinstance(schema["properties"], dict)
    assert not {"anyOf", "oneOf", "allOf"} & set(schema)
    assert all(name.isascii() and "[" not in name for name in schema["properties"])
    Draft202012Validator.check_schema(schema)


def test_one_odd_tool_does_not_void_a_listing() -> None:
    good: JsonObject = {"name": "good", "description": "fine", "inputSchema": {"type": "object"}}
    listing = lenient_listing(
        {
            "tools": [
                good,
                {"name": "bare"},
                {"name": 7},
                "?",
                {"name": "odd", "inputSchema": {"type": "object", "required": "x"}, "outputSchema": 3},
            ],
            "nextCursor": "2",
        }
    )
    assert listing == {
        "tools": [
            good,
            {"name": "bare", "inputSchema": {"type": "object"}, "_meta": {GIVEN_SCHEMA: None}},
            {
                "name": "odd",
                "inputSchema": {"type": "object"},
                "_meta": {GIVEN_SCHEMA: {"type": "object", "required": "x"}},
            },
        ],
        "nextCursor": "2",
    }
