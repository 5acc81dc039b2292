"""The six built-in tools as a model sees them: names, descriptions and input schemas of `agent_toolset_20260401`.

They are word for word those that the vendor's own implementation of the toolset declares
(`anthropic.lib.tools.agent_toolset`), so that a prompt tuned here meets the same tools in the hosted service.
"""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_BOOLEAN = {"type": "boolean"}
_INTEGER = {"type": "integer"}
_INTEGERS = {"items": _INTEGER, "type": "array"}


def _required(title: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, **kind}


def _optional(title: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"type": "null"}], "default": None, "title": title}


def _tool(name: str, description: str, payload: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {
        "additionalProperties": True,
        "description": payload,
        "properties": properties,
        "required": required,
        "title": f"BetaManagedAgentsAgentToolset20260401{name.capitalize()}Input",
        "type": "object",
    }
    if not required:
        del schema["required"]
    return {"name": name, "description": description, "inputSchema": schema}


BASH = _tool(
    "bash",
    "Run a command in a persistent bash shell.",
    "Input payload for the `bash` tool of the\n`agent_toolset_20260401` toolset.\n\nAll fields are optional;\n"
    "a normal invocation supplies `command`, while `restart=true`\n(with no `command`) reboots the runner-side bash "
    "session.",
    {
        "command": _optional("Command", _STRING),
        "restart": _optional("Restart", _BOOLEAN),
        "timeout_ms": _optional("Timeout Ms", _INTEGER),
    },
    [],
)
READ = _tool(
    "read",
    "Read a file rooted at the working directory.",
    "Input payload for the `read` tool.\n\nReads file contents\nrelative to the runner's working directory (or "
    "absolute when\nthe runner permits).",
    {"file_path": _required("File Path", _STRING), "view_range": _optional("View Range", _INTEGERS)},
    ["file_path"],
)
WRITE = _tool(
    "write",
    "Write a file, creating parent directories as needed.",
    "Input payload for the `write` tool.\n\nWrites (overwriting) the\nentire file contents.",
    {"content": _required("Content", _STRING), "file_path": _required("File Path", _STRING)},
    ["content", "file_path"],
)
EDIT = _tool(
    "edit",
    "Replace text in a file by exact string match.",
    "Input payload for the `edit` tool.\n\nPerforms a string\nreplacement in the named file; by default `old_string` "
    "must\noccur exactly once.",
    {
        "file_path": _required("File Path", _STRING),
        "new_string": _required("New String", _STRING),
        "old_string": _required("Old String", _STRING),
        "replace_all": _optional("Replace All", _BOOLEAN),
    },
    ["file_path", "new_string", "old_string"],
)
GLOB = _tool(
    "glob",
    "List files matching a glob pattern, newest first.",
    "Input payload for the `glob` tool.\n\nReturns paths matching a\ndoublestar glob pattern, newest first.",
    {"pattern": _required("Pattern", _STRING), "path": _optional("Path", _STRING)},
    ["pattern"],
)
GREP = _tool(
    "grep",
    "Search file contents for a regular expression.",
    "Input payload for the `grep` tool.\n\nSearches file contents for\na regular expression, returning matching lines.",
    {"pattern": _required("Pattern", _STRING), "path": _optional("Path", _STRING)},
    ["pattern"],
)

SERVERS: dict[str, list[dict[str, Any]]] = {"bash": [BASH], "filesystem": [READ, WRITE, EDIT, GLOB, GREP]}
"""The tools of each built-in MCP server."""
