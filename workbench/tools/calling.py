"""The open toolbox: finds the tool, calls it at its server, and makes an outcome of whatever happens."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.jsontypes import JsonObject, JsonValue
from workbench.tools.content import convert, cut_text, text_block
from workbench.tools.endpoints import BASH_GRACE
from workbench.tools.failures import ServerFailureError
from workbench.tools.file_access import FileAccessError
from workbench.tools.listing import Candidate, Entry
from workbench.tools.text import clean, clean_json
from workbench.tools.toolbox import Outcome, Tool

if TYPE_CHECKING:
    from mcp_types import CallToolResult

_NAMES_SHOWN = 40


class OpenToolbox:
    """All tools of a run. `slots` are what a request sends, in order: entries and parameters of server tools."""

    def __init__(
        self, slots: Sequence[Entry | JsonObject], removed: Mapping[str, str], in_sandbox: frozenset[str]
    ) -> None:
        self._entries = {slot.tool.name: slot for slot in slots if isinstance(slot, Entry)}
        self._tools = [entry.tool for entry in self._entries.values()]
        self._parameters = [_parameter(slot.tool) if isinstance(slot, Entry) else slot for slot in slots]
        self._removed = removed
        self._in_sandbox = in_sandbox

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools that are called through the toolbox."""
        return self._tools

    @property
    def parameters(self) -> Sequence[JsonObject]:
        """What a request sends as `tools`, in a stable order."""
        return self._parameters

    @property
    def removed(self) -> Mapping[str, str]:
        """Names of tools that the agent's permissions took away, with the reason."""
        return self._removed

    @property
    def in_sandbox(self) -> frozenset[str]:
        """Names of the servers that run in the sandbox."""
        return self._in_sandbox

    async def call(self, name: str, arguments: JsonObject) -> Outcome:
        """Call a tool. Whatever goes wrong with the tool is an Outcome with `is_error`, never an exception."""
        started = time.perf_counter()
        entry = self._entries.get(name)
        if entry is None:
            return _failure(self._no_such_tool(name), started)
        candidate = entry.candidate
        try:
            wanted = _prepare(candidate, arguments)
            result = await candidate.connection.call(candidate.name, wanted, _timeout(candidate, wanted))
        except (FileAccessError, ServerFailureError) as error:
            return _failure(str(error), started)
        content = convert(result)
        facts = _facts(candidate, result)
        exit_code = facts.get("workbench/exit_code")
        return Outcome(
            content=content.blocks,
            is_error=result.is_error,
            latency=time.perf_counter() - started,
            exit_code=exit_code if isinstance(exit_code, int) else None,
            truncated=content.truncated or facts.get("workbench/truncated") is True,
        )

    def _no_such_tool(self, name: str) -> str:
        if name in self._removed:
            return f"{name} is not available: {self._removed[name]}."
        names = list(self._entries)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        guess = f" Did you mean {near[0]}?" if near else ""
        listed = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
        return f"There is no tool named {name[:200]!r}.{guess} The tools are: {listed or 'none'}."


def _parameter(tool: Tool) -> JsonObject:
    parameter: dict[str, JsonValue] = {"name": tool.name, "input_schema": tool.input_schema}
    return parameter | {"description": tool.description} if tool.description else parameter


def _prepare(candidate: Candidate, arguments: JsonObject) -> JsonObject:
    cleaned = clean_json(arguments)
    if not isinstance(cleaned, Mapping):
        raise TypeError("arguments of a tool are an object")
    wanted = candidate.mended.arguments(cleaned)
    return candidate.access.apply(candidate.name, wanted) if candidate.access is not None else wanted


def _timeout(candidate: Candidate, arguments: JsonObject) -> float | None:
    """Seconds for a call whose own arguments bound it; None where the server's timeout holds."""
    milliseconds = arguments.get("timeout_ms")
    if candidate.connection.endpoint.serial and isinstance(milliseconds, int | float) and milliseconds > 0:
        return milliseconds / 1000 + BASH_GRACE
    return None


def _facts(candidate: Candidate, result: CallToolResult) -> Mapping[str, object]:
    """What a server of our own says about its result; the word of others is not taken for it."""
    return (result.meta or {}) if candidate.connection.endpoint.kind in ("builtin", "http") else {}


def _failure(text: str, started: float) -> Outcome:
    shown, cut = cut_text(clean(text))
    return Outcome([text_block(shown)], is_error=True, latency=time.perf_counter() - started, truncated=cut)
