"""The hostile agent: a folder whose offline script makes one call after the other, run like any agent."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.internet import Internet, internet
from tests.hostile.ledger import Act, Seen
from workbench.definition.agent import ContainerSettings, NetworkPolicy
from workbench.engine.world import LiveText
from workbench.jsontypes import JsonObject
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.docker_sandbox import DockerSandbox
from workbench.sandbox.egress import EgressLimits
from workbench.sandbox.image import resolve_image
from workbench.sandbox.runtime_choice import VerdictFile, choose_runtime, container_probe
from workbench.sandbox.sandbox import SandboxSpec
from workbench.sandbox.snapshots import WorkspaceSnapshots
from workbench.sitting.sitting import Sitting
from workbench.trace.codec import event_to_json
from workbench.trace.events import Event

PROPS = Path(__file__).parent / "props"
TIMEOUT = 170


@dataclass
class Performed:
    """What a run of the hostile agent left."""

    folder: Path
    acts: Sequence[str] = ()
    internet: Internet | None = None
    events: list[JsonObject] = field(default_factory=list)
    live: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of one type."""
        return [dict(event["data"]) for event in self.events if event["type"] == kind]  # type: ignore[arg-type]

    @property
    def ended(self) -> str:
        """The type of the last event."""
        return str(self.events[-1]["type"])

    def seen(self, act: Act) -> Seen:
        """What the act left; one call is made in each step."""
        results, index = self.of("tool_result"), self.acts.index(act.name)
        assert index < len(results), f"the run ended before: {self.events[-1]}"
        result = results[index]
        text = "".join(str(block.get("text", "")) for block in result["content"] or ())
        egress = [event for event in self.events if event["type"] == "egress" and event["step"] == index + 1]
        return Seen(text, result, [dict(event["data"]) for event in egress])  # type: ignore[arg-type]


def wanted(request: pytest.FixtureRequest) -> set[str] | None:
    """The names of the cases of the module that are run, None for all: because a test of the whole is run too."""
    items = [item for item in request.session.items if item.path == request.path]
    names = {item.callspec.id for item in items if hasattr(item, "callspec") and item.name.startswith("test_held[")}
    return None if len(items) > len(names) else names


def chosen(request: pytest.FixtureRequest, acts: Sequence[Act]) -> list[Act]:
    """The acts whose tests are run, and those that prepare something for them."""
    names = wanted(request)
    return [act for act in acts if names is None or act.prepares or act.name in names]


def make_agent(folder: Path, acts: Sequence[Act], yaml: str = "", servers: str = "", reply: str = "done") -> Path:
    """Write the agent; `yaml` and `servers` are added to its agent.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(PROPS, folder / "props", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "prompt.md").write_text("Try everything.\n")
    (folder / "acts.json").write_text(json.dumps([act.name for act in acts]))
    (folder / "agent.yaml").write_text(
        "name: hostile\nmodel: claude-sonnet-4-6\nsystem_prompt: ./prompt.md\nsource: ./props\n"
        "max_iterations: 200\ntimeout: 160\n"
        + yaml
        + "mcp_servers:\n  - {type: filesystem}\n  - {type: bash}\n"
        + servers
    )
    rules: list[dict[str, Any]] = [
        {"when": {"step": step}, "reply": {"calls": [{"tool": act.tool, "arguments": dict(act.arguments)}]}}
        for step, act in enumerate(acts, start=1)
    ]
    rules.append({"reply": {"text": reply}})
    script = {"version": 1, "pace": {"first_token": 0, "tokens_per_second": 0}, "rules": rules}
    (folder / "offline.yaml").write_text(json.dumps(script, indent=1))
    return folder


def perform(
    folder: Path,
    *,
    limits: EgressLimits | None = None,
    environment: Mapping[str, str] | None = None,
    patch: pytest.MonkeyPatch | None = None,
    text: str = "go",
) -> Performed:
    """Run the agent in `folder` once, with `text` as its input; with `limits`, in the hostile internet."""
    return asyncio.run(_perform(folder, limits, environment or {}, patch, text))


async def _perform(
    folder: Path,
    limits: EgressLimits | None,
    environment: Mapping[str, str],
    patch: pytest.MonkeyPatch | None,
    text: str,
) -> Performed:
    performed = Performed(folder, json.loads((folder / "acts.json").read_text()))
    with ExitStack() as undo:
        patching = patch or undo.enter_context(pytest.MonkeyPatch.context())
        async with nullcontext() if limits is None else internet(limits) as world:
            if world is not None:
                world.install(patching)
            performed.internet = world

            def show(event: Event) -> None:
                performed.events.append(event_to_json(event))

            def live(text: LiveText) -> None:
                performed.live.append(text.text)

            async with Sitting.open(folder, offline=True, environment=environment, fuse_usd=Decimal(1000)) as sitting:
                await asyncio.wait_for(sitting.new_run(text, show=show, live=live).execute(), TIMEOUT)
    return performed


@cache
def _image() -> str:
    return resolve_image(ContainerSettings(), Path.cwd()).id


@asynccontextmanager
async def sandbox_in(folder: Path, **container: Any) -> AsyncIterator[DockerSandbox]:
    """A sandbox of its own, for what needs no run around it."""
    engine = await DockerEngine.connect()
    probe = container_probe(engine.client, _image(), engine.facts.kernel)
    spec = SandboxSpec("hostile", folder, ContainerSettings(**container), NetworkPolicy(), None, PROPS, {})
    sandbox = await DockerSandbox.start(
        spec,
        engine=engine,
        image_id=_image(),
        image="hostile",
        runtime=choose_runtime(engine.facts, None, probe, VerdictFile()),
        snapshots=WorkspaceSnapshots(folder / "snapshots"),
    )
    try:
        yield sandbox
    finally:
        await sandbox.close()
        engine.close()
