from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.definition.loader import check_agent, load_agent
from workbench.definition.problems import Problem, format_problem, format_problems
from workbench.definition.variables import check_variables, misplaced_references
from workbench.definition.yamlfile import parse_yaml

WriteAgent = Callable[[str], Path]

HTTP = "mcp_servers:\n  - type: http\n    name: desk\n    url: https://example.com\n"


def check(
    text: str, environment: dict[str, str] | None = None, answered_offline: tuple[str, ...] = ()
) -> list[Problem]:
    yaml = parse_yaml(Path("agent.yaml"), text.encode())
    return [*misplaced_references(yaml), *check_variables(yaml, environment or {}, answered_offline)]


def test_an_unset_variable_is_an_error_where_the_reference_stands() -> None:
    (problem,) = check(HTTP + '    headers:\n      Authorization: "Bearer ${DESK_TOKEN}"\n', {"DESK_TOKENS": "x"})
    assert (problem.line, problem.column) == (6, 30)
    assert problem.where == "mcp_servers[0].headers.Authorization"
    assert "DESK_TOKEN is unset" in problem.message
    assert problem.suggestion == "DESK_TOKENS"
    assert problem.severity == "error"
    assert "Bearer" not in format_problem(problem)
    assert "${DESK_TOKEN}" in problem.source


def test_an_empty_variable_is_as_good_as_unset() -> None:
    (problem,) = check("container: {env: {A: 'x${A}'}}", {"A": ""})
    assert "A is empty" in problem.message
    assert problem.column == 24


def test_each_reference_is_told_by_itself() -> None:
    problems = check("container:\n  env:\n    A: ${X}-${Y}\n    B: ${X}\n")
    assert [(problem.line, problem.column) for problem in problems] == [(3, 8), (3, 13), (4, 8)]


def test_a_server_that_is_answered_offline_needs_no_variable() -> None:
    text = HTTP + "    headers: {A: '${DESK}'}\n  - {type: mcp, name: docs, url: '${DOCS}'}\n"
    problems = check(text, answered_offline=("desk",))
    assert [(problem.severity, problem.line) for problem in problems] == [("warning", 5), ("error", 6)]


def test_a_shared_variable_is_needed_by_the_server_that_is_live() -> None:
    text = HTTP + "    headers: {A: '${SHARED}'}\n  - {type: mcp, name: docs, url: '${SHARED}'}\n"
    assert "error" in [problem.severity for problem in check(text, answered_offline=("desk",))]


@pytest.mark.parametrize(
    "text",
    [
        "name: ${NAME}",
        "description: costs ${NAME}",
        "system_prompt: ${NAME}/prompt.md",
        "mcp_servers: [{type: http, name: '${NAME}'}]",
        "mcp_servers: [{type: http, description: '${NAME}'}]",
        "mcp_servers: [{type: mcp, command: [sh, -c, 'echo ${NAME}']}]",
        "mcp_servers: [{type: mcp, env: {A: '${NAME}'}}]",
        "network: {allow: ['${NAME}']}",
        "triggers: [{type: cron, input: '${NAME}'}]",
        "container: {image: 'x:${NAME}'}",
    ],
)
def test_a_reference_stands_only_where_it_is_filled_in(text: str) -> None:
    (problem,) = check(text, {"NAME": "set"})
    assert "cannot stand here" in problem.message
    assert "only in url and headers" in problem.expected
    assert problem.column == text.index("${") + 1


def test_a_misplaced_reference_is_the_only_problem_of_its_value(write_agent: WriteAgent, minimal: str) -> None:
    report = check_agent(write_agent(minimal.replace("small", "${NAME}")), {})
    assert [problem.message for problem in report.problems] == ["${NAME} cannot stand here, it would be taken as it is"]


@pytest.mark.parametrize("broken", ["${}", "${A-B}", "${A", "${1}", "x${ A }"])
def test_half_a_reference_is_told_without_the_value(broken: str) -> None:
    (problem,) = check(f"container: {{env: {{A: 's3cret{broken}'}}}}")
    assert "no whole reference" in problem.message
    assert "s3cret" not in format_problem(problem)


def test_a_shell_variable_that_is_set_is_probably_a_reference() -> None:
    (problem,) = check("container: {env: {A: 'x $TOKEN $OTHER'}}", {"TOKEN": "value-of-token"})
    assert problem.severity == "warning"
    assert problem.suggestion == "${TOKEN}"
    assert problem.column == 25


