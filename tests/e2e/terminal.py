"""The program in a real terminal: a pty, what it shows as text, keys, signals, and what it left of the terminal."""

from __future__ import annotations

import os
import re
import signal
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]
import pyte

from tests.e2e.conftest import clean_environment, command

KEYS: Mapping[str, str] = {
    "enter": "\r",
    "escape": "\x1b",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "f1": "\x1bOP",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "f7": "\x1b[18~",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}

# what the emulator does not know: private sequences with < = >, requests for modes, strings of DCS and OSC
_UNKNOWN = re.compile(
    rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[\?u|\x1bP[^\x1b]*\x1b\\|\x1b\]\d+;[^\x07]*\x07"
)
_PATIENCE = 30.0


class Terminal:
    """The program on a terminal of some size. Everything waits for a condition, never for a time."""

    def __init__(self, child: Any, width: int, height: int) -> None:
        self.child = child
        self.raw = b""
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.before = termios.tcgetattr(child.child_fd)

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the cursor is: column and row, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def read(self, seconds: float = 0.05) -> bool:
        """Take what the program wrote; False once it has gone."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(_UNKNOWN.sub(b"", data))
        return True

    def wait(self, condition: Callable[[str], object], seconds: float = _PATIENCE) -> str:
        """Wait until the shown text fulfils a condition, and give the text."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if condition(self.text):
                return self.text
            if not self.read():
                break
        assert condition(self.text), f"not what was waited for; the terminal shows:\n{self.text}"
        return self.text

    def see(self, *texts: str, seconds: float = _PATIENCE) -> str:
        """Wait until all these texts are shown."""
        return self.wait(lambda shown: all(text in shown for text in texts), seconds)

    def unsee(self, text: str) -> str:
        """Wait until a text is no longer shown."""
        return self.wait(lambda shown: text not in shown)

    def press(self, *keys: str) -> None:
        """Press keys by name; a name that is none is typed."""
        for key in keys:
            self.child.send(KEYS.get(key, key))

    def resize(self, width: int, height: int) -> None:
        """Make the terminal another size."""
        self._screen.resize(height, width)
        self.child.setwinsize(height, width)

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        self.child.ptyproc.fileobj.close()

    @property
    def screen_process(self) -> int:
        """The id of the process that draws; the program's first process guards the terminal."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        return int(children.read_text().split()[0])

    def ended(self) -> int:
        """Read to the end and give the exit code, 128+n for a signal."""
        until = time.monotonic() + _PATIENCE
        while self.read(0.2):
            assert time.monotonic() < until, f"the program does not end; the terminal shows:\n{self.text}"
        self.child.wait()
        if self.child.exitstatus is not None:
            return int(self.child.exitstatus)
        return 128 + int(self.child.signalstatus or 0)

    def assert_restored(self) -> None:
        """The terminal is as it was: normal screen, a cursor, no mouse, and its modes."""
        for given, taken in (
            (b"?1049h", b"?1049l"),
            (b"?25l", b"?25h"),
            (b"?1003h", b"?1003l"),
            (b"?2004h", b"?2004l"),
        ):
            assert self.raw.rfind(taken) > self.raw.rfind(given), f"{taken!r} is missing after {given!r}"


def _environment(home: Path) -> dict[str, str]:
    return {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TEXTUAL_ANIMATIONS": "none",
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
    }


@contextmanager
def terminal(
    *arguments: str | Path, width: int = 120, height: int = 40, home: Path, **environment: str
) -> Iterator[Terminal]:
    """The program with these arguments; `home` is where it keeps its state and its settings."""
    start, *rest = command(*arguments)
    child = pexpect.spawn(
        start,
        rest,
        dimensions=(height, width),
        env=clean_environment(**{**_environment(home), **environment}),
        timeout=_PATIENCE,
    )
    child.delaybeforesend = None
    shown = Terminal(child, width, height)
    try:
        yield shown
    finally:
        if child.isalive():
            child.kill(signal.SIGKILL)
        child.close(force=True)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], object], seconds: float = _PATIENCE) -> None:
    """Wait for a condition that no terminal shows."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        os.sched_yield()
        time.sleep(0.01)
