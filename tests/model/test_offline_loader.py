from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import TypeAdapter

import workbench.model
from workbench.definition.problems import DefinitionError, Problem, format_problem
from workbench.model.offline_loader import load_offline, offline_schema

if TYPE_CHECKING:
    from tests.model.conftest import Kit

REPLY = "rules:\n  - reply: {text: hi}\n"


def problems(kit: Kit, text: str) -> list[Problem]:
    with pytest.raises(DefinitionError) as caught:
        kit.script(text)
    return list(caught.value.problems)


def test_a_script_knows_its_lines(kit: Kit) -> None:
    script = kit.script(
        "rules:\n  - name: first\n    reply: {text: a}\n  - when: {step: 2}\n    rules:\n      - error: {status: 500}\n"
    )
    assert [(rule.title, rule.key) for rule in script.rules] == [
        ("offline.yaml:3 'first'", "rules.0"),
        ("offline.yaml:5 'group 2'", "rules.1"),
    ]
    assert [rule.title for rule in script.rules[1].rules] == ["offline.yaml:7 'rule 1'"]
    assert script.folder == kit.folder


def test_no_script(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_offline(tmp_path)
    shown = format_problem(caught.value.problems[0])
    assert "the agent has no offline.yaml" in shown
    assert "rules:" in shown


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("rulez: []\n" + REPLY, (2, 1), "unknown key 'rulez'"),
        ("rules: []\n", (2, 8), "at least 1"),
        ("rules:\n  - {when: {step: 1}}\n", (3, 5), "the rule answers nothing"),
        ("rules:\n  - {reply: {text: a}, rules: [{reply: {text: b}}]}\n", (3, 5), "a group of rules answers nothing"),
        ("rules:\n  - when: {input: {matches: '(a'}}\n    reply: {text: a}\n", (3, 29), "no regular expression"),
        ("rules:\n  - when: {input: {matches: '(?P<json>a)'}}\n    reply: {text: a}\n", (3, 29), "named json"),
        ("rules:\n  - when: {step: one}\n    reply: {text: a}\n", (3, 18), "no number or range"),
        ("rules:\n  - when: {step: 4-2}\n    reply: {text: a}\n", (3, 18), "no number or range"),
        ("rules:\n  - reply: {text: a, stop_reason: finished}\n", (3, 35), "'finished' is not known here"),
        ("rules:\n  - reply: {text: a, blocks: [{text: b}]}\n", (3, 12), "blocks stand beside"),
        ("rules:\n  - reply: {blocks: [{text: b, thinking: c}]}\n", (3, 22), "exactly one key"),
        ("rules:\n  - error: {status: 500, cut: true}\n", (3, 12), "exactly one kind"),
        ("rules:\n  - error: {status: 200}\n", (3, 21), "at least 400"),
        ("rules:\n  - error: {cut: true, after: 3}\n", (3, 5), "characters of the reply, and there is none"),
        ("rules:\n  - {error: {status: 500, after: 3}, reply: {text: a}}\n", (3, 13), "'after' is for what happens"),
        ("rules:\n  - reply: {text: '{{ input. }}'}\n", (3, 20), "is not understood"),
        ("rules:\n  - reply: {text: 'a {{ inputs.text }}'}\n", (3, 25), "'inputs' is no name here"),
        ("rules:\n  - reply: {text: '{{ input.id }}'}\n", (3, 29), "no pattern captures 'id' of input"),
        ("rules:\n  - reply: {text: '{{ choice.kind }}'}\n", (3, 30), "there is no choice 'kind'"),
        ("values: {team: a}\nrules:\n  - reply: {text: '{{ values.taem }}'}\n", (4, 30), "values has no 'taem'"),
        ("rules:\n  - reply: {text: '{{ item }}'}\n", (3, 23), "'item' is no name here"),
        ("rules:\n  - {reply: {text: a}, when: {equals: {nope.a: 1}}}\n", (3, 48), "'nope' is no name here"),
        ("rules:\n  - {reply: {text: a}, when: {equals: {'a b': 1}}}\n", (3, 40), "'a b' is no path"),
        ("rules:\n  - error: {satus: 429}\n", (3, 13), "unknown key 'satus'"),
        ("rules:\n  - {reply: {calls: [{tool: t}, {tol: u}]}}\n", (3, 34), "unknown key 'tol'"),
        ("rules:\n  - {reply: {calls: {tol: u}}}\n", (3, 22), "unknown key 'tol'"),
        (REPLY + "http: {api: [{request: 'FETCH /a'}]}\n", (4, 24), "this is no request"),
        (REPLY + "http: {api: [{request: 'GET /{a}/{a}'}]}\n", (4, 24), "names of their own"),
        (REPLY + "http: {api: [{request: GET /a, json: 1, text: b}]}\n", (4, 14), "more than one body"),
        (REPLY + "http: {api: [{request: GET /a, file: 'f/{id}.json'}]}\n", (4, 14), "no parameter of the path"),
        (REPLY + "http: {api: [{request: GET /a, file: gone.json}]}\n", (4, 38), "no such file"),
        (REPLY + "http: {api: [{request: GET /a, file: ../x.json}]}\n", (4, 38), "outside the agent's folder"),
        (REPLY + "http: {api: [{request: GET /a, text: '{{ input.text }}'}]}\n", (4, 42), "'input' is no name here"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(kit: Kit, text: str, place: tuple[int, int], words: str) -> None:
    (problem,) = problems(kit, text)
    assert words in problem.message
    assert (problem.line, problem.column) == place


def test_the_version_is_required(kit: Kit) -> None:
    (kit.folder / "offline.yaml").write_text(REPLY)
    with pytest.raises(DefinitionError, match="the key 'version' is missing"):
        load_offline(kit.folder)
    (kit.folder / "offline.yaml").write_text("version: 2\n" + REPLY)
    with pytest.raises(DefinitionError, match="2"):
        load_offline(kit.folder)


def test_all_problems_come_at_once(kit: Kit) -> None:
    text = "rules:\n  - wen: {step: 1}\n    reply: {txt: a}\n  - error: {status: teapot}\n"
    found = problems(kit, text)
    assert [(problem.line, problem.suggestion) for problem in found] == [(3, "when"), (4, "text"), (5, None)]


def test_templates_are_all_checked(kit: Kit) -> None:
    text = (
        "choices:\n"
        "  kind: {of: '{{ said.x }}', cases: [{when: a, value: '{{ match.z ?? input.q }}'}]}\n"
        "rules:\n"
        "  - reply:\n"
        "      blocks:\n"
        "        - {thinking: '{{ a1 }}'}\n"
        "        - {call: {tool: t, arguments: {p: ['{{ a2 }}']}}}\n"
        "        - {raw: {t: '{{ a3 }}'}}\n"
        "  - reply:\n"
        "      search: {query: '{{ a4 }}'}\n"
        "      calls: {tool: t, for_each: '{{ a5 }}', arguments: {p: '{{ item.x }} {{ a6 }}'}}\n"
    )
    named = [re.findall(r"'(\w+)'", problem.message)[0] for problem in problems(kit, text)]
    assert named == ["x", "q", "a1", "a2", "a3", "a4", "a5", "a6"]


def test_groups_of_outer_conditions_can_be_named_inside(kit: Kit) -> None:
    kit.script(
        "rules:\n"
        "  - when: {input: {matches: '(?P<id>.+)'}}\n"
        "    rules:\n"
        "      - when: {results: {tool: read, matches: '(?P<sum>.+)', arguments: {p: {matches: '(?P<file>.+)'}}}}\n"
        "        reply: {text: '{{ input.id }} {{ result.read.sum }} {{ result.read.file }} {{ results.any[0].x }}'}\n"
    )


def test_a_large_script_loads(kit: Kit) -> None:
    case = "      - {when: {contains: %d}, value: {category: c%d, note: %s}}\n"
    cases = "".join(case.replace("%d", str(n)).replace("%s", "x" * 100) for n in range(2_000)).replace(
        "contains: ", "contains: n"
    )
    script = kit.script(f"choices:\n  kind:\n    cases:\n{cases}{REPLY}")
    assert len(script.choices["kind"].cases) == 2_000


def examples() -> list[str]:
    reference = Path(workbench.model.__file__ or "").with_name("offline_format.md").read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", reference, re.S)


def completed(example: str) -> dict[str, Any]:
    """An example of the reference as a whole script."""
    plain = yaml.safe_load(example)
    if isinstance(plain, list):
        plain = {"rules": plain}
    if "calls" in plain:
        plain = {"rules": [{"reply": plain}]}
    if "input" in plain or "results" in plain:
        plain = {"rules": [{"when": plain, "reply": {"text": "x"}}]}
    return {"rules": [{"reply": {"text": "x"}}], **plain, "version": 1}


@pytest.mark.parametrize("example", examples())
def test_the_references_examples_load(tmp_path: Path, example: str) -> None:
    lines = [line for line in example.splitlines() if line.startswith("input: ")]
    for variant in [example] if len(lines) < 2 else lines:
        (tmp_path / "offline.yaml").write_text(json.dumps(completed(variant)), encoding="utf-8")
        load_offline(tmp_path)


def test_the_reference_names_every_key() -> None:
    reference = Path(workbench.model.__file__ or "").with_name("offline_format.md").read_text(encoding="utf-8")
    definitions: Any = offline_schema()["$defs"]
    keys = {key for part in definitions.values() for key in part.get("properties", {})}
    assert {key for key in keys if not re.search(rf"\b{key}\b", reference)} == set()


def test_the_schema_is_json_schema_and_names_keys_as_the_file_does() -> None:
    schema = offline_schema()
    TypeAdapter(dict[str, Any]).validate_json(json.dumps(schema))
    definitions: Any = schema["$defs"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "not" in definitions["WhenPart"]["properties"]
    assert "json" in definitions["RoutePart"]["properties"]
    assert definitions["WhenPart"]["properties"]["input"]["description"]
