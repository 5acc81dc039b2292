"""Which way a copied text goes. The programs are scripts that write what they are given to a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.tui import clipboard
from workbench.tui.clipboard import TERMINAL_LIMIT, copy_text

Programs = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Makes programs of these names, and leaves no others to be found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "platform", "linux")

    def make(*names: str, exit_code: int = 0) -> None:
        for name in names:
            script = folder / name
            script.write_text(
                f'#!/bin/sh\n/bin/cat > "{tmp_path}/{name}.got"\necho $@ > "{tmp_path}/{name}.args"\nexit {exit_code}\n'
            )
            script.chmod(0o755)

    return make


@pytest.mark.parametrize(
    ("present", "environment", "way"),
    [
        (["wl-copy", "xclip", "tmux"], {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0", "TMUX": "x"}, "wl-copy"),
        (["xclip"], {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "xclip"),
        (["xsel"], {"DISPLAY": ":0"}, "xsel"),
        (["xclip", "tmux"], {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, "terminal"),
        (["xclip", "tmux"], {"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4", "TMUX": "x"}, "tmux"),
        (["xclip"], {}, "terminal"),
        ([], {"DISPLAY": ":0", "TMUX": "x"}, "terminal"),
    ],
)
async def test_the_ways(
    programs: Programs, tmp_path: Path, present: list[str], environment: dict[str, str], way: str
) -> None:
    programs(*present)
    told: list[str] = []
    copied = await copy_text("ünï 漢字", told.append, environment)
    assert copied.way == way
    assert (told == ["ünï 漢字"]) == (way == "terminal")
    if way != "terminal":
        assert (tmp_path / f"{way}.got").read_text() == "ünï 漢字"
        assert str(copied) == f"6 characters copied with {way}"


async def test_tmux_tells_the_terminal_around_it(programs: Programs, tmp_path: Path) -> None:
    programs("tmux")
    await copy_text("x", None, {"TMUX": "x"})
    assert (tmp_path / "tmux.args").read_text().split() == ["load-buffer", "-w", "-"]


async def test_a_program_that_fails_is_passed_over(programs: Programs) -> None:
    programs("xclip", exit_code=1)
    told: list[str] = []
    assert (await copy_text("x", told.append, {"DISPLAY": ":0"})).way == "terminal"
    assert told == ["x"]


async def test_a_program_that_hangs_is_ended(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("xclip")
    (tmp_path / "bin" / "xclip").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(clipboard, "_SECONDS", 0.1)
    assert (await copy_text("x" * 1_000_000, lambda text: None, {"DISPLAY": ":0"})).way == "file"


async def test_what_is_too_long_for_a_terminal_goes_to_a_file(programs: Programs) -> None:
    told: list[str] = []
    text = "é" * (TERMINAL_LIMIT // 2) + "\ud800"
    copied = await copy_text(text, told.append, {})
    assert told == []
    assert copied.path is not None
    assert copied.path.read_text() == "é" * (TERMINAL_LIMIT // 2) + "?"
    assert copied.path.stat().st_mode & 0o077 == 0
    assert str(copied.path) in str(copied)
    copied.path.unlink()
