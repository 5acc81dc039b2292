from __future__ import annotations

import json
import os
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from workbench.definition import yamlfile
from workbench.definition.problems import DefinitionError, Problem, format_problem
from workbench.definition.yamlfile import MAX_LINE, YamlFile, parse_yaml, read_yaml, where
from workbench.definition.yamltree import MAX_DEPTH, MAX_NODES, YamlFloat

FILE = Path("agent.yaml")


def parse(text: str | bytes) -> YamlFile:
    return parse_yaml(FILE, text.encode() if isinstance(text, str) else text)


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(DefinitionError) as caught:
        parse(text)
    return caught.value.problems


def problem(text: str | bytes) -> Problem:
    found = problems(text)
    assert len(found) == 1
    return found[0]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML: in C, and in Python where that one is not built."""
    monkeypatch.setattr(yamlfile, "_PARSER", getattr(pyyaml, request.param))


@pytest.mark.usefixtures("each_parser")
def test_values_and_places() -> None:
    file = parse("name: x\r\nlist:\n  - é: [1, two]\n  - |\n    text\n")
    assert file.value == {"name": "x", "list": [{"é": [1, "two"]}, "text\n"]}
    assert file.position(("list",), "key") == (2, 1)
    assert file.position(("list", 0, "é"), "key") == (3, 5)
    assert file.position(("list", 0, "é", 1)) == (3, 12)
    assert file.position(("list", 1)) == (4, 5)
    assert file.position(("list", 0, "missing")) == (3, 5)
    assert file.at(("list", 0, "é", 1)) == "two"
    assert file.at(("list", 7)) is None
    assert file.has(("list", 1))
    assert not file.has(("list", 2))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0755", "0755"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("-12", -12),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("'12'", "12"),
        ('"\\u00e9"', "é"),
        ("٣", "٣"),
    ],
)
def test_plain_values_follow_yaml_1_2(text: str, value: object) -> None:
    found = parse(f"key: {text}\n").value
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) in (type(value), YamlFloat)


def test_a_number_keeps_how_it_was_written() -> None:
    value: Any = parse("usd: 0.10000000000000000000001").value
    assert Decimal(value["usd"].text) == Decimal("0.10000000000000000000001")
    assert json.dumps(value) == '{"usd": 0.1}'
    assert pickle.loads(pickle.dumps(value["usd"])).text == value["usd"].text


def test_an_alias_is_its_anchor_and_stands_there() -> None:
    file = parse("a: &here [1]\nb: *here\n")
    assert file.value == {"a": [1], "b": [1]}
    assert file.position(("b", 0)) == (1, 11)
    assert file.position(("b",), "key") == (2, 1)


@pytest.mark.usefixtures("each_parser")
@pytest.mark.parametrize(
    ("text", "place", "message", "expected"),
    [
        ("a: 1\nschedule: */15 * * * *", (2, 11), "begin with '*'", '"*/15 * * * *"'),
        ("hosts: [*.example.org]", (1, 9), "begin with '*'", '"*.example.com"'),
        ("a: *nothing", (1, 4), "begin with '*'", "in quotes"),
        ("schedule: @daily", (1, 11), "begin with '@'", "0 0 * * *"),
        ("name: @me", (1, 7), "begin with '@'", "in quotes"),
        ("a: `x`", (1, 4), "begin with '`'", "in quotes"),
        ("a: %x", (1, 4), "begin with '%'", "in quotes"),
        ("a: &", (1, 4), "begin with '&'", "in quotes"),
        ("a: !important x", (1, 4), "begin with '!'", "in quotes"),
        ("a: !e!x 1", (1, 4), "begin with '!'", "in quotes"),
        ("a: !!python/object/apply:os.system [ls]", (1, 4), "begin with '!'", "without the tag"),
        ("input: Review: tickets", (1, 14), "cannot hold ': '", "in quotes"),
        ("name:x\nmodel: y", (2, 6), "no space after its ':'", "with a space"),
        ("a: 1\n  b: 2", (2, 4), "indented deeper", "indented alike"),
        ("a\nb: c", (2, 2), "does not fit to the lines above", "indented alike"),
        ("a: 1\nfoo\nb: 2", (2, 1), "no ':'", "key: value"),
        ("a: 'x\nb: 2", (1, 4), "quote that opens here", "closing quote"),
        ('a: "\\q"', (1, 5), "no escape", "single quotes"),
        ('a: "x" y', (1, 8), "follow a closed quote", "quotes around"),
        ("a: [1, 2\nb: 3", (1, 4), "'[' that opens here", "']'"),
        ("a: {b: 1", (1, 4), "'{' that opens here", "'}'"),
        ("a: [1 }", (1, 7), "does not fit here in […]", "']'"),
        ("- a\nb: 1", (2, 1), "does not fit to the list above", "'- '"),
        ("a: |x\n  y", (1, 5), "follow '|'", "next line"),
        ("a:\n\t- x", (2, 1), "tab", "spaces"),
        ("\ta: 1", (1, 1), "tab", "spaces"),
        ("a: 1\n---\nb: 2", (2, 1), "second document", "one document"),
        ("a: {{ name }}", (1, 5), "a mapping cannot be a key", "quotes"),
        ("? [a]\n: b", (1, 3), "a list cannot be a key", "text"),
        ("1: x", (1, 1), "a number cannot be a key", "quotes"),
        ("true: x", (1, 1), "true or false cannot be a key", "quotes"),
        ("~: x", (1, 1), "an empty value cannot be a key", "quotes"),
        ("<<: {a: 1}", (1, 1), "merge keys", "keys themselves"),
        ("a: 1e999", (1, 4), "too large", "64 bits"),
        (f"a: {'9' * 5000}", (1, 4), "too large", "64 bits"),
        ("a: &x [*x]", (1, 8), "inside of what it stands for", "ends"),
        ("%YAML 3.0\n---\na: 1", (1, 1), "not YAML", ""),
        ("# nothing", (1, 1), "file is empty", "name: my-agent"),
        ("", (1, 1), "file is empty", "name: my-agent"),
    ],
)
def test_what_yaml_minds_is_told(text: str, place: tuple[int, int], message: str, expected: str) -> None:
    found = problem(text)
    assert (found.line, found.column) == place
    assert message in found.message
    assert expected in found.expected


def test_all_that_can_be_told_is_told_at_once() -> None:
    found = problems("a: 1\na: 2\n5: x\nb: 1e999\n")
    assert [item.line for item in found] == [2, 3, 4]
    assert "twice" in found[0].message


@pytest.mark.usefixtures("each_parser")
def test_half_a_character_is_no_text() -> None:
    assert "escape" in problem('a: "\\ud83d"').message


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parse('"<<": 1').value == {"<<": 1}


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        (b"\xef\xbb\xbfa: 1", 1, 1, "byte order mark"),
        ("a: 1".encode("utf-16"), 1, 1, "UTF-16"),
        (b"a: 1\nb: \xff", 2, 4, "0xff is not UTF-8"),
        (b"a: \x00", 1, 4, "U+0000"),
        (b"a: 1\nb: x\x1b[2J", 2, 5, "U+001B"),
        (("a: " + "x" * MAX_LINE).encode(), 1, 1, "65,539 characters"),
    ],
)
def test_what_is_not_text_is_told(content: bytes, line: int, column: int, message: str) -> None:
    found = problem(content)
    assert (found.line, found.column) == (line, column)
    assert message in found.message


def test_limits_hold_with_and_without_aliases() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
    )
    assert f"{MAX_NODES:,} values" in problem(bomb).message
    assert f"{MAX_NODES:,} values" in problem("- a\n" * (MAX_NODES + 1)).message
    assert f"{MAX_DEPTH} lists" in problem("[" * 5000).message
    assert f"{MAX_DEPTH} lists" in problem("- " * 500 + "x").message
    deep = "".join(
        f"a{level}: &a{level} [[[[[[[[[[{f'*a{level - 1}' if level else 'x'}]]]]]]]]]]\n" for level in range(20)
    )
    assert f"{MAX_DEPTH} lists" in problem(deep).message
    assert parse("[" * (MAX_DEPTH - 1) + "x" + "]" * (MAX_DEPTH - 1)).value


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "agent.yml").write_text("a: 1")
    cases = {
        tmp_path / "agent.yaml": "no such file",
        tmp_path: "folder",
        tmp_path / "nowhere" / "agent.yaml": "no such folder",
        tmp_path / "agent.yml" / "x": "no such folder",
        tmp_path / ("x" * 5000): "cannot be read",
        tmp_path / "a\0b": "cannot be read",
    }
    for path, message in cases.items():
        with pytest.raises(DefinitionError) as caught:
            read_yaml(path)
        assert message in caught.value.problems[0].message
    with pytest.raises(DefinitionError) as caught:
        read_yaml(tmp_path / "agent.yaml")
    assert caught.value.problems[0].suggestion == "agent.yml"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "agent.yaml")
    with pytest.raises(DefinitionError, match="pipe"):
        read_yaml(tmp_path / "agent.yaml")


def test_a_file_may_have_as_many_bytes_as_allowed(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 12")
    assert read_yaml(path, max_bytes=5).value == {"a": 12}
    with pytest.raises(DefinitionError, match="too large"):
        read_yaml(path, max_bytes=4)


def test_where_quotes_odd_keys() -> None:
    assert where(("mcp_servers", 2, "headers", "X-A")) == "mcp_servers[2].headers.X-A"
    assert where(("a b", 0)) == '["a b"][0]'
    assert where(()) == ""


def test_shown_lines_hide_headers_and_variables_and_keep_columns() -> None:
    text = (
        "name: seen\n"
        "tok: &tok s3cret-anchored\n"
        "mcp: [{headers: {Authorization: Bearer s3cret, X: 'Bearer ${TOKEN}', s3cret-key: }}]\n"
        "env:\n  A: >\n    s3cret\n    s3cret\n  B: *tok\n"
        "url: https://me:s3cret@example.com/?api_key=s3cret&x=${KEY}\n"
    )
    file = parse(text)
    shown = file.shown_lines
    assert "s3cret" not in "\n".join(shown)
    assert [len(line) for line in shown] == [len(line) for line in text.split("\n")]
    assert "Authorization:" in shown[2]
    assert "${TOKEN}" in shown[2]
    assert shown[0] == "name: seen"
    assert "${KEY}" in shown[8]


def test_lines_of_a_broken_file_hide_even_more() -> None:
    text = (
        "name: seen\nhttp:\n  headers:\n    Authorization: Bearer s3cret-1\n    X: {'s3cret': 1,\ns3cret: 2}\n"
        "a: [{env: {K: s3cret}}]\nafter: seen\nkey: Bearer s3cret-token\nbroken: 'x\n"
    )
    for line in range(1, 11):
        lines = text.split("\n")
        lines.insert(line, "dup: 1\ndup: 2\n@x")
        for found in problems("\n".join(lines)):
            assert "s3cret" not in format_problem(found)
    shown = problem("headers: {A: s3cret\nb: s3cret").source
    assert "s3cret" not in shown


KEYS = st.text("abcdefghij_-", min_size=1, max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_read_as_it_is_and_every_value_has_a_place(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    file = parse(text)
    assert file.value == value
    for path, span in file.tree.values.items():
        part = file.at(path)
        if not isinstance(part, dict | list):
            assert json.loads(text[span.start : span.end]) == part
    for path, span in file.tree.keys.items():
        assert json.loads(text[span.start : span.end]) == path[-1]
