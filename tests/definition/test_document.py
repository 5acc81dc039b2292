from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
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
from workbench.definition.document import definition_from_document, with_document
from workbench.definition.loader import load_agent
from workbench.definition.problems import DefinitionError
from workbench.definition.references import Template
from workbench.trace.digest import digest

WriteAgent = Callable[[str], Path]

FOLDER = Path("/agents/a")
NAMES = st.text("abcXYZ019_-", min_size=1, max_size=8)
TEXTS = st.text(max_size=20)
LISTS = st.lists(NAMES, max_size=3).map(tuple)
SECONDS = st.floats(0.5, 86_400)
TEMPLATES = st.dictionaries(NAMES, TEXTS.map(Template), max_size=3)
MODELS = st.builds(
    ModelSettings,
    NAMES,
    st.sampled_from([None, "low", "max"]),
    st.none() | st.integers(1, 10**6),
    st.builds(Thinking, st.sampled_from(["auto", "enabled"]), st.none() | st.integers(1024, 10**5)),
)
SERVERS = st.one_of(
    st.builds(FilesystemServer, NAMES, st.sampled_from([("read",), ("read", "write")]), NAMES),
    st.builds(BashServer, NAMES),
    st.builds(WebSearchServer, LISTS, LISTS, st.none() | st.integers(1, 99), NAMES),
    st.builds(HttpServer, NAMES, TEXTS.map(Template), TEMPLATES, TEXTS, LISTS, SECONDS),
    st.builds(McpHttpServer, NAMES, TEXTS.map(Template), TEMPLATES, SECONDS),
    st.builds(McpStdioServer, NAMES, LISTS, st.dictionaries(NAMES, TEXTS, max_size=2), SECONDS),
)
TRIGGERS = st.one_of(st.builds(WebhookTrigger, NAMES), st.builds(CronTrigger, NAMES, TEXTS, NAMES))
PATHS = st.none() | st.sampled_from(["fixtures", "sub/Dockerfile", "/absolute"])


@st.composite
def agents(draw: st.DrawFn) -> AgentDefinition:
    source, dockerfile = draw(PATHS), draw(PATHS)
    container = ContainerSettings(
        image=draw(st.none() | NAMES),
        dockerfile=None if dockerfile is None else FOLDER / dockerfile,
        pip=draw(LISTS),
        npm=draw(LISTS),
        apt=draw(LISTS),
        memory_bytes=draw(st.integers(1, 1 << 40)),
        cpus=draw(SECONDS),
        pids=draw(st.integers(1, 999)),
        disk_bytes=draw(st.integers(1, 1 << 40)),
        env=draw(TEMPLATES),
    )
    agent = AgentDefinition(
        folder=FOLDER,
        name=draw(NAMES),
        description=draw(TEXTS),
        model=draw(MODELS),
        system_prompt=draw(TEXTS),
        document={},
        digest="",
        servers=draw(st.lists(SERVERS, max_size=3).map(tuple)),
        network=NetworkPolicy(draw(LISTS), draw(LISTS)),
        container=container,
        source=None if source is None else FOLDER / source,
        persistent=draw(st.booleans()),
        triggers=draw(st.lists(TRIGGERS, max_size=2).map(tuple)),
        timeout=draw(SECONDS),
        max_iterations=draw(st.integers(1, 99)),
        budget_usd=draw(st.none() | st.decimals("0.0001", "999", places=4)),
        observability=Observability("debug", draw(st.booleans()), draw(st.booleans())),
    )
    return with_document(agent, source, dockerfile)


@given(agents())
def test_a_document_is_the_agent_also_after_a_journey_as_json(agent: AgentDefinition) -> None:
    travelled: Any = json.loads(json.dumps(agent.document))
    again = definition_from_document(travelled, FOLDER)
    assert again == agent
    assert again.digest == agent.digest == digest(travelled)


def test_a_loaded_agent_comes_back_from_its_document(
    write_agent: WriteAgent, full: str, environment: dict[str, str]
) -> None:
    agent = load_agent(write_agent(full), environment).definition
    again = definition_from_document(agent.document, agent.folder)
    assert replace(again, files=agent.files) == agent
    assert "${ZENDESK_TOKEN}" in json.dumps(agent.document)
    assert environment["ZENDESK_TOKEN"] not in json.dumps(agent.document)


def test_nothing_is_read_again(write_agent: WriteAgent, full: str, environment: dict[str, str], tmp_path: Path) -> None:
    agent = load_agent(write_agent(full), environment).definition
    elsewhere = tmp_path / "gone"
    again = definition_from_document(agent.document, elsewhere)
    assert again.system_prompt == agent.system_prompt
    assert again.source == elsewhere / "fixtures"
    assert again.digest == agent.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("usd: 0.10", "usd: 0.1"),
        ("./fixtures", "fixtures/"),
        ("512m", "536870912"),
        ("timeout: 300", "timeout: 300.0"),
        ("[read, write]", "[write, read]"),
        ("name: support-triage", "'name': \"support-triage\" # the same"),
    ],
)
def test_what_means_the_same_has_one_digest(
    write_agent: WriteAgent, full: str, environment: dict[str, str], old: str, new: str
) -> None:
    before = load_agent(write_agent(full), environment).definition
    assert old in full
    after = load_agent(write_agent(full.replace(old, new)), environment).definition
    assert before.digest == after.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("usd: 0.10", "usd: 0.11"), ("cpus: 1.5", "cpus: 1.6"), ("tickets.", "tickets!"), ("/new-ticket", "/new")],
)
def test_what_means_something_else_has_another(
    write_agent: WriteAgent, full: str, environment: dict[str, str], old: str, new: str
) -> None:
    before = load_agent(write_agent(full), environment).definition
    assert old in full
    after = load_agent(write_agent(full.replace(old, new)), environment).definition
    assert before.digest != after.digest


def test_the_prompt_is_part_of_the_digest(write_agent: WriteAgent, minimal: str) -> None:
    folder = write_agent(minimal)
    before = load_agent(folder, {}).definition
    (folder / "prompt.md").write_text("You triage tickets!\n")
    assert load_agent(folder, {}).definition.digest != before.digest


def test_a_budget_comes_back_exactly() -> None:
    agent = replace(definition_from_document(MINIMAL, FOLDER), budget_usd=Decimal("0.10"))
    document = with_document(agent, None, None).document
    assert document["budget"] == {"usd": "0.1"}
    assert definition_from_document(document, FOLDER).budget_usd == Decimal("0.10")


MINIMAL: dict[str, Any] = dict(
    with_document(AgentDefinition(FOLDER, "a", ModelSettings("m"), "Do it.", {}, ""), None, None).document
)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None, "model": None},
        {"mcp_servers": [{"type": "telepathy", "name": "x"}]},
        {"mcp_servers": [{"type": "http"}]},
        {"budget": {"usd": "much"}},
        {"timeout": "soon"},
        {"container": 5},
        {"source": "a\0b"},
    ],
)
def test_a_document_of_another_make_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="cannot be read"):
        definition_from_document({**MINIMAL, **change}, FOLDER)
    with pytest.raises(DefinitionError, match="cannot be read"):
        definition_from_document({}, FOLDER)
