"""The guard of the terminal: the screen runs in a child process, and whatever ends it, the terminal is as it was.

Code inside a process can put the terminal right after an error or a signal that it is told of. It cannot after a fault
of a library in C, or after SIGKILL; the parent can. It costs one sleeping process, forked before anything heavy is
imported.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import traceback
from collections.abc import Callable
from types import FrameType

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_MODES_OFF = ("?1000l", "?1002l", "?1003l", "?1006l", "?1015l", "?1016l", "?1004l", "?2004l", "?2048l", "?2026l")
RESTORE = "".join(f"\x1b[{mode}" for mode in (*_MODES_OFF, "<u", "?7h", "?1049l", "?25h", "0m"))
"""What gives a terminal back: no mouse, no reports, no pasted brackets, line wrap, the normal screen, a cursor."""

Screen = Callable[[int], int]
"""Draws until its end and gives an exit code. It is given a descriptor that is at its end once the guard has gone."""


def guarded(screen: Screen, farewell: str) -> int:
    """Run `screen` in a child of this process and give its exit code, 128+n if signal n ended it.

    TERM, HUP and INT are passed on to it; if it stops, this process stops with it, so that the shell's job control
    works. `farewell` is printed if it was killed.
    """
    saved = termios.tcgetattr(sys.stdin.fileno())
    watched, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        code = 1
        try:
            code = _exit_code(screen, watched)
        finally:
            # whatever happened: threads that still wait for something must not keep the process
            os._exit(code)
    os.close(watched)
    _forward_signals(child)
    code = _wait(child)
    if code < 0:
        _give_back(saved, f"the screen ended by {signal.Signals(-code).name}. {farewell}")
        return 128 - code
    return code


def _exit_code(screen: Screen, watched: int) -> int:
    try:
        code = screen(watched)
    except BaseException:
        with contextlib.suppress(OSError):
            traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


def _forward_signals(child: int) -> None:
    def forward(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def _wait(child: int) -> int:
    """The child's exit code, or -n if signal n ended it."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(os.getpid(), signal.SIGSTOP)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGCONT)


def _give_back(saved: list[int | list[bytes | int]], message: str) -> None:
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, saved)
        os.write(sys.stderr.fileno(), f"{RESTORE}\r\nworkbench: {message}\r\n".encode())
