from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.model.offline_paths import JsonPath, MissingValueError, PathError, equal, parse_path, walk
from workbench.model.offline_templates import TemplateError, parse_template, paths_in, render, render_text

NAMES: dict[str, Any] = {
    "a": {"b": [1, {"c": "deep"}], "odd key": True, "text": "it's", "none": None, "7": "seven"},
    "n": 5,
}


def lookup(path: JsonPath) -> Any:
    return walk(NAMES, path, "names")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ a.b[0] }}", 1),
        ("{{a.b[1].c}}", "deep"),
        ("{{ a.b[-1].c }}", "deep"),
        ("{{ a.b.1.c }}", "deep"),
        ('{{ a["odd key"] }}', True),
        ("{{ a.7 }}", "seven"),
        ("{{ a.none }}", None),
        ("n is {{ n }}", "n is 5"),
        ("{{ a.b }} {{ a.none }}", '[1, {"c": "deep"}] null'),
        ("{{ a.x ?? n }}", 5),
        ('{{ a.x ?? b.y ?? "else" }}', "else"),
        ("{{ x ?? 2.5 }}", 2.5),
        ("{{ x ?? true }}", True),
        ("{{ a.text | shell }}", "'it'\"'\"'s'"),
        ("{{ a.b | json }}", '[1, {"c": "deep"}]'),
        ("{{ a.text | json }}", '"it\'s"'),
        ('{{ "{{" }}', "{{"),
        ("a }} b", "a }} b"),
        ("{{\n  n\n}}", 5),
    ],
)
def test_templates(text: str, expected: object) -> None:
    assert render(text, lookup) == expected


def test_everything_in_a_value_is_rendered_but_keys() -> None:
    value: Any = {"x": ["{{ n }}", {"{{ n }}": "{{ n }}!"}], "y": 3}
    assert render(value, lookup) == {"x": [5, {"{{ n }}": "5!"}], "y": 3}


def test_as_text() -> None:
    assert render_text("{{ n }}", lookup) == "5"
    assert render_text("{{ a.b }}", lookup) == '[1, {"c": "deep"}]'


@pytest.mark.parametrize(
    "text",
    [
        "{{ }}",
        "{{ a",
        "{{ a. }}",
        "{{ a b }}",
        "{{ a | upper }}",
        "{{ a ?? }}",
        "{{ ?? a }}",
        "{{ a + 1 }}",
        "{{ f() }}",
    ],
)
def test_what_is_no_template(text: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ a.x }}", "names.a has no 'x' (it has b, odd key, text, none, 7)"),
        ("{{ a.b[7] }}", "names.a.b has no '7': it is a list of 2"),
        ("{{ n.x }}", "names.n has no 'x': it is a number"),
        ("{{ a.none.x }}", "names.a.none has no 'x': it is null"),
        ("{{ a.x ?? a.y }}", "names.a has no 'x'"),
    ],
)
def test_what_is_missing_is_told_with_what_there_is(text: str, words: str) -> None:
    with pytest.raises(MissingValueError) as caught:
        render(text, lookup)
    assert words in str(caught.value)


def test_the_paths_of_a_template() -> None:
    assert paths_in('x {{ a.b ?? c[0] ?? "d" }} {{ e | json }}') == [("a", "b"), ("c", 0), ("e",)]


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a[x]", "a b", "a."])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(PathError):
        parse_path(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, width=16) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(one=json_values, other=json_values)
def test_values_are_equal_as_json_is(one: Any, other: Any) -> None:
    def normal(value: Any) -> str:
        return json.dumps(json.loads(json.dumps(value), parse_float=lambda text: float(text) + 0), sort_keys=True)

    def whole(value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, dict):
            return {name: whole(item) for name, item in value.items()}
        return [whole(item) for item in value] if isinstance(value, list) else value

    assert equal(one, other) == (normal(whole(one)) == normal(whole(other)))
    assert equal(one, one)


@given(st.text())
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        render(text, lookup)
    except (TemplateError, MissingValueError):
        assert "{{" in text
