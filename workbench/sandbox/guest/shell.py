"""One persistent shell: its process, the way in for commands, and the way out for their output.

Commands reach the shell as the vendor's implementation feeds them: as the script on its standard input, each in braces
and followed by a `printf` of a secret mark and the exit code. Only what carries them differs. From a pipe bash reads
one byte with each system call, which under gVisor costs 5 to 50 µs: half a second or more for a file of 10 kB in a
here-document. From a file it reads in blocks. So the script is a file that the guest appends to, and between commands
the shell waits in a `read` from a second pipe, so that it never comes to the end of the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from .processes import kill_tree

if TYPE_CHECKING:
    from .processes import Child, Children, ToolUser

OUTPUT_LIMIT = 100 * 1024
"""Bytes of output that are kept, the last ones, the mark that follows them included."""
_ROOM_FOR_MARK = 32 * 1024
"""Bytes kept on top until a mark is complete; it carries a path of at most 4096 characters."""
_AFTER_END = 0.1
"""Seconds for which output is still read when the shell has ended but something holds its output open."""
_SCRIPT_START = 64 * 1024
"""Where the script starts in its file. bash reads in blocks only if the file is longer than one when it starts."""


class Dialect(NamedTuple):
    """What differs between the shells that can serve: the command line and the descriptor to wait on."""

    command: tuple[str, ...]
    descriptor: int
    has_start_file: bool

    @property
    def settings(self) -> dict[str, str]:
        """Variables that it starts with."""
        return {"BASH_ENV": "/proc/self/fd/0"} if self.has_start_file else {}


def find_dialect(path: str) -> Dialect:
    """bash where there is one, else sh (whose redirections know only descriptors of one digit)."""
    bash = "/bin/bash" if os.access("/bin/bash", os.X_OK) else shutil.which("bash", path=path)
    if bash:
        return Dialect((bash, "--noprofile", "--norc"), 254, True)
    return Dialect(("/bin/sh",), 8, False)


class Ran(NamedTuple):
    """A command that came to its end: what it printed, its exit code, whether the output was cut, the directory."""

    output: bytes
    exit_code: int
    truncated: bool
    cwd: str


class ShellEnded(Exception):
    """The shell ended during a command, or before it. `code` is its exit code, negative if a signal ended it."""

    def __init__(self, output: bytes, code: int) -> None:
        super().__init__(f"the shell ended with code {code}")
        self.output = output
        self.code = code


class CommandTimedOut(Exception):
    """A command did not come to its end in its time."""


class Mark:
    """The secret end of one command. It is written in two halves, so that what echoes the script cannot show it."""

    def __init__(self) -> None:
        # As long as the vendor's, because it counts against the limit of the output.
        self._text = f"__WB_CMD__{os.urandom(16).hex()}_DONE__"
        self.start = b"\n" + self._text.encode()
        """The bytes with which it begins in the output."""
        self._end = self._text.encode() + b"\n"

    def script(self) -> str:
        """The shell code that prints it, with the exit code and the working directory."""
        split = f"{self._text[:8]}''{self._text[8:]}"
        return f"{{ command printf '\\n{split}%d\\t%.4096s{split}\\n' $? \"${{PWD-}}\"; }} 2>/dev/null"

    def find(self, data: bytearray, start: int) -> FoundMark | None:
        """The complete mark in the output; `start` is where it begins."""
        tab = data.find(b"\t", start)
        end = data.find(self._end, tab)
        if tab < 0 or end < 0:
            return None
        code = data[start + len(self.start) : tab]
        return FoundMark(int(code), len(code), data[tab + 1 : end].decode(errors="replace"), end + len(self._end))


class FoundMark(NamedTuple):
    """What a mark says, the length of its exit code in bytes, and where it ends in the output."""

    exit_code: int
    code_length: int
    cwd: str
    end: int


class _Output(asyncio.Protocol):
    """The tail of what the shell and its children print."""

    def __init__(self) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self._mark: Mark | None = None
        self._found: asyncio.Future[Ran] | None = None
        self._data = bytearray()
        self._total = 0
        self._searched = 0
        self._paused = False
        self._transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pipe is open."""
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def expect(self, mark: Mark) -> asyncio.Future[Ran]:
        """A command starts; what background jobs have printed meanwhile counts as its output."""
        self._mark = mark
        self._searched = 0
        self._total = len(self._data)
        self._found = asyncio.get_running_loop().create_future()
        if self._paused and self._transport is not None:
            self._transport.resume_reading()
            self._paused = False
        return self._found

    def data_received(self, data: bytes) -> None:
        """Keep the tail; look for the mark."""
        self._data += data
        self._total += len(data)
        if self._mark is not None:
            self._search(self._mark)
        elif len(self._data) >= OUTPUT_LIMIT and self._transport is not None:
            self._transport.pause_reading()  # a background job that floods has to wait for the next command
            self._paused = True
        surplus = len(self._data) - OUTPUT_LIMIT - _ROOM_FOR_MARK
        if surplus > 0:
            del self._data[:surplus]
            self._searched = max(0, self._searched - surplus)

    def connection_lost(self, exc: Exception | None) -> None:
        """All that could print has ended."""
        if not self.ended.done():
            self.ended.set_result(None)

    def tail(self) -> bytes:
        """The last of the output of a command that will not come to its mark."""
        return bytes(self._data[-OUTPUT_LIMIT:])

    def close(self) -> None:
        """Read no more."""
        if self._transport is not None:
            self._transport.close()

    def _search(self, mark: Mark) -> None:
        start = self._data.find(mark.start, self._searched)
        if start < 0:
            self._searched = max(0, len(self._data) - len(mark.start))
            return
        self._searched = start
        said = mark.find(self._data, start)
        if said is None:
            return
        frame = len(mark.start) + said.code_length + 1  # as the vendor's: newline, mark, code, newline
        truncated = self._total - (len(self._data) - start) + frame > OUTPUT_LIMIT
        output = bytes(self._data[max(0, start - OUTPUT_LIMIT + frame) if truncated else 0 : start])
        found = self._found
        self._mark = self._found = None
        del self._data[: said.end]
        if found is not None and not found.done():
            found.set_result(Ran(output, said.exit_code, truncated, said.cwd))


