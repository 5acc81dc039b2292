from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workbench.definition.agent import (
    AgentDefinition,
    BashServer,
    ContainerSettings,
    CronTrigger,
    FilesystemServer,
    HttpServer,
    McpHttpServer,
    McpStdioServer,
    ModelSettings,
    NetworkPolicy,
    Observability,
    Thinking,
    WebhookTrigger,
    WebSearchServer,
)
from workbench.definition.loader import CheckReport, check_agent, definition_from_document, load_agent
from workbench.definition.problems import DefinitionError, format_problems
from workbench.definition.references import Template
from workbench.definition.yamlfile import parse_yaml
from workbench.trace.digest import digest

WriteAgent = Callable[[str], Path]

FREE = {"env", "headers"}
"""Mappings whose keys are the user's own."""


def check(folder: Path, environment: dict[str, str] | None = None) -> CheckReport:
    report = check_agent(folder, environment or {})
    assert (report.agent is None) == bool(report.errors)
    return report


def test_every_key_reaches_the_definition(write_agent: WriteAgent, full: str, environment: dict[str, str]) -> None:
    folder = write_agent(full)
    loaded = load_agent(folder, environment)
    agent = loaded.definition
    assert loaded.warnings == []
    assert agent == AgentDefinition(
        folder=folder.resolve(),
        name="support-triage",
        description="Classifies and routes incoming tickets.",
        model=ModelSettings("claude-haiku-4-5", "low", 8000, Thinking("enabled", 2048)),
        system_prompt="You triage tickets.\n",
        document=agent.document,
        digest=digest(agent.document),
        servers=(
            FilesystemServer("/workspace", ("read", "write"), "files"),
            BashServer(),
            WebSearchServer(("example.com",), (), 5),
            HttpServer(
                "zendesk",
                Template("https://api.zendesk.com"),
                {"Authorization": Template("Bearer ${ZENDESK_TOKEN}")},
                "The helpdesk.",
                ("GET", "PUT"),
                10.0,
            ),
            McpHttpServer("docs", Template("https://mcp.example.com/mcp"), {}, 20.0),
            McpStdioServer("tickets", ("node", "server.js"), {"LEVEL": "1"}),
        ),
        network=NetworkPolicy(("api.zendesk.com", "*.example.org"), ("files.example.org",)),
        container=ContainerSettings(
            dockerfile=folder.resolve() / "Dockerfile",
            pip=("httpx==0.28",),
            npm=("typescript",),
            apt=("jq",),
            memory_bytes=512 << 20,
            cpus=1.5,
            pids=128,
            disk_bytes=2 << 30,
            env={"PASSED": Template("${PASSED}")},
        ),
        source=folder.resolve() / "fixtures",
        persistent=True,
        triggers=(
            WebhookTrigger("/new-ticket"),
            CronTrigger("*/15 * * * *", "Review open tickets", "Europe/Berlin"),
        ),
        timeout=300.0,
        max_iterations=12,
        budget_usd=Decimal("0.10"),
        observability=Observability("debug", False, True),
        files=(folder.resolve() / "agent.yaml", folder.resolve() / "prompt.md"),
    )


def test_what_is_left_out_is_the_default_of_the_data_class(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal)
    agent = load_agent(folder, {}).definition
    plain = AgentDefinition(
        folder=folder.resolve(),
        name="small",
        model=ModelSettings("claude-haiku-4-5"),
        system_prompt="You triage tickets.\n",
        document=agent.document,
        digest=agent.digest,
        files=agent.files,
    )
    assert agent == plain


def test_a_key_with_nothing_behind_it_is_its_default(write_agent: WriteAgent, minimal: str) -> None:
    plain = load_agent(write_agent(minimal), {}).definition
    keys = ("description", "mcp_servers", "network", "container", "source", "storage", "triggers", "timeout", "budget")
    empty = "".join(f"{key}:\n" for key in keys)
    assert load_agent(write_agent(minimal + empty), {}).definition == plain
    assert check(write_agent("name:\nmodel: x\nsystem_prompt: prompt.md\n")).errors[0].where == "name"


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ("true", Thinking("enabled")),
        ("false", Thinking("disabled")),
        ("adaptive", Thinking("adaptive")),
        ("auto", Thinking("auto")),
        ("{type: adaptive}", Thinking("adaptive")),
        ("{type: enabled, budget_tokens: 1024}", Thinking("enabled", 1024)),
    ],
)
def test_thinking_in_all_its_forms(write_agent: WriteAgent, minimal: str, thinking: str, expected: Thinking) -> None:
    text = minimal.replace("claude-haiku-4-5", f"{{id: local-model, thinking: {thinking}}}")
    assert load_agent(write_agent(text), {}).definition.model == ModelSettings("local-model", thinking=expected)


