"""Each kind of check against what a run did: when it holds, and what it says when it does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from workbench.cases.checking import faults_of
from workbench.cases.facts import Called, Facts
from workbench.cases.keeping import check_of
from workbench.cases.schema import CheckPart
from workbench.cases.workspace_files import WorkspaceFiles
from workbench.definition.problems import DefinitionError

OUTPUT = 'Request changes.\n- split.py:12: "round" loses a cent\n- split.py:19: a float\n'
FILES = WorkspaceFiles(
    changes={"review.md": "added", "app.py": "modified", "old.txt": "deleted", "odd.bin": "added"},
    contents={
        "review.md": "# Request changes\n",
        "data.json": '{"tickets": [{"id": 7, "tags": ["a", "b"]}, {"id": 8}]}',
    },
    snapshot=None,
    all_known=True,
)
CALLS = [
    Called(1, 1, "read", {"file_path": "/source/a.diff"}),
    Called(1, 2, "bash", {"command": "git apply a.diff && pytest -q", "env": {"CI": "1", "LANG": "C"}}),
    Called(2, 1, "bash", {"command": "rm -rf build", "tries": 2}),
]


def facts(**other: Any) -> Facts:
    given: dict[str, Any] = {
        "run_id": "r1",
        "output": OUTPUT,
        "error": None,
        "message": "",
        "steps": 3,
        "calls": CALLS,
        "files": FILES,
        "cost_usd": Decimal("0.0123"),
        "seconds": 2.5,
    }
    return Facts(**{**given, **other})


def faults(check: str, run: Facts | None = None) -> list[tuple[str, str]]:
    part = CheckPart.model_validate(check_of(check))
    return [(fault.expected, fault.found) for fault in faults_of(part, run or facts())]


FAILED = facts(output=None, error="budget", message="too dear")


@pytest.mark.parametrize(
    "check",
    [
        "outcome: completed",
        "output: {contains: Request changes}",
        "output: {contains: [split.py:12, split.py:19], not_contains: Approve}",
        r"output: {matches: 'split\.py:\d+: a float'}",
        "output: {equals: 'Request changes.\n\n- split.py:12: \"round\" loses a cent\n\n- split.py:19: a float'}",
        "called: bash",
        "called: {tool: bash, at_least: 2, at_most: 2}",
        "called: {tool: bash, arguments: {command: {matches: 'git apply .*pytest'}}}",
        "called: {tool: bash, arguments: {command: {contains: [git, pytest]}, env: {CI: '1'}}, at_most: 1}",
        "called: {tool: bash, arguments: {tries: 2}}",
        "called: {tool: read, arguments: {file_path: /source/a.diff}}",
        "called: {tool: write, at_least: 0, at_most: 0}",
        "never_called: write",
        "never_called: {tool: bash, arguments: {command: {contains: sudo}}}",
        "file: {path: review.md, exists: true, changed: true, contains: Request, equals: '# Request changes'}",
        "file: {path: /workspace/review.md, matches: '^# '}",
        "file: {path: old.txt, deleted: true, exists: false}",
        "file: {path: nowhere.txt, exists: false, changed: false, deleted: false}",
        "file: {path: data.json, json: {path: '$.tickets[0].id', equals: 7}}",
        "file: {path: data.json, json: {path: '$.tickets[*].id', equals: 8}}",
        "file: {path: data.json, json: {path: '$.tickets[?@.id > 7]', exists: true}}",
        "file: {path: data.json, json: {path: '$.nothing', exists: false}}",
        "file: {path: data.json, json: {path: '$.tickets[0].tags', equals: [a, b]}}",
        "max_steps: 3",
        "max_usd: 0.0123",
        "max_seconds: 2.5",
    ],
)
def test_what_holds_has_no_fault(check: str) -> None:
    files = WorkspaceFiles({**FILES.changes, "data.json": "added"}, FILES.contents, FILES.snapshot, all_known=True)
    assert faults(check, facts(files=files)) == []


@pytest.mark.parametrize("check", ["outcome: failed", "outcome: budget"])
def test_a_failure_that_is_expected_is_no_fault(check: str) -> None:
    assert faults(check, FAILED) == []


@pytest.mark.parametrize(
    ("check", "expected", "found"),
    [
        ("outcome: failed", "the run failed", "the run completed"),
        ("outcome: budget", "the run failed with budget", "the run completed"),
        (
            "output: {contains: 'split.py:14: a float'}",
            "the output contains 'split.py:14: a float'",
            "- split.py:19: a float  (the nearest of 3 lines)",
        ),
        ("output: {not_contains: a cent}", "the output does not contain 'a cent'", OUTPUT[:-1] + "\n"),
        ("output: {matches: '^Approve'}", "the output matches '^Approve'", OUTPUT),
        (
            'output: {equals: "Request changes.\\n- nothing"}',
            "the output is what was kept",
            '--- kept\n+++ now\n@@ -1,2 +1,3 @@\n Request changes.\n-- nothing\n+- split.py:12: "round" loses a cent\n'
            "+- split.py:19: a float",
        ),
        (
            "called: write",
            "write is called",
            "0 such calls; it called 1.1 read  /source/a.diff; 1.2 bash  git apply a.diff && pytest -q; "
            "2.1 bash  rm -rf build",
        ),
        (
            "called: {tool: bash, arguments: {command: {matches: curl}, tries: 3}, at_least: 2}",
            "bash with command matching 'curl', tries=3 is called at least 2 times",
            "0 such calls; it called 1.2 bash  git apply a.diff && pytest -q; 2.1 bash  rm -rf build",
        ),
        (
            "called: {tool: bash, at_most: 1}",
            "bash is called at most once",
            "2: 1.2 bash  git apply a.diff && pytest -q; 2.1 bash  rm -rf build",
        ),
        (
            "never_called: {tool: bash, arguments: {command: {matches: 'rm -rf'}}}",
            "bash with command matching 'rm -rf' is never called",
            "2.1 bash  rm -rf build",
        ),
        ("file: {path: gone.md, contains: x}", "gone.md there", "it is not there"),
        ("file: {path: review.md, exists: false}", "review.md not there", "it is there"),
        ("file: {path: app.py, deleted: true}", "app.py deleted", "it was modified"),
        ("file: {path: old.txt, changed: true}", "old.txt changed", "it was deleted"),
        ("file: {path: review.md, changed: false}", "review.md not changed", "it was added"),
        ("file: {path: review.md, contains: Approve}", "review.md contains 'Approve'", "# Request changes\n"),
        ("max_steps: 2", "at most 2 steps", "3 steps"),
        ("max_usd: 0.0122", "at most $0.0122", "$0.012300"),
        ("max_seconds: 2.4", "at most 2.4 s", "2.50 s"),
    ],
)
def test_a_fault_says_what_was_expected_and_found(check: str, expected: str, found: str) -> None:
    assert faults(check) == [(expected, found)]


def test_an_output_that_is_not_there_satisfies_nothing() -> None:
    assert faults("output: {not_contains: x}", FAILED) == [("an output", "none: the run failed with budget: too dear")]
    assert faults("outcome: completed", FAILED)
    assert faults("outcome: fuse", FAILED)


def test_an_unknown_cost_is_not_below_anything() -> None:
    ((_, found),) = faults("max_usd: 1000", facts(cost_usd=None))
    assert "unknown cost" in found


@pytest.mark.parametrize(
    "check", ["called: {tool: bash, arguments: {command: x}}", "never_called: {tool: bash, arguments: {command: x}}"]
)
def test_arguments_that_were_not_captured_are_not_guessed(check: str) -> None:
    ((_, found),) = faults(check, facts(calls=[Called(1, 1, "bash", None)]))
    assert "capture_tool_calls: false" in found


def test_a_file_that_nothing_tells_is_neither_there_nor_missing() -> None:
    persistent = WorkspaceFiles({"x": "modified"}, {}, None, all_known=False)
    for check in ("exists: true", "exists: false", "contains: a"):
        ((_, found),) = faults(f"file: {{path: other.txt, {check}}}", facts(files=persistent))
        assert found.startswith("not known")
    ((_, found),) = faults("file: {path: x, contains: a}", facts(files=persistent))
    assert found.startswith("not known")


@pytest.mark.parametrize(
    ("output", "check", "good"),
    [
        ('{"a": [1, 2.0, true]}', "{path: '$.a', equals: [1, 2, true]}", True),
        ('{"a": 1}', "{path: '$.a', equals: true}", False),
        ('{"a": "x-12"}', r"{path: '$.a', matches: '\d+$', contains: x}", True),
        ('```json\n{"a": "x"}\n```', "{path: '$.a', equals: x}", True),
        ('Here:\n```\n{"a": "x"}\n```\nBye', "{path: '$.a', equals: y}", False),
        ("no JSON at all", "{path: '$.a'}", False),
        ('{"b": 1}', "{path: '$.a'}", False),
        ("[" * 100_000, "{path: '$.a'}", False),
    ],
)
def test_json_paths(output: str, check: str, good: bool) -> None:
    assert (faults(f"output: {{json: {check}}}", facts(output=output)) == []) is good


@pytest.mark.parametrize(
    ("check", "message", "suggestion"),
    [
        ("outptu: {contains: x}", "unknown key 'outptu'", "output"),
        ("output: {contain: x}", "unknown key 'contain'", "contains"),
        ("output: {matches: '['}", "this is no regular expression", None),
        ("output: {json: {path: '$.a['}}", "this is no JSONPath", None),
        ("outcome: complete", "'complete' is no outcome", "completed"),
        ("{max_steps: 3, max_usd: 1}", "a check says one thing, this one says 2", None),
        ("judge: claude-haiku-4-5", "a check says one thing, this one says 0", None),
        ("{max_steps: 1, judge: claude-haiku-4-5}", "'judge' judges a rubric", None),
        ("called: {name: bash}", "the key 'tool' is missing", None),
        ("file: {path: /etc/passwd, exists: true}", "is no file of the workspace", None),
        ("file: {path: ../x, exists: true}", "is no file of the workspace", None),
        ("max_usd: lots", "this is no amount", None),
        ("max_steps: 0", "at least 1", None),
    ],
)
def test_a_wrong_check_is_told_with_its_place(check: str, message: str, suggestion: str | None) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_of(check)
    told = [problem for problem in caught.value.problems if message in problem.message]
    assert told, caught.value.problems
    assert (told[0].line, told[0].suggestion) == (1, suggestion)
