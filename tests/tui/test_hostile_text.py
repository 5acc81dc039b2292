"""What reaches a real terminal when everything on the screen is hostile text."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

OUR_OWN = re.compile(
    rb"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]"  # CSI: cursor, colours, modes
    rb"|\x1b[=>78]|\x1bP[^\x1b]*\x1b\\|\x1b_G[^\x1b]*\x1b\\"  # keypad, requests to the terminal at the start
    rb"|\x1b\]22;[a-z-]*\x07"  # the shape of the pointer
)
ROOT = Path(__file__).parents[2]


def painted(*arguments: str) -> bytes:
    """All that the screen writes until it has painted everything, and ends."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tests.tui.hostile_screen", *arguments],
        cwd=str(ROOT),
        dimensions=(50, 120),
        env={**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
        timeout=30,
    )
    got, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        try:
            got += child.read_nonblocking(65_536, timeout=0.5)
        except pexpect.TIMEOUT:
            pass
        except pexpect.EOF:
            break
        if b"painted-last" in got:
            child.send("\x11")
    child.close(force=True)
    assert b"painted-last" in got
    return got


def test_no_control_of_a_hostile_text_reaches_the_terminal() -> None:
    got = painted()
    assert got.count(b"PWNED") >= 5  # row, expansion, two streams, detail, query
    rest = OUR_OWN.sub(b"", got).decode("utf-8")
    assert "\x1b" not in rest, rest[max(0, rest.find("\x1b") - 40) : rest.find("\x1b") + 40]
    assert not re.search(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rest)


@pytest.mark.parametrize("sequence", [b"\x1b]2;PWNED\x1b\\", b"\x1b]52;c;UFdORUQ="])
def test_without_the_filter_it_would(sequence: bytes) -> None:
    """Guards the test above: the text is dangerous, and reading what reaches the terminal shows it."""
    assert sequence in painted("unsafe")
