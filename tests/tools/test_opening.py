"""The toolbox of an agent: what is opened, shown, called and closed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import mcp_types as types
import pytest
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer

from workbench.definition.agent import (
    BashServer,
    FilesystemServer,
    HttpServer,
    McpStdioServer,
    WebSearchServer,
)
from workbench.definition.references import Template
from workbench.tools.toolbox import Outcome, SandboxTools, Toolbox, ToolboxError
from workbench.trace.events import Notice

OpenAgent = Callable[..., AbstractAsyncContextManager[Toolbox]]
NewSandbox = Callable[..., SandboxTools]
Say = Callable[[Outcome], str]
PythonServer = Callable[[str], list[str]]


def files() -> MCPServer:
    server = MCPServer("filesystem")

    @server.tool()
    def write(file_path: str, content: str) -> str:
        return f"wrote {len(content)} bytes to {file_path}"

    @server.tool()
    def read(file_path: str) -> str:
        return f"content of {file_path}"

    @server.tool()
    def edit(file_path: str) -> str:
        return "edited"

    @server.tool()
    def grep(pattern: str, path: str = "") -> str:
        return f"{pattern} in {path}"

    @server.tool()
    def glob(pattern: str, path: str = "") -> str:
        return f"{pattern} in {path}"

    return server


class Shell:
    """A bash server that says what happens to it."""

    def __init__(self) -> None:
        self.cancelled = 0
        self.running = 0
        self.most_running = 0

    def server(self) -> Server[object]:
        async def list_tools(
            _context: ServerRequestContext[object], _params: types.PaginatedRequestParams | None
        ) -> types.ListToolsResult:
            tool = types.Tool(name="bash", description="A shell.", input_schema={"type": "object", "properties": {}})
            return types.ListToolsResult(tools=[tool])

        return Server("bash", on_list_tools=list_tools, on_call_tool=self.call)

    async def call(
        self, _context: ServerRequestContext[object], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            await asyncio.sleep(float(str(arguments.get("sleep", 0))))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        code = int(str(arguments.get("code", 0)))
        meta = {"workbench/exit_code": code, "workbench/truncated": code == 3, "workbench/cwd": "/workspace"}
        return types.CallToolResult(content=[types.TextContent(text="out")], is_error=code != 0, _meta=meta)


STDIO = """
if method == "initialize": initialize(id, params)
elif method == "tools/list": answer(id, TOOLS)
elif method == "tools/call": text(id, params["name"] + " " + json.dumps(params["arguments"]))
"""


def stdio(python_server: PythonServer, name: str, tools: str) -> McpStdioServer:
    return McpStdioServer(name, python_server(STDIO.replace("TOOLS", tools)))


def names(toolbox: Toolbox) -> list[str]:
    return [tool.name for tool in toolbox.tools]


def test_the_doors_are_light_to_import() -> None:
    heavy = ("mcp", "mcp_types", "httpx2", "anyio", "pydantic")
    check = f"""
import sys, workbench.tools.toolbox, workbench.tools.opening
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_an_agent_without_servers_has_no_tools(open_agent: OpenAgent, text_of: Say) -> None:
    async with open_agent() as toolbox:
        assert (toolbox.tools, toolbox.parameters, toolbox.removed, toolbox.in_sandbox) == ([], [], {}, frozenset())
        outcome = await toolbox.call("read", {})
    assert outcome.is_error
    assert text_of(outcome) == "There is no tool named 'read'. The tools are: none."


