"""What only gVisor can show of the guest: its rights there, and what tools can do to it."""

from __future__ import annotations

import mcp
import mcp_types
import pytest

from tests.sandbox.conftest import Sandboxes
from tests.sandbox.guests import text_of

pytestmark = pytest.mark.docker

ATTACK = r"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]:
    status = open(f"/proc/{pid}/status").read()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    if uids == [str(os.getuid())] * 4:
        continue
    try:
        os.kill(pid, 9)
        print("killed", pid, uids)
    except PermissionError:
        pass
    if libc.ptrace(16, pid, 0, 0) == 0:
        print("traced", pid, uids)
    for part in ("mem", "fd/0", "fd/1"):
        try:
            if os.readlink(f"/proc/{pid}/{part}") == "/dev/null":
                continue
        except OSError:
            pass
        try:
            os.close(os.open(f"/proc/{pid}/{part}", os.O_RDONLY))
            print("opened", pid, part)
        except OSError:
            pass
print("tried")
"""


async def call(client: mcp.Client, tool: str, **arguments: object) -> mcp_types.CallToolResult:
    return await client.call_tool(tool, arguments)


async def test_tools_can_neither_signal_nor_trace_the_guest(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    async with mcp.Client(sandbox.builtin("bash")) as bash, mcp.Client(sandbox.builtin("filesystem")) as files:
        await call(files, "write", file_path="attack.py", content=ATTACK)
        assert text_of(await call(bash, "bash", command="python3 attack.py")) == "tried"
        assert not (await call(files, "read", file_path="attack.py")).is_error


async def test_limits_that_a_tool_sets_bind_only_itself(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    async with mcp.Client(sandbox.builtin("bash")) as bash, mcp.Client(sandbox.builtin("filesystem")) as files:
        limits = "ulimit -n 8; ulimit -u 5; ulimit -f 1; ulimit -v 300000; ulimit -c 0"
        await call(bash, "bash", command=limits)
        await call(files, "write", file_path="large", content="x" * 200_000)
        assert len(text_of(await call(files, "read", file_path="large"))) == 200_000
        assert text_of(await call(files, "grep", pattern="nothing")) == "no matches"
        await call(bash, "bash", restart=True)
        shown = text_of(await call(bash, "bash", command="ulimit -n; head -c 2000000 /dev/zero > big && echo ok"))
        assert shown.endswith("ok")
        assert shown != "8\nok"


async def test_the_shell_and_the_file_tools_are_the_same_user(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    async with mcp.Client(sandbox.builtin("bash")) as bash, mcp.Client(sandbox.builtin("filesystem")) as files:
        await call(files, "write", file_path="deep/by_tool", content="x")
        assert text_of(await call(bash, "bash", command="touch deep/by_shell; stat -c %u:%g deep/*|uniq|wc -l")) == "1"
        await call(bash, "bash", command="chmod 0 deep/by_tool")
        assert text_of(await call(files, "read", file_path="deep/by_tool")) == "read: deep/by_tool: permission denied"
        assert "permission denied" in text_of(await call(files, "write", file_path="deep/by_tool", content="y"))
        shown = text_of(await call(bash, "bash", command="cat /proc/self/status | grep -c 'Cap.*:.*0000$'"))
        assert int(shown) >= 3


async def test_a_large_command_is_quick_and_whole(sandboxes: Sandboxes) -> None:
    """A hundred kilobytes of here-document, which bash would read byte by byte from a pipe."""
    sandbox = await sandboxes.start()
    text = "line of the file\n" * 6000
    async with mcp.Client(sandbox.builtin("bash")) as bash:
        result = await call(bash, "bash", command=f"cat > file <<'END'\n{text}END\nwc -c < file")
        assert text_of(result).strip() == str(len(text))


async def test_home_is_outside_the_workspace(sandboxes: Sandboxes) -> None:
    sandbox = await sandboxes.start()
    async with mcp.Client(sandbox.builtin("bash")) as bash:
        assert (
            text_of(await call(bash, "bash", command="echo x > ~/.rc && ls -A ~; ls -A; echo $HOME"))
            == ".rc\n/tmp/home"
        )
