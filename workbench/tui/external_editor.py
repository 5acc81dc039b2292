"""The user's own editor: which program, and how it is made to wait until the file is closed."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

_WAITS: Mapping[str, str] = {
    "code": "--wait",
    "code-insiders": "--wait",
    "codium": "--wait",
    "cursor": "--wait",
    "windsurf": "--wait",
    "zed": "--wait",
    "zeditor": "--wait",
    "subl": "--wait",
    "atom": "--wait",
    "gedit": "--wait",
    "gnome-text-editor": "--standalone",
    "xed": "--wait",
    "mate": "--wait",
    "kate": "--block",
    "gvim": "--nofork",
    "mvim": "--nofork",
}
"""Programs with windows of their own return at once, unless they are told otherwise."""

_FALLBACKS = ("sensible-editor", "nano", "vim", "vi")
_LINE_FIRST = ("vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "hx", "kak", "gvim", "mvim", "joe", "ne")


class NoEditorError(Exception):
    """There is no editor to be had. `str` tells a person what to do."""


def editor_command(path: Path, environment: Mapping[str, str], line: int | None = None) -> Sequence[str]:
    """The command that opens `path` in the user's editor and ends when it is closed; at `line` where that is known.

    Raises:
        NoEditorError: neither VISUAL nor EDITOR is set, and none of the usual ones is installed; or it is no command.
    """
    chosen = environment.get("VISUAL") or environment.get("EDITOR") or next(filter(shutil.which, _FALLBACKS), None)
    if not chosen:
        raise NoEditorError("no editor: set EDITOR to one, such as EDITOR=nano, and open the workbench again")
    try:
        command = shlex.split(chosen)
    except ValueError as error:
        raise NoEditorError(f"EDITOR is not a command ({error}): {chosen!r}") from error
    if not command or shutil.which(command[0]) is None:
        raise NoEditorError(f"EDITOR names {chosen!r}, which is not installed")
    program = Path(command[0]).name
    flag = _WAITS.get(program)
    if flag is not None and flag not in command and "-w" not in command:
        command.append(flag)
    if line is not None and program in _LINE_FIRST:
        command.append(f"+{line}")
    return [*command, str(path)]