async def test_tools_come_by_declaration_and_then_by_name(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    sandbox = host_sandbox(filesystem=files(), bash=Shell().server())
    declared = [
        stdio(python_server, "docs", "tools('search', 'fetch')"),
        WebSearchServer(max_uses=3),
        BashServer(),
        FilesystemServer(),
        HttpServer("zendesk", Template("https://desk.invalid")),
    ]
    async with open_agent(*declared, sandbox=sandbox) as toolbox:
        shown = [str(parameter["name"]) for parameter in toolbox.parameters]
        assert toolbox.in_sandbox == {"docs", "bash", "filesystem"}
        assert names(toolbox) == [name for name in shown if name != "web_search"]
        assert all("input_schema" in parameter for parameter in toolbox.parameters if "type" not in parameter)
    assert shown == ["fetch", "search", "web_search", "bash", "edit", "glob", "grep", "read", "write", "zendesk"]


async def test_a_call_goes_to_its_server(open_agent: OpenAgent, host_sandbox: NewSandbox, text_of: Say) -> None:
    sandbox = host_sandbox(filesystem=files(), bash=Shell().server())
    async with open_agent(FilesystemServer(), BashServer(), sandbox=sandbox) as toolbox:
        written = await toolbox.call("write", {"file_path": "a", "content": "x\ud800"})
        failed = await toolbox.call("bash", {"code": 3})
        fine = await toolbox.call("bash", {})
    assert text_of(written) == "wrote 2 bytes to a"
    assert (written.is_error, written.exit_code, written.truncated, written.origin) == (False, None, False, "live")
    assert (failed.is_error, failed.exit_code, failed.truncated) == (True, 3, True)
    assert (fine.is_error, fine.exit_code, fine.truncated) == (False, 0, False)
    assert 0 < fine.latency < 5


async def test_an_unknown_tool_names_the_nearest(open_agent: OpenAgent, host_sandbox: NewSandbox, text_of: Say) -> None:
    async with open_agent(FilesystemServer(), sandbox=host_sandbox(filesystem=files())) as toolbox:
        outcome = await toolbox.call("raed", {})
    assert outcome.is_error
    assert text_of(outcome).startswith("There is no tool named 'raed'. Did you mean read? The tools are: edit, glob")


async def test_reading_only_removes_writing_from_the_list_and_on_call(
    open_agent: OpenAgent, host_sandbox: NewSandbox, text_of: Say
) -> None:
    server = FilesystemServer(permissions=("read",))
    async with open_agent(server, sandbox=host_sandbox(filesystem=files())) as toolbox:
        assert names(toolbox) == ["glob", "grep", "read"]
        assert set(toolbox.removed) == {"write", "edit"}
        outcome = await toolbox.call("write", {"file_path": "a", "content": ""})
    assert outcome.is_error
    assert text_of(outcome).startswith("write is not available: write needs the permission 'write'; agent.yaml gives")


async def test_a_removed_name_is_not_given_to_another_server(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    declared = [FilesystemServer(permissions=("read",)), stdio(python_server, "docs", "tools('write')")]
    async with open_agent(*declared, sandbox=host_sandbox(filesystem=files())) as toolbox:
        assert names(toolbox) == ["glob", "grep", "read", "docs__write"]


async def test_a_path_limits_what_is_reached(open_agent: OpenAgent, host_sandbox: NewSandbox, text_of: Say) -> None:
    server = FilesystemServer(path="/source", permissions=("read",))
    async with open_agent(server, sandbox=host_sandbox(filesystem=files())) as toolbox:
        inside = await toolbox.call("read", {"file_path": "/source/a"})
        outside = await toolbox.call("read", {"file_path": "/source/../workspace/a"})
        search = await toolbox.call("grep", {"pattern": "x"})
        assert all("Only below /source." in tool.description for tool in toolbox.tools)
    assert text_of(inside) == "content of /source/a"
    assert outside.is_error
    assert "is out of reach" in text_of(outside)
    assert text_of(search) == "x in /source"


async def test_several_filesystem_servers_are_one_with_the_rights_of_all(
    open_agent: OpenAgent, host_sandbox: NewSandbox
) -> None:
    declared = [FilesystemServer(permissions=("read",)), FilesystemServer(path="/workspace/out")]
    async with open_agent(*declared, sandbox=host_sandbox(filesystem=files())) as toolbox:
        assert names(toolbox) == ["edit", "glob", "grep", "read", "write"]
        assert (await toolbox.call("write", {"file_path": "a", "content": ""})).is_error
        assert not (await toolbox.call("write", {"file_path": "out/a", "content": ""})).is_error


async def test_clashes_are_resolved_and_told(
    open_agent: OpenAgent,
    host_sandbox: NewSandbox,
    python_server: PythonServer,
    notices: list[Notice],
    text_of: Say,
) -> None:
    declared = [
        stdio(python_server, "docs", "tools('search', 'read', 'web_search', 'look up')"),
        stdio(python_server, "wiki", "tools('search')"),
        FilesystemServer(permissions=("read",)),
        WebSearchServer(),
    ]
    async with open_agent(*declared, sandbox=host_sandbox(filesystem=files())) as toolbox:
        assert names(toolbox)[:5] == ["look_up", "docs__read", "docs__search", "docs__web_search", "wiki__search"]
        outcome = await toolbox.call("docs__search", {"q": 1})
        original = [tool.original_name for tool in toolbox.tools[:5]]
    assert original == ["look up", "read", "search", "web_search", "search"]
    assert text_of(outcome) == 'search {"q": 1}'
    clashes = [notice for notice in notices if notice.kind == "name_clash"]
    assert [notice.text for notice in clashes][:2] == [
        "the tool look up of docs is shown to the model as look_up: the API does not take that name",
        "the tool read of docs is shown to the model as docs__read: another tool has that name",
    ]
    assert clashes[1].data == {"server": "docs", "original_name": "read", "name": "docs__read"}


async def test_odd_schemas_are_mended_or_the_tool_is_left_out(
    open_agent: OpenAgent,
    host_sandbox: NewSandbox,
    python_server: PythonServer,
    notices: list[Notice],
    text_of: Say,
) -> None:
    odd = """{"tools": [
        {"name": "bare"},
        {"name": "number", "inputSchema": {"type": "number"}},
        {"name": "filter", "inputSchema": {"properties": {"filter[id]": {"type": "string"}}}, "outputSchema": 7},
        {"name": "later", "inputSchema": {"type": "object"}, "execution": {"taskSupport": "required"}},
        {"name": "twice", "inputSchema": {"type": "object"}}, {"name": "twice", "inputSchema": {"type": "object"}}]}"""
    async with open_agent(stdio(python_server, "odd", odd), sandbox=host_sandbox()) as toolbox:
        assert names(toolbox) == ["bare", "filter", "twice"]
        assert all(tool.input_schema["type"] == "object" for tool in toolbox.tools)
        outcome = await toolbox.call("filter", {"filter_id_": "7"})
    assert text_of(outcome) == 'filter {"filter[id]": "7"}'
    told = "\n".join(notice.text for notice in notices)
    assert "the tool number of odd is left out: its input schema is not an object with named parameters: type" in told
    assert "the tool later of odd is left out: it runs only as a task" in told
    assert "the input schema of filter of odd was mended: type: object added; parameter filter[id] shown as" in told
    assert "odd lists the tool twice twice" in told


async def test_more_tools_than_a_request_holds_are_refused(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    declared = [
        stdio(python_server, "some", "tools(*[f'a{n}' for n in range(200)])"),
        stdio(python_server, "more", "tools(*[f'b{n}' for n in range(57)])"),
    ]
    with pytest.raises(ToolboxError, match=r"have 257 tools together \(some 200, more 57\)") as caught:
        async with open_agent(*declared, sandbox=host_sandbox()):
            pass
    assert caught.value.server == "more"


@pytest.mark.parametrize("server", [BashServer(), FilesystemServer(), McpStdioServer("docs", ["x"])])
async def test_servers_of_the_sandbox_need_one(server: BashServer, open_agent: OpenAgent) -> None:
    with pytest.raises(ToolboxError, match="runs in the sandbox, and this run has none") as caught:
        async with open_agent(server):
            pass
    assert caught.value.server == server.name


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ([BashServer(), BashServer()], "Two servers are named bash"),
        ([BashServer(), BashServer(name="other")], "declares a built-in server twice: two tools are named bash"),
        ([WebSearchServer(), WebSearchServer(name="other")], "web_search is declared twice"),
        ([FilesystemServer(path="/etc")], "path /etc is not /workspace, /source or a folder below"),
    ],
)
async def test_what_cannot_be_together_is_refused(
    declared: list[BashServer], reason: str, open_agent: OpenAgent, host_sandbox: NewSandbox
) -> None:
    with pytest.raises(ToolboxError, match=reason):
        async with open_agent(*declared, sandbox=host_sandbox(filesystem=files(), bash=Shell().server())):
            pass


async def test_one_failing_server_closes_the_others(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    sandbox = host_sandbox(filesystem=files())
    declared = [
        FilesystemServer(),
        stdio(python_server, "good", "tools('a')"),
        McpStdioServer("bad", python_server("sys.stderr.write('no licence\\n'); sys.exit(3)"), timeout=20),
        McpStdioServer("slow", python_server("time.sleep(60)"), timeout=50),
    ]
    with pytest.raises(ToolboxError) as caught:
        async with open_agent(*declared, sandbox=sandbox):
            pass
    message = str(caught.value)
    assert caught.value.server == "bad"
    assert message.startswith("The MCP server bad could not be started: ")
    assert "\nIts last lines:\n  no licence" in message
    assert "Check its command in agent.yaml" in message
    assert all(process.returncode is not None for process in sandbox.processes)  # type: ignore[attr-defined]


async def test_a_server_that_does_not_answer_is_given_up(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    server = McpStdioServer("mute", python_server("print('Welcome!')"), timeout=1.5)
    with pytest.raises(ToolboxError, match=r"mute could not be started: no answer within 1\.5 s") as caught:
        async with open_agent(server, sandbox=host_sandbox()):
            pass
    assert "; it sent a line that is no message of the protocol: Welcome!" in str(caught.value)


async def test_a_command_that_is_not_there(open_agent: OpenAgent, host_sandbox: NewSandbox) -> None:
    with pytest.raises(ToolboxError, match="No such file or directory: 'nonesuch'"):
        async with open_agent(McpStdioServer("gone", ["nonesuch"]), sandbox=host_sandbox()):
            pass


async def test_cancelling_while_servers_start_leaves_nothing(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    sandbox = host_sandbox()

    async def use() -> None:
        servers = [McpStdioServer(f"slow{n}", python_server("time.sleep(60)")) for n in range(2)]
        async with open_agent(*servers, sandbox=sandbox):
            pass

    task = asyncio.create_task(use())
    while len(sandbox.processes) < 2:  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(process.returncode is not None for process in sandbox.processes)  # type: ignore[attr-defined]


async def test_commands_of_the_shell_wait_for_their_turn(open_agent: OpenAgent, host_sandbox: NewSandbox) -> None:
    shell = Shell()
    async with open_agent(BashServer(), sandbox=host_sandbox(bash=shell.server())) as toolbox:
        outcomes = await asyncio.gather(*[toolbox.call("bash", {"sleep": 0.05}) for _ in range(3)])
    assert not any(outcome.is_error for outcome in outcomes)
    assert shell.most_running == 1


async def test_the_word_of_a_foreign_server_is_not_taken(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    body = STDIO.replace("TOOLS", "tools('a')").replace(
        'text(id, params["name"] + " " + json.dumps(params["arguments"]))',
        'answer(id, {"content": [], "_meta": {"workbench/exit_code": 0, "workbench/truncated": True}})',
    )
    async with open_agent(McpStdioServer("liar", python_server(body)), sandbox=host_sandbox()) as toolbox:
        outcome = await toolbox.call("a", {})
    assert (outcome.exit_code, outcome.truncated) == (None, False)
