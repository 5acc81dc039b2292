"""The inputs that an agent's folder offers: files under `inputs/`, chosen by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

FOLDER = "inputs"
MAX_BYTES = 4 * 1024 * 1024


class InputError(Exception):
    """The input that was asked for is not there. `str` tells a person what there is."""


def offered_inputs(folder: Path) -> Sequence[Path]:
    """The agent's input files by name, hidden ones left out."""
    inputs = folder / FOLDER
    if not inputs.is_dir():
        return ()
    return sorted(path for path in inputs.iterdir() if path.is_file() and not path.name.startswith("."))


def resolve_input(folder: Path, wanted: str | None, standard_input: str | None = None) -> str:
    """The text of the input that `wanted` names.

    None takes the first offered input, `@FILE` a file, `-` the standard input, the name of an offered input (its ending
    may be left out) that input; anything else is the input itself.

    Raises:
        InputError: nothing is offered, there is no standard input, or the file cannot be read as text.
    """
    offered = offered_inputs(folder)
    if wanted is None:
        if not offered:
            raise InputError(f"no input: give --input TEXT, --input @FILE, or put files into {folder / FOLDER}/")
        return _read(offered[0])
    if wanted == "-":
        if standard_input is None:
            raise InputError("`-` is the standard input, and nobody reads it here; give text or @FILE")
        return standard_input
    if wanted.startswith("@"):
        return _read(_existing(Path(wanted[1:]), offered))
    for path in offered:
        if wanted in (path.name, path.stem):
            return _read(path)
    return wanted


def _existing(path: Path, offered: Sequence[Path]) -> Path:
    if path.is_file():
        return path
    near = difflib.get_close_matches(path.name, [p.name for p in offered], n=1)
    hint = f"; did you mean --input {near[0]}?" if near else ""
    raise InputError(f"there is no file {path}{hint}")


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise InputError(f"{path} has {len(data):,} bytes; an input may have {MAX_BYTES:,}")
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
