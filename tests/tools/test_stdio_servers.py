"""Servers over stdio that hang, crash, flood, babble and ask back; each is a real process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from workbench.definition.agent import McpStdioServer
from workbench.tools.connection import MAX_RESTARTS
from workbench.tools.content import TEXT_BYTES
from workbench.tools.server_log import BURST
from workbench.tools.toolbox import Outcome, SandboxTools, Toolbox
from workbench.trace.events import Notice

OpenAgent = Callable[..., AbstractAsyncContextManager[Toolbox]]
NewSandbox = Callable[..., SandboxTools]
Say = Callable[[Outcome], str]
PythonServer = Callable[[str], Sequence[str]]

START = """
if method == "initialize": initialize(id, params)
elif method == "tools/list": answer(id, tools("work", "pid"))
elif method == "tools/call" and params["name"] == "pid": text(id, str(os.getpid()))
elif method == "tools/call":
"""


def serving(python_server: PythonServer, reaction: str, timeout: float = 10) -> McpStdioServer:
    """A server whose tool `work` does `reaction`, and whose tool `pid` gives its process."""
    body = START + "\n".join("    " + line for line in reaction.strip("\n").splitlines())
    return McpStdioServer("test", python_server(body), timeout=timeout)


async def test_a_hanging_tool_is_given_up_and_told(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    sandbox = host_sandbox()
    async with open_agent(serving(python_server, "print('working on it')", timeout=1.2), sandbox=sandbox) as toolbox:
        outcome = await toolbox.call("work", {})
        assert not (await toolbox.call("pid", {})).is_error
    said = text_of(outcome)
    assert outcome.is_error
    assert said.startswith(
        "work of test gave no result within 1.2 s; the call was cancelled; it sent a line that is no message"
    )
    cancelled = [message for message in sandbox.sent if getattr(message, "method", "") == "notifications/cancelled"]  # type: ignore[attr-defined]
    assert len(cancelled) == 1


async def test_cancelling_a_call_tells_the_server_at_once(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    sandbox = host_sandbox()
    async with open_agent(serving(python_server, "pass", timeout=60), sandbox=sandbox) as toolbox:
        call = asyncio.create_task(toolbox.call("work", {}))
        while not any(getattr(message, "method", "") == "tools/call" for message in sandbox.sent):  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert sandbox.sent[-1].method == "notifications/cancelled"  # type: ignore[attr-defined]


async def test_a_server_that_does_not_read_holds_nothing_up(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    sandbox = host_sandbox()
    async with open_agent(serving(python_server, "time.sleep(60)", timeout=0.8), sandbox=sandbox) as toolbox:
        deaf = await toolbox.call("work", {})
        stuck = await toolbox.call("work", {"much": "x" * 5_000_000})
        assert stuck.latency < 5
    assert "gave no result" in text_of(deaf)
    assert "gave no result" in text_of(stuck)
    assert sandbox.processes[0].returncode is not None  # type: ignore[attr-defined]


async def test_a_closed_toolbox_starts_nothing(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    sandbox = host_sandbox()
    async with open_agent(serving(python_server, "pass"), sandbox=sandbox) as toolbox:
        pass
    outcome = await toolbox.call("pid", {})
    assert outcome.is_error
    assert text_of(outcome) == "the MCP server test was stopped with its run"
    assert len(sandbox.processes) == 1  # type: ignore[attr-defined]


async def test_a_crash_is_an_outcome_and_the_next_call_starts_the_server_again(
    open_agent: OpenAgent,
    host_sandbox: NewSandbox,
    python_server: PythonServer,
    text_of: Say,
    notices: list[Notice],
) -> None:
    sandbox = host_sandbox()
    crash = "sys.stderr.write('out of cheese\\n'); sys.stderr.flush(); time.sleep(0.1); os._exit(7)"
    async with open_agent(serving(python_server, crash), sandbox=sandbox) as toolbox:
        first = await toolbox.call("pid", {})
        crashed = await toolbox.call("work", {})
        second = await toolbox.call("pid", {})
    assert crashed.is_error
    said = text_of(crashed)
    assert said.startswith("the MCP server test ended during the call of work: [exited with code 7]")
    assert "out of cheese" in said
    assert not second.is_error
    assert text_of(first) != text_of(second)
    told = [notice.text for notice in notices if notice.level == "warning"]
    assert told[0] == "the MCP server test ended: [exited with code 7]"
    assert told[1:] == ["the MCP server test is started again (1 of 3)"]
    assert all(process.returncode is not None for process in sandbox.processes)  # type: ignore[attr-defined]


async def test_a_server_that_died_between_calls_is_started_before_the_next(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, notices: list[Notice]
) -> None:
    sandbox = host_sandbox()
    async with open_agent(serving(python_server, "pass"), sandbox=sandbox) as toolbox:
        sandbox.processes[0].kill()  # type: ignore[attr-defined]
        while not notices:
            await asyncio.sleep(0.01)
        outcomes = await asyncio.gather(*[toolbox.call("pid", {}) for _ in range(3)])
    assert not any(outcome.is_error for outcome in outcomes)
    assert len(sandbox.processes) == 2  # type: ignore[attr-defined]


async def test_a_server_that_keeps_crashing_is_not_started_for_ever(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    sandbox = host_sandbox()
    async with open_agent(serving(python_server, "os._exit(1)"), sandbox=sandbox) as toolbox:
        outcomes = [await toolbox.call("work", {}) for _ in range(MAX_RESTARTS + 3)]
    assert all(outcome.is_error for outcome in outcomes)
    assert len(sandbox.processes) == 1 + MAX_RESTARTS  # type: ignore[attr-defined]
    assert "was started again 3 times in this run; it is not started any more" in text_of(outcomes[-1])


async def test_a_server_that_does_not_come_back(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    server = serving(python_server, "os.remove(sys.argv[0]); os._exit(1)")
    async with open_agent(server, sandbox=host_sandbox()) as toolbox:
        await toolbox.call("work", {})
        outcome = await toolbox.call("pid", {})
    assert outcome.is_error
    assert text_of(outcome).startswith("the MCP server test could not be started again: ")
    assert "can't open file" in text_of(outcome)


async def test_a_flood_of_text_is_cut(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    async with open_agent(serving(python_server, "text(id, 'x' * 20_000_000)"), sandbox=host_sandbox()) as toolbox:
        outcome = await toolbox.call("work", {})
    assert outcome.truncated
    assert not outcome.is_error
    assert text_of(outcome).endswith(f"\n[truncated: {TEXT_BYTES} of 20000000 bytes kept]")


async def test_a_flood_on_stderr_is_counted(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, notices: list[Notice]
) -> None:
    flood = (
        "for n in range(5000): sys.stderr.write('noise %d\\n' % n)\nsys.stderr.flush()\ntime.sleep(0.3)\ntext(id, 'ok')"
    )
    async with open_agent(serving(python_server, flood), sandbox=host_sandbox()) as toolbox:
        assert not (await toolbox.call("work", {})).is_error
    assert len(notices) <= BURST + 3
    assert "more lines were not shown" in notices[-1].text


async def test_a_flood_of_notifications_does_no_harm(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, notices: list[Notice]
) -> None:
    flood = """
