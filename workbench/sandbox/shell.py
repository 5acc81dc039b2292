"""Running the system's own programs: as root where it is needed, with a time limit, a log and the last lines kept."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from workbench.sandbox.sandbox import SandboxError

Progress = Callable[[str], None]
"""Hears one line of what is going on at a time."""

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_COMMAND_LENGTH: Final = 240
_KEPT_LINES: Final = 400
_TAIL_LINES: Final = 12
_ERROR_LINES: Final = 6
_ERROR = re.compile(r"(?i)^\s*(e:|err:|error|fatal)|\b(cannot|could not|failed|denied|dpkg: error|read-only)\b")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


class CommandError(SandboxError):
    """A program failed: what was run, how it ended, and the telling lines that it printed."""

    def __init__(self, command: Sequence[str], ending: str, tail: Sequence[str] = ()) -> None:
        self.command = tuple(command)
        self.ending = ending
        self.tail = tuple(tail)
        text = f"`{shown_command(command)}` {ending}"
        super().__init__("\n  ".join([text + (":" if self.tail else "."), *self.tail]))


def shown_command(command: Sequence[str]) -> str:
    """The command as it would be typed, without passwords; a very long one is cut."""
    text = without_passwords(shlex.join(command))
    return text if len(text) <= _COMMAND_LENGTH else f"{text[:_COMMAND_LENGTH]}..."


def without_passwords(text: str) -> str:
    """The text with `user:password@` in URLs replaced."""
    return _USER_INFO.sub("***@", text)


def telling_lines(lines: Sequence[str]) -> list[str]:
    """The last lines, and before them the last of those further up that speak of an error."""
    shown = [line for line in lines if line.strip()]
    early, late = shown[:-_TAIL_LINES], shown[-_TAIL_LINES:]
    return [*[line for line in early if _ERROR.search(line)][-_ERROR_LINES:], *late]


def find_program(name: str) -> str | None:
    """The program's path, looked for in PATH and in the administrator's folders, which a user's PATH often lacks."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)


def ignore_progress(line: str) -> None:
    """Hear nothing."""


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs programs. `sudo` is what goes before a command that needs root: empty for root, None where there is no way.

    `log` gets every command and everything that it prints.
    """

    sudo: tuple[str, ...] | None = ()
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def can_be_root(self) -> bool:
        """True if commands can be run as root."""
        return self.sudo is not None

    def run(
        self,
        command: Sequence[str],
        *,
        as_root: bool = False,
        timeout: float = 60.0,
        progress: Progress = ignore_progress,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end, without input; gives what it printed on both streams.

        `timeout` is in seconds; when it is over, the program and its children are killed.

        Raises:
            CommandError: it is not installed, cannot be run as root, failed, or took too long.
        """
        extra = {**self.environment, **(environment or {})}
        full = self._with_sudo(command, extra, timeout) if as_root else list(command)
        recent: deque[str] = deque(maxlen=_KEPT_LINES)
        lines: list[str] = []
        self._note(f"$ {shlex.join(command)}")
        if as_root:
            progress(f"$ {shown_command(command)}")
        for line, ending in _stream(full, {**os.environ, "PATH": _wide_path(), **extra}, timeout):
            if ending:
                self._note(f"[{ending}]")
                raise CommandError(command, ending, telling_lines(recent))
            shown = without_passwords(line)
            lines.append(line)
            recent.append(shown)
            self._note(shown)
            progress(shown)
        return "\n".join(lines)

    def _with_sudo(self, command: Sequence[str], extra: Mapping[str, str], timeout: float) -> list[str]:
        """The command for `sudo`, which drops the environment, and whose children only root can stop."""
        if self.sudo is None:
            raise CommandError(command, "needs root, and neither root nor sudo without a password is available")
        if not self.sudo:
            return list(command)
        variables = [f"{name}={value}" for name, value in extra.items()]
        return [*self.sudo, "env", *variables, "timeout", "--kill-after=5", f"{timeout:g}", *command]

    def _note(self, line: str) -> None:
        if self.log is None:
            return
        with contextlib.suppress(OSError):
            self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.log.open("a", encoding="utf-8") as file:
                file.write(without_passwords(line) + "\n")


def _wide_path() -> str:
    return ":".join(filter(None, [os.environ.get("PATH", ""), SYSTEM_PATH]))


def _stream(command: Sequence[str], env: Mapping[str, str], timeout: float) -> Iterator[tuple[str, str]]:
    """The program's lines, each with no ending; at last, if it did not end well, an ending with no line."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        yield "", f"could not be started: {error.strerror or error}"
        return
    expired = threading.Event()
    timer = threading.Timer(timeout, _kill_group, (process, expired))
    timer.start()
    try:
        assert process.stdout is not None  # noqa: S101 - Popen was given PIPE
        for line in process.stdout:
            yield line.rstrip("\r\n"), ""
        code = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill_group(process, expired)
    if expired.is_set():
        yield "", f"was stopped after {timeout:g} s"
    elif code:
        yield "", f"ended with exit code {code}" if code > 0 else f"was killed by signal {-code}"


def _kill_group(process: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def find_shell(
    root: bool,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    may_ask: bool = False,
) -> Shell:
    """A shell that can be root if this machine lets us: we are root, or sudo wants no password.

    With `may_ask`, sudo may ask for its password on the terminal, once, before anything is run.
    """
    extra = environment or {}
    if root:
        return Shell((), log, extra)
    sudo = shutil.which("sudo")
    if sudo is None:
        return Shell(None, log, extra)
    allowed = _sudo_allows(sudo, ask=False) or (may_ask and _sudo_allows(sudo, ask=True))
    return Shell((sudo, "-n") if allowed else None, log, extra)


def _sudo_allows(sudo: str, *, ask: bool) -> bool:
    if ask:
        return subprocess.run([sudo, "-v"], check=False).returncode == 0
    done = subprocess.run([sudo, "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0