@pytest.mark.parametrize(
    ("written", "size"),
    [("1g", 1 << 30), ("512m", 512 << 20), ("512MB", 512 << 20), ("1.5GiB", 3 << 29), ("7000000", 7_000_000)],
)
def test_sizes(write_agent: WriteAgent, minimal: str, written: str, size: int) -> None:
    folder = write_agent(f"{minimal}container: {{memory: {written}}}\n")
    assert load_agent(folder, {}).definition.container.memory_bytes == size


def test_money_is_exactly_what_was_written(write_agent: WriteAgent, minimal: str) -> None:
    written = "0.1000000000000000055511151231257827"
    agent = load_agent(write_agent(f"{minimal}budget: {{usd: {written}}}\n"), {}).definition
    assert agent.budget_usd == Decimal(written)


def test_the_agent_is_loaded_by_its_folder_or_its_file(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal)
    (folder / "agent.yaml").rename(folder / "other.yml")
    agent = load_agent(folder / "other.yml", {}).definition
    assert agent.files[0] == folder.resolve() / "other.yml"
    with pytest.raises(DefinitionError, match="no such file"):
        load_agent(folder, {})


def test_a_folder_without_an_agent_tells_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "agent.yml").write_text("")
    problem = check(tmp_path).problems[0]
    assert problem.file == tmp_path / "agent.yaml"
    assert problem.suggestion == "agent.yml"


def test_all_problems_of_all_kinds_at_once(write_agent: WriteAgent) -> None:
    folder = write_agent(
        "name: a b\n"
        "model: claude-haiku-4.5\n"
        "system_prompt: promt.md\n"
        "mcp_servers:\n"
        "  - {type: http, name: x, url: 'https://example.com/${UNSET}'}\n"
        "  - {type: mcp, name: x}\n"
        "  - {type: bsh}\n"
        "description: ${HOME}\n"
        "source: ../elsewhere\n"
        "triggers: [{type: cron, schedule: '0 0 30 2 *', input: go}]\n"
        "timout: 5\n"
    )
    report = check(folder)
    assert [problem.line for problem in report.problems] == [1, 2, 3, 5, 6, 6, 7, 8, 9, 10, 11]
    with pytest.raises(DefinitionError) as caught:
        load_agent(folder, {})
    assert list(caught.value.problems) == list(report.problems)
    shown = format_problems(report.problems)
    assert f"{folder / 'agent.yaml'}:11:1: error: timout: unknown key 'timout'" in shown
    assert "did you mean './prompt.md'" in shown or "did you mean 'prompt.md'" in shown


def key_paths(text: str) -> list[tuple[str | int, ...]]:
    keys = parse_yaml(Path("agent.yaml"), text.encode()).tree.keys
    return [path for path in keys if FREE.isdisjoint(path[:-1])]


def test_any_misspelt_key_is_named_in_its_line(write_agent: WriteAgent, full: str, environment: dict[str, str]) -> None:
    file = parse_yaml(Path("agent.yaml"), full.encode())
    paths = key_paths(full)
    assert len(paths) > 60
    for path in paths:
        span = file.tree.keys[path]
        for mutated in (f"{path[-1]}x", f"_{path[-1]}", str(path[-1]).upper()):
            report = check(write_agent(full[: span.start] + mutated + full[span.end :]), environment)
            line = file.position_of(span.start).line
            naming = [problem for problem in report.errors if problem.line == line]
            assert any(mutated in problem.message or "'type' is missing" in problem.message for problem in naming), path


@pytest.mark.parametrize("wrong", ["{no_such_key: 1}", "[{no_such_key: 1}]"])
def test_any_value_of_a_wrong_type_is_named_in_its_line(
    write_agent: WriteAgent, full: str, environment: dict[str, str], wrong: str
) -> None:
    file = parse_yaml(Path("agent.yaml"), full.encode())
    for path, span in file.tree.values.items():
        if isinstance(file.at(path), dict | list):
            continue
        report = check(write_agent(full[: span.start] + wrong + full[span.end :]), environment)
        line = file.position_of(span.start).line
        assert any(problem.line == line for problem in report.errors), path


