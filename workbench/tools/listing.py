"""From what the servers list to what the model is shown: schemas mended, names resolved, the forbidden left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.tools.connection import Connection
from workbench.tools.file_access import FileAccess
from workbench.tools.life import MAX_TOOLS
from workbench.tools.names import Offered, is_valid, resolve
from workbench.tools.schemas import GIVEN_SCHEMA, Mended, UnusableToolError, mend
from workbench.tools.text import clean
from workbench.tools.toolbox import NoticeSink, Tool, ToolboxError
from workbench.trace.events import Notice

if TYPE_CHECKING:
    from mcp_types import Tool as ListedTool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool of one server that the model can be shown, under a name yet to be found."""

    connection: Connection
    name: str
    description: str
    mended: Mended
    access: FileAccess | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool as the model sees it, and how it is called."""

    tool: Tool
    candidate: Candidate


def judge(listed: Sequence[ListedTool], *, ours: bool) -> Sequence[Mended | UnusableToolError]:
    """What is to be made of the input schema of each tool; takes milliseconds each unless the server is `ours`."""
    return [Mended(tool.input_schema) if ours else _judge(tool) for tool in listed]


def candidates(
    connection: Connection,
    listed: Sequence[ListedTool],
    judgements: Sequence[Mended | UnusableToolError],
    access: FileAccess | None,
) -> Sequence[Candidate]:
    """The usable tools of one server, by name. `access` is given for the built-in file tools.

    Says what was left out or mended through the connection's log.
    """
    found: dict[str, Candidate] = {}
    removed = access.removed() if access is not None else {}
    for tool, judgement in sorted(zip(listed, judgements, strict=True), key=lambda pair: pair[0].name):
        if tool.name in removed:
            continue
        if tool.name in found:
            connection.log.notice(f"{connection.endpoint.name} lists the tool {tool.name} twice; the first is used")
            continue
        if isinstance(judgement, UnusableToolError):
            connection.log.notice(f"the tool {tool.name} of {connection.endpoint.name} is left out: {judgement}")
        else:
            _tell_changes(connection, tool.name, judgement)
            remark = access.remark(tool.name) if access is not None else ""
            description = "\n\n".join(part for part in (clean(tool.description or "").strip(), remark) if part)
            found[tool.name] = Candidate(connection, tool.name, description, judgement, access)
    return list(found.values())


def entries(offered: Sequence[Candidate], taken: Collection[str], notices: NoticeSink) -> Sequence[Entry]:
    """The tools under their final names, in the order of `offered`. Names of `taken` are not free.

    Raises:
        ToolboxError: two built-in tools have one name, or there are more tools than a request may hold.
    """
    try:
        names = resolve([Offered(one.connection.endpoint.name, one.name, _is_fixed(one)) for one in offered], taken)
    except ValueError as error:
        raise ToolboxError(f"The agent declares a built-in server twice: {error}.", server="") from None
    for one, name in zip(offered, names, strict=True):
        if name != one.name:
            notices(_rename_notice(one, name))
    _check_count(offered)
    return [Entry(_tool(one, name), one) for one, name in zip(offered, names, strict=True)]


def _judge(tool: ListedTool) -> Mended | UnusableToolError:
    if tool.execution is not None and tool.execution.task_support == "required":
        return UnusableToolError("it runs only as a task of the protocol, which a run cannot wait for")
    meta = tool.meta or {}
    try:
        return mend(meta.get(GIVEN_SCHEMA, tool.input_schema))
    except UnusableToolError as error:
        return error


def _tell_changes(connection: Connection, tool: str, mended: Mended) -> None:
    if mended.changes:
        what = "; ".join(mended.changes)
        connection.log.notice(f"the input schema of {tool} of {connection.endpoint.name} was mended: {what}")


def _is_fixed(one: Candidate) -> bool:
    return one.connection.endpoint.kind == "builtin"


def _tool(one: Candidate, name: str) -> Tool:
    return Tool(name, one.connection.endpoint.name, one.description, one.mended.schema, one.name)


def _rename_notice(one: Candidate, name: str) -> Notice:
    server = one.connection.endpoint.name
    why = "another tool has that name" if is_valid(one.name) else "the API does not take that name"
    data = {"server": server, "original_name": one.name, "name": name}
    return Notice(
        "name_clash", f"the tool {clean(one.name)} of {server} is shown to the model as {name}: {why}", "warning", data
    )


def _check_count(offered: Sequence[Candidate]) -> None:
    if len(offered) <= MAX_TOOLS:
        return
    server = offered[MAX_TOOLS].connection.endpoint.name
    counts = ", ".join(f"{name} {count}" for name, count in _counts(offered))
    raise ToolboxError(
        f"The servers of this agent have {len(offered)} tools together ({counts}), and a request may hold {MAX_TOOLS}. "
        "Take servers out of agent.yaml.",
        server=server,
    )


def _counts(offered: Sequence[Candidate]) -> Iterator[tuple[str, int]]:
    for name in dict.fromkeys(one.connection.endpoint.name for one in offered):
        yield name, sum(one.connection.endpoint.name == name for one in offered)