@pytest.mark.parametrize(
    ("url", "message", "suggestion"),
    [
        ("example.com/x", "no URL of a web server", "https://example.com/x"),
        ("ftp://example.com", "no URL of a web server", None),
        ("https://", "no URL of a web server", None),
        ("https://example.com:99999/", "no URL", None),
        ("http://[::1", "no URL", None),
        ("https://example.com/a b", "no URL of a web server", None),
        ("https://example.com/#part", "never sent", None),
    ],
)
def test_a_url_is_one(url: str, message: str, suggestion: str | None) -> None:
    (problem,) = check(f'mcp_servers: [{{type: mcp, name: a, url: "{url}"}}]')
    assert message in problem.message
    assert problem.suggestion == suggestion


def test_a_url_is_checked_with_its_references_filled_in_and_not_shown_so() -> None:
    text = "mcp_servers: [{type: mcp, name: a, url: '${BASE}/mcp'}]"
    assert check(text, {"BASE": "https://example.com"}) == []
    (problem,) = check(text, {"BASE": "not a hidden url"})
    assert "hidden" not in format_problem(problem)


def test_a_line_break_in_a_variable_is_found_before_it_breaks_a_header() -> None:
    (problem,) = check(HTTP + "    headers: {A: '${TOKEN}'}", {"TOKEN": "s3cret\n"})
    assert "TOKEN holds a line break" in problem.message
    assert "s3cret" not in format_problem(problem)


@pytest.mark.parametrize(
    ("entry", "suggestion"),
    [
        ("headers: {Authorization: Bearer s3cret-value}", "Bearer ${DESK_TOKEN}"),
        ("headers: {X-Api-Key: s3cret-value}", "${DESK_TOKEN}"),
        ("headers: {Cookie: sid=s3cret-value}", "${DESK_TOKEN}"),
        ("headers: {X-Other: sk-ant-s3cret-value-123456}", "${DESK_TOKEN}"),
    ],
)
def test_a_credential_in_plain_text_is_a_warning_that_does_not_tell_it(entry: str, suggestion: str) -> None:
    (problem,) = check(f"{HTTP}    {entry}\n")
    assert problem.severity == "warning"
    assert problem.suggestion == suggestion
    assert "s3cret" not in format_problem(problem)


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers: [{type: http, name: a, url: 'https://me:s3cret@example.com'}]",
        "mcp_servers: [{type: http, name: a, url: 'https://example.com/?api_key=s3cret'}]",
        "mcp_servers: [{type: mcp, name: a, command: [x, --token=s3cret-value]}]",
        "mcp_servers: [{type: mcp, name: a, command: [x], env: {T: ghp_s3cret123456789012345}}]",
        "container: {env: {T: ghp_s3cret123456789012345}}",
    ],
)
def test_a_credential_is_known_by_its_look_elsewhere(text: str) -> None:
    (problem,) = check(text)
    assert "credential in plain text" in problem.message
    assert "s3cret" not in format_problem(problem)


@pytest.mark.parametrize(
    "text",
    [
        HTTP + "    headers: {Authorization: 'Bearer ${T}', Accept: application/json}",
        "mcp_servers: [{type: http, name: a, url: 'https://me:${T}@example.com/?api_key=${T}'}]",
        "container: {env: {AUTHOR: Jane, LEVEL: '1'}}",
    ],
)
def test_references_and_plain_values_are_no_credentials(text: str) -> None:
    assert check(text, {"T": "a-token"}) == []


def test_no_value_of_a_header_or_variable_is_ever_shown(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(
        minimal + HTTP.replace("type: http", "type: htp") + "    headers:\n"
        "      A: {s3cret: 's3cret'}\n      B: [s3cret]\n      C: |\n        s3cret\n        s3cret\n"
        "      'D D': s3cret\n"
        "container: {env: {'1': s3cret, B: [s3cret], C: 's3cret ${'}}\n"
    )
    report = check_agent(folder, {})
    assert len(report.errors) >= 4
    shown = format_problems(report.problems)
    assert "s3cret" not in shown.replace("headers.A.s3cret", "")


def test_what_is_set_loads(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal + HTTP + "    headers: {Authorization: '${T}'}\n")
    loaded = load_agent(folder, {"T": "Bearer s3cret-value"})
    assert "s3cret" not in repr(loaded)
