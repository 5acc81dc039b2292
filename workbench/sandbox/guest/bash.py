"""The bash tool: one persistent shell for all calls, one call after the other."""

from __future__ import annotations

import asyncio
import re
import signal
from typing import TYPE_CHECKING, Any

from .arguments import checked
from .results import ToolError, ToolResult, error_result, text_result
from .shell import CommandTimedOut, Ran, Shell, ShellEnded
from .toolset import BASH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DEFAULT_TIMEOUT = 120.0
"""Seconds for which a command may run, if the call does not say."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class BashTool:
    """The tool and its shell.

    Args:
        start: starts a shell.
        cwd: the directory in which a shell starts.
    """

    def __init__(self, start: Callable[[], Awaitable[Shell]], cwd: str) -> None:
        self.cwd: str | None = cwd
        """The directory of the shell after the last call."""
        self._start = start
        self._start_cwd = cwd
        self._shell: Shell | None = None
        self._turn = asyncio.Lock()
        self._restart_required = False
        self._stopped = False

    async def call(self, arguments: dict[str, Any]) -> ToolResult:
        """Answer a call. Cancelling it kills the shell with all that runs in it, if the command has begun."""
        try:
            given = checked(BASH, arguments)
            async with self._turn:
                if given["restart"]:
                    await self._restart()
                    return text_result("bash session restarted", cwd=self.cwd)
                if not given["command"]:
                    raise ToolError("bash: command is required")
                seconds = given["timeout_ms"] / 1000.0 if given["timeout_ms"] else DEFAULT_TIMEOUT
                return await self._run(given["command"], seconds)
        except Exception as error:  # whatever it is, the model reads it and the guest lives on
            return error_result(error)

    async def warm(self) -> None:
        """Start the shell before it is needed."""
        async with self._turn:
            await self._running_shell()

    def stop(self) -> None:
        """Hear that all tools are being killed: the next call gets a new shell."""
        self._stopped = True
        self._restart_required = False

    async def _run(self, command: str, seconds: float) -> ToolResult:
        if self._restart_required:
            raise ToolError("bash: bash session terminated; restart required")
        if _does_nothing(command):
            return text_result("", exit_code=0, cwd=self.cwd)
        self._report_death()
        shell = await self._running_shell()
        self._stopped = False
        try:
            return self._finished(await shell.run(command, seconds))
        except CommandTimedOut:
            self._terminate(shell)
            raise ToolError(f"bash: bash command timed out after {seconds}s") from None
        except asyncio.CancelledError:
            self._terminate(shell)
            raise
        except ShellEnded as ended:
            shell.close()
            self._shell = None
            return self._died(ended)

    def _report_death(self) -> None:
        """Tell of a shell that ended between two calls, once."""
        shell = self._shell
        if shell is not None and shell.exit_code is not None and not self._stopped:
            shell.close()
            self._shell = None
            raise ToolError(f"bash: {self._obituary(shell.exit_code)}")

    async def _restart(self) -> None:
        if self._shell is not None:
            self._shell.kill()
            self._shell = None
        self._restart_required = False
        await self._running_shell()

    async def _running_shell(self) -> Shell:
        if self._shell is None or not self._shell.alive:
            if self._shell is not None:
                self._shell.close()
            self._shell = await self._start()
            self.cwd = self._start_cwd
        return self._shell

    def _terminate(self, shell: Shell) -> None:
        """As in the vendor's implementation, a model has to ask for the next shell: it lost its state."""
        shell.kill()
        self._restart_required = not self._stopped

    def _finished(self, ran: Ran) -> ToolResult:
        self.cwd = ran.cwd or None
        text = _clean(ran.output).rstrip("\n")
        if ran.truncated:
            text = "[output truncated]\n" + text
        return text_result(
            text, is_error=ran.exit_code != 0, exit_code=ran.exit_code, truncated=ran.truncated, cwd=self.cwd
        )

    def _died(self, ended: ShellEnded) -> ToolResult:
        text = _clean(ended.output).strip()
        code = ended.code if ended.code >= 0 else 128 - ended.code
        return text_result(f"{text}\n{self._obituary(ended.code)}".lstrip("\n"), is_error=True, exit_code=code)

    def _obituary(self, code: int) -> str:
        return f"bash session terminated: {self._cause(code)}; the next call starts a new shell"

    def _cause(self, code: int) -> str:
        if code >= 0:
            return f"the shell exited with status {code}"
        if self._stopped:
            return "all tools were stopped"
        if -code == signal.SIGKILL:
            return "the shell was killed, by the command itself or probably by the memory limit"
        return f"the shell was killed by signal {-code}"


def _does_nothing(command: str) -> bool:
    """Whether it has only blanks and comments, which the shell would not take in braces."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in command.split("\n"))


def _clean(output: bytes) -> str:
    return _ANSI.sub("", output.decode(errors="replace"))
