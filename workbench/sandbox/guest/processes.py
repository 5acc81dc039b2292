"""Starting, watching and killing the processes of the tools.

The guest runs as root and its tools as an ordinary user, so that no tool can signal or trace the guest. A guest that
is not root (in tests) has no such user: its tools are then all processes that descend from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PR_SET_CHILD_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
KILL_TIME = 1.0
"""Seconds in which all tools have to be dead."""


class ToolUser(NamedTuple):
    """The user that the tools run as."""

    uid: int
    gid: int

    @property
    def separate(self) -> bool:
        """Whether it is another user than the guest's."""
        return os.getuid() == 0 and self.uid != 0

    def become(self) -> None:
        """Turn the calling process into one of this user, for good."""
        if self.separate:
            if os.geteuid() == 0:  # else it already acts for the user, and its groups are the user's
                os.setgroups([])
                os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)

    def act_for(self) -> None:
        """Let the calling process act with this user's rights on files and stay out of reach of its signals.

        A process may signal only processes whose real or saved user id is its own, and those stay root's.
        """
        if self.separate:
            os.setgroups([])
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(0, self.uid, 0)

    def make_folder(self, path: str) -> bool:
        """Make a folder of this user's own, unless there is one already; whether there is one now."""
        if self.separate:  # root may not give files away here
            os.setegid(self.gid)
            os.seteuid(self.uid)
        try:
            Path(path).mkdir(mode=0o700, exist_ok=True)
            return os.access(path, os.W_OK, effective_ids=True)
        except OSError:
            return False
        finally:
            if self.separate:
                os.seteuid(0)
                os.setegid(0)


class Reading(NamedTuple):
    """One process as /proc has it."""

    pid: int
    parent: int
    session: int
    alive: bool
    cpu_seconds: float
    memory_bytes: int


class Child:
    """A started process; `ended` gives its exit code, negative if a signal ended it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()


class Children:
    """The processes that the guest started, reaped as they end, and with them every orphan that it inherits."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def adopt(self, pid: int) -> Child:
        """Watch a process that was forked just now."""
        child = self._children[pid] = Child(pid)
        return child

    def start(
        self,
        command: Sequence[str],
        user: ToolUser,
        *,
        cwd: str,
        env: dict[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
        extra: tuple[int, int] | None = None,
    ) -> Child:
        """Start a process as the tool user, in a session of its own.

        Args:
            command: the program, found on the PATH of `env`, and its arguments.
            extra: a descriptor of ours and the number under which the process has it.

        Raises:
            OSError: it cannot be started.
        """

        def prepare() -> None:
            if extra is not None:
                os.dup2(*extra)
            user.become()

        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 - the guest has no threads
            close_fds=False,  # ours are not inheritable anyway
        )
        process.returncode = 0  # reaped here, not by the subprocess module
        return self.adopt(process.pid)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                child = self._children.pop(pid, None)
                if child is not None and not child.ended.done():
                    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                    child.ended.set_result(code)


def readings() -> list[Reading]:
    """All processes that the guest sees."""
    return list(_read_all())


def kill_tree(pid: int) -> None:
    """Kill a process, its descendants, and every process of its session."""
    for _ in range(10):
        family = _descendants([pid], include_sessions=True)
        if not family:
            return
        _kill(reading.pid for reading in family)


class Tools:
    """All processes of the tools together.

    Args:
        user: the tool user.
        spared: gives the ids of processes that act for the user but belong to the guest.
    """

    def __init__(self, user: ToolUser, spared: Callable[[], Iterable[int]]) -> None:
        self._user = user
        self._spared = spared

    def running(self) -> list[Reading]:
        """Those that are alive."""
        spared = set(self._spared())
        if not self._user.separate:
            return [reading for reading in _descendants([os.getpid()]) if reading.pid not in {os.getpid(), *spared}]
        return [r for r in _read_all() if r.alive and r.pid not in spared and _owner(r.pid) == self._user.uid]

    def usage(self) -> tuple[int, float]:
        """Memory in bytes of those that are alive, and CPU seconds of all, the dead ones included."""
        running = self.running()
        past = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = past.ru_utime + past.ru_stime + sum(reading.cpu_seconds for reading in running)
        return sum(reading.memory_bytes for reading in running), cpu

    async def stop(self) -> int:
        """Kill all, as often as it takes within `KILL_TIME`. The number that are left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + KILL_TIME
        while True:
            self.kill()
            left = len(self.running())
            if not left or loop.time() > deadline:
                return left
            await asyncio.sleep(0.005)

    def kill(self) -> None:
        """Send SIGKILL to all."""
        if not (self._user.separate and self._kill_as_user()):
            _kill(reading.pid for reading in self.running())

    def _kill_as_user(self) -> bool:
        """Let a process of the tool user kill all that it can reach: one system call, which no fork bomb outruns."""
        try:
            pid = os.fork()
        except OSError:
            return False
        if not pid:
            try:
                self._user.become()
                os.kill(-1, signal.SIGKILL)
            finally:
                os._exit(0)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        return True


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _descendants(roots: list[int], *, include_sessions: bool = False) -> list[Reading]:
    """The living among the roots and all that descends from them; on demand, also their sessions' members."""
    everyone = readings()
    family = set(roots)
    size = 0
    while size != len(family):
        size = len(family)
        family.update(r.pid for r in everyone if r.parent in family or (include_sessions and r.session in roots))
    return [r for r in everyone if r.alive and r.pid in family]


def _read_all() -> Iterator[Reading]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - on the path of every gauge reading
        if name.isdigit():
            reading = _read(int(name))
            if reading is not None:
                yield reading


def _read(pid: int) -> Reading | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()
    cpu = sum(int(field) for field in fields[11:15]) / _TICKS
    return Reading(pid, int(fields[1]), int(fields[3]), fields[0] not in b"ZX", cpu, int(fields[21]) * _PAGE)


def _owner(pid: int) -> int | None:
    """The effective user id of a process."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None