PIECES = st.sampled_from(
    [
        "name: a\n",
        "model: {id: x, thinking: ",
        "thinking: true",
        "system_prompt: prompt.md\n",
        "mcp_servers:\n",
        "  - ",
        "type: http",
        "type: mcp",
        "url: ${A}",
        "headers: {A: ${B}}",
        "network: {allow: [",
        "*.x",
        "]",
        "}",
        "{",
        "[",
        "triggers:\n  - {type: cron, schedule: '",
        "0 0 * * L",
        "'}\n",
        "container: {memory: ",
        "1g",
        "budget: {usd: ",
        "0.5",
        "1e400",
        "-1",
        "~",
        "\n",
        "  ",
        "\t",
        ":",
        ": ",
        "- ",
        "&a ",
        "*a",
        "!!x ",
        "|\n",
        "'",
        '"',
        "\\",
        "#",
        "\u2028",
        "\x85",
        "\ufeff",
        "é",
        "\U0001f600",
        "<<: *a\n",
        "source: /dev/zero\n",
        "system_prompt: ../../etc/passwd\n",
        "source: \\0\n",
        'source: "\\0"\n',
        "env: {A: '${B}'}",
        "timezone: ../x",
        "storage:\n",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
    ]
)

FILES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
)


def loads_or_tells(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "prompt.md").write_text("Do it.")
        (folder / "agent.yaml").write_bytes(content)
        try:
            load_agent(folder, {"A": "https://example.com", "B": "b\n"})
        except DefinitionError as error:
            assert error.problems
            assert format_problems(error.problems)
            lines = content.count(b"\n") + content.count(b"\r") + 1
            assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in error.problems)


@given(FILES)
@settings(max_examples=300, deadline=None)
@example(b"a: " + b"[" * 60_000)
@example(b"{" * 60_000)
@example(b"? " * 30_000)
@example(b"- " * 30_000)
@example(b"&a " * 20_000)
@example(b"*a " * 20_000)
@example(b"!a " * 20_000)
@example(b"'" * 60_001)
@example(b"\n" * 500_000)
@example(b"a: b\n" * 100_000)
@example(b"#" + b"\n  #" * 100_000)
@example(b"a:\n" + b" " * 60_000 + b"b")
@example(b'a: "' + b"\n" * 500_000)
def test_any_bytes_load_or_are_told(content: bytes) -> None:
    loads_or_tells(content)


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_loads_or_is_told(full: str, data: st.DataObject) -> None:
    text = full
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + data.draw(PIECES | st.text(max_size=5)) + text[stop:]
    loads_or_tells(text.encode("utf-8", "replace"))


SAMPLES = sorted((Path(__file__).parents[2] / "sample_agents").glob("*/agent.yaml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_the_sample_agents_load_without_a_warning(path: Path) -> None:
    environment = {"HELPDESK_TOKEN": "a-token-of-the-helpdesk"}
    assert load_agent(path.parent, environment).warnings == []


def test_the_plain_data_need_no_heavy_library() -> None:
    modules = ("agent", "references", "problems", "secrets", "model_names")
    imports = "; ".join(f"import workbench.definition.{module}" for module in modules)
    program = (
        f"import sys; {imports}; print([name for name in ('pydantic', 'yaml', 'croniter') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("written", ["always_ask", "{type: always_ask}"])
def test_a_server_can_want_the_user_to_be_asked(write_agent: WriteAgent, minimal: str, written: str) -> None:
    servers = f"mcp_servers:\n  - {{type: bash, permission_policy: {written}}}\n  - {{type: filesystem}}\n"
    agent = load_agent(write_agent(minimal + servers), {}).definition
    assert [getattr(server, "permission_policy", None) for server in agent.servers] == ["always_ask", "always_allow"]
    documents = agent.document["mcp_servers"]
    assert isinstance(documents, list)
    assert ["permission_policy" in document for document in documents] == [True, False]
    assert definition_from_document(agent.document, agent.folder).servers == agent.servers


def test_an_unknown_permission_policy_is_told_with_the_nearest(write_agent: WriteAgent, minimal: str) -> None:
    servers = "mcp_servers:\n  - {type: bash, permission_policy: allways_ask}\n"
    with pytest.raises(DefinitionError) as caught:
        load_agent(write_agent(minimal + servers), {})
    assert "always_ask" in str(caught.value.problems[0])