for n in range(500):
    say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": n}})
    say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "debug", "data": "chatter"}})
    say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": "disk full"}})
text(id, "ok")
"""
    async with open_agent(serving(python_server, flood), sandbox=host_sandbox()) as toolbox:
        assert not (await toolbox.call("work", {})).is_error
        assert [tool.name for tool in toolbox.tools] == ["pid", "work"]
    assert sorted(notice.text for notice in notices) == [
        "test (error): disk full",
        "the MCP server test changed its tools; a run keeps those that it began with",
    ]


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        (r"""text(id, "half \ud83d and \0 nul")""", "half \ufffd and \ufffd nul"),
        (r"""print("banner"); text(id, "fine")""", "fine"),
        (r"""answer(id, {"content": [], "structuredContent": {"n": 10 ** 4400 if False else 1}})""", '{"n": 1}'),
        (r"""answer(id, {"content": []})""", "(no output)"),
        (
            r"""answer(id, {"content": [{"type": "text", "text": "x"}], "isError": True})""",
            "x",
        ),
    ],
)
async def test_odd_answers_are_read(
    reaction: str,
    expected: str,
    open_agent: OpenAgent,
    host_sandbox: NewSandbox,
    python_server: PythonServer,
    text_of: Say,
) -> None:
    async with open_agent(serving(python_server, reaction), sandbox=host_sandbox()) as toolbox:
        outcome = await toolbox.call("work", {})
    assert text_of(outcome) == expected
    json.dumps(outcome.content, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("reaction", "reason"),
    [
        (
            'fail(id, -32000, "no such ticket")',
            "work of test failed: the server answered with error -32000: no such ticket",
        ),
        ('fail(id, -32602, "n is missing")', "work of test failed: the server refused the arguments: n is missing"),
        (r'fail(id, 5, "half \ud83d")', 'the server answered with error 0: {"code": 5, "message": "half \ufffd"}'),
        ('answer(id, {"content": 7})', "work of test failed: its answer does not follow the protocol (content:"),
        (
            'answer(id, {"content": [{"type": "hologram"}]})',
            "work of test failed: its answer does not follow the protocol",
        ),
    ],
)
async def test_errors_are_put_in_a_person_s_words(
    reaction: str,
    reason: str,
    open_agent: OpenAgent,
    host_sandbox: NewSandbox,
    python_server: PythonServer,
    text_of: Say,
) -> None:
    async with open_agent(serving(python_server, reaction), sandbox=host_sandbox()) as toolbox:
        outcome = await toolbox.call("work", {})
        assert not (await toolbox.call("pid", {})).is_error
    assert outcome.is_error
    assert reason in text_of(outcome)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("sampling/createMessage", {"messages": [], "maxTokens": 5}),
        ("elicitation/create", {"message": "your name?", "requestedSchema": {"type": "object", "properties": {}}}),
        ("roots/list", {}),
    ],
)
async def test_what_a_server_asks_for_is_declined(
    method: str,
    params: dict[str, object],
    open_agent: OpenAgent,
    host_sandbox: NewSandbox,
    python_server: PythonServer,
    text_of: Say,
) -> None:
    reaction = f"""
