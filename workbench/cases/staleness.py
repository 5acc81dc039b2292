"""When a tape no longer answers for an agent: what changed since it was recorded that a model or a tool can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.definition.document import definition_from_document
from workbench.definition.problems import DefinitionError
from workbench.jsontypes import JsonObject
from workbench.trace.tape import Tape

_WHAT: Mapping[str, str] = {
    "system_prompt": "the prompt",
    "model": "the model or its settings",
    "mcp_servers": "the servers",
    "container": "the container",
    "network": "the network",
    "source": "the source",
    "storage": "the storage",
}
"""Parts of an agent that requests or tool calls depend on. Limits, triggers and names are not among them."""


def changed_since(tape: Tape, document: JsonObject, text: str) -> Sequence[str]:
    """What of an agent and of its input `text` is no longer what the tape answered, in words; nothing if all is."""
    recorded = _as_today(tape.started.definition)
    changed = [f"{said} changed" for key, said in _WHAT.items() if document.get(key) != recorded.get(key)]
    return ["the input changed", *changed] if text != tape.started.input else changed


def _as_today(recorded: JsonObject) -> JsonObject:
    """A recorded agent with the keys that a later workbench added, so that an update alone makes no tape stale."""
    try:
        return definition_from_document(recorded, Path()).document
    except DefinitionError:
        return recorded