class Shell:
    """A running shell. One command at a time."""

    def __init__(self, dialect: Dialect, child: Child, script: int, trigger: int, output: _Output) -> None:
        self._dialect = dialect
        self._child = child
        self._script = script
        self._end = _SCRIPT_START if dialect.has_start_file else _SCRIPT_START + len(_wait(dialect))
        self._trigger = trigger
        self._output = output
        self._closed = False

    @classmethod
    async def start(cls, children: Children, user: ToolUser, cwd: str, env: dict[str, str]) -> Shell:
        """Start a shell as the tool user.

        Raises:
            OSError: it cannot be started.
        """
        dialect = find_dialect(env.get("PATH", os.defpath))
        script, reading = _script_file(dialect)
        awaited, trigger = os.pipe()
        printed, prints = os.pipe()
        output = _Output()
        await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(printed, "rb", 0))
        try:
            child = children.start(
                dialect.command,
                user,
                cwd=cwd,
                env={**env, "PS1": "", "PS2": "", "TERM": "dumb", **dialect.settings},
                stdin=reading,
                stdout=prints,
                stderr=prints,
                extra=(awaited, dialect.descriptor),
            )
        except OSError:
            output.close()
            os.close(script)
            os.close(trigger)
            raise
        finally:
            for descriptor in (reading, awaited, prints):
                os.close(descriptor)
        return cls(dialect, child, script, trigger, output)

    @property
    def alive(self) -> bool:
        """Whether it can take a command."""
        return not self._closed and not self._child.ended.done()

    @property
    def exit_code(self) -> int | None:
        """How its process ended (negative: minus the signal), None while it lives."""
        return self._child.ended.result() if self._child.ended.done() else None

    async def run(self, command: str, seconds: float) -> Ran:
        """Run a command to its end.

        Raises:
            ShellEnded: the shell ended first.
            CommandTimedOut: that many seconds have passed. The command is still running: kill the shell.
        """
        mark = Mark()
        found = self._output.expect(mark)
        bookkeeping = f" </dev/null 2>&1; {mark.script()}; {_wait(self._dialect)}".encode()
        self._feed(f"{{ {command}\n}}".encode() + bookkeeping)
        await _first(found, self._child.ended, seconds)
        if not found.done() and self._child.ended.done():
            await _first(found, self._output.ended, _AFTER_END)
        if found.done():
            ran = found.result()
            return ran._replace(output=_without(bookkeeping, ran.output))
        if self._child.ended.done():
            raise ShellEnded(_without(bookkeeping, self._output.tail()), self._child.ended.result())
        raise CommandTimedOut

    def kill(self) -> None:
        """End the shell and all that runs in it."""
        if not self._child.ended.done():
            kill_tree(self._child.pid)
        self.close()

    def close(self) -> None:
        """Let go of a shell that has ended."""
        if not self._closed:
            self._closed = True
            self._output.close()
            os.close(self._script)
            os.close(self._trigger)

    def _feed(self, code: bytes) -> None:
        view = memoryview(code)
        while view:
            written = os.pwrite(self._script, view, self._end)
            self._end += written
            view = view[written:]
        with contextlib.suppress(BrokenPipeError):
            os.write(self._trigger, b"\n")


def _without(bookkeeping: bytes, output: bytes) -> bytes:
    """The output without what `set -v` or a syntax error shows of the code around the command."""
    return output.replace(bookkeeping, b"\n").replace(bookkeeping[:-1], b"")


async def _first(one: asyncio.Future[Any], other: asyncio.Future[Any], seconds: float) -> None:
    """Wait for the first of two, at most so long."""
    await asyncio.wait([one, other], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def _wait(dialect: Dialect) -> str:
    """The shell code that waits for the next command."""
    return f"{{ read -r _ <&{dialect.descriptor}; }} >/dev/null 2>&1\n"


def _script_file(dialect: Dialect) -> tuple[int, int]:
    """A file without a name for the script: a descriptor to append to it, and one to read it from its start.

    Before the start stands what bash runs as its start-up file: it waits for the first command there, so that the
    first line of the first command is line 1 of the script.
    """
    if hasattr(os, "memfd_create"):
        script = os.memfd_create("commands")
    else:
        script, name = tempfile.mkstemp()
        os.unlink(name)  # noqa: PTH108 - a descriptor is all that is needed
    os.fchmod(script, 0o644)  # gVisor lets a tool open it through our /proc/PID/fd: to read, not to write commands
    os.ftruncate(script, _SCRIPT_START)
    os.pwrite(script, f"unset BASH_ENV; {_wait(dialect)}".encode(), 0)
    if not dialect.has_start_file:
        os.pwrite(script, _wait(dialect).encode(), _SCRIPT_START)
    reading = os.open(f"/proc/self/fd/{script}", os.O_RDONLY)
    os.lseek(reading, _SCRIPT_START, os.SEEK_SET)
    return script, reading