say({{"jsonrpc": "2.0", "id": "mine", "method": {method!r}, "params": {params!r}}})
text(id, sys.stdin.readline())
"""
    async with open_agent(serving(python_server, reaction), sandbox=host_sandbox()) as toolbox:
        declined = json.loads(text_of(await toolbox.call("work", {})))
    assert declined["id"] == "mine"
    assert "not supported" in declined["error"]["message"]


async def test_a_server_that_asks_without_end_is_stopped(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    reaction = """
n = 0
while True:
    n += 1
    say({"jsonrpc": "2.0", "id": f"q{n}", "method": "ping"})
"""
    async with open_agent(serving(python_server, reaction), sandbox=host_sandbox()) as toolbox:
        answer = text_of(await toolbox.call("work", {}))
    assert "it asks more than 100 things at once; it was stopped" in answer


async def test_a_listing_of_several_pages_is_read_whole(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    body = """
if method == "initialize": initialize(id, params)
elif method == "tools/list":
    page = int(params.get("cursor") or 0)
    answer(id, {**tools("tool%d" % page), **({"nextCursor": str(page + 1)} if page < 3 else {})})
"""
    async with open_agent(McpStdioServer("pages", python_server(body)), sandbox=host_sandbox()) as toolbox:
        assert [tool.name for tool in toolbox.tools] == ["tool0", "tool1", "tool2", "tool3"]


async def test_a_server_without_tools_is_no_error(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer
) -> None:
    body = 'if method == "initialize": initialize(id, params)\nelif id: fail(id, -32601, "Method not found")'
    async with open_agent(McpStdioServer("prompts", python_server(body)), sandbox=host_sandbox()) as toolbox:
        assert toolbox.tools == []


async def test_a_server_of_the_later_protocol_only_is_understood(
    open_agent: OpenAgent, host_sandbox: NewSandbox, python_server: PythonServer, text_of: Say
) -> None:
    body = """
later = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
if method == "server/discover":
    answer(id, {**later, "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
elif method == "tools/list": answer(id, {**later, **tools("work")})
elif method == "tools/call": answer(id, {"resultType": "complete", "content": [{"type": "text", "text": "later"}]})
elif id: fail(id, -32022, "Unsupported protocol version")
"""
    async with open_agent(McpStdioServer("later", python_server(body)), sandbox=host_sandbox()) as toolbox:
        assert text_of(await toolbox.call("work", {})) == "later"
