"""Making an agent's folder: from the template, or as a copy of a sample agent."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import workbench

_PACKAGE = Path(workbench.__file__).parent
_TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
_DESCRIPTION = re.compile(r"^description:\s*(.+)$", re.MULTILINE)
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__")


class NewAgentError(Exception):
    """The agent cannot be made. `str` tells a person why and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample agent that can be copied."""

    name: str
    description: str
    folder: Path


def samples() -> Sequence[Sample]:
    """The sample agents that came with the workbench, by name; in a checkout those of its `sample_agents/`."""
    for folder in (_PACKAGE / "samples", _PACKAGE.parent / "sample_agents"):
        if folder.is_dir():
            return [_sample(file.parent) for file in sorted(folder.glob("*/agent.yaml"))]
    return ()


def copy_sample(name: str, parent: Path, as_name: str | None = None) -> Path:
    """Copy a sample agent into a new folder in `parent` and give that folder.

    Raises:
        NewAgentError: there is no such sample, the folder exists, or it cannot be written.
    """
    known = {sample.name: sample for sample in samples()}
    if name not in known:
        raise NewAgentError(f"there is no sample {name!r}; there are: {', '.join(known) or 'none'}")
    folder = _free(parent, as_name or name)
    try:
        shutil.copytree(known[name].folder, folder, ignore=_NOT_COPIED)
    except OSError as error:
        raise NewAgentError(f"cannot copy to {folder}: {error.strerror or error}") from error
    return folder


def new_agent(name: str, parent: Path) -> Path:
    """Make the agent `name` from the template, in a new folder of that name in `parent`, and give that folder.

    Raises:
        NewAgentError: the name cannot be one, the folder exists, or it cannot be written.
    """
    folder = _free(parent, name)
    try:
        shutil.copytree(_TEMPLATE, folder)
        definition = folder / "agent.yaml"
        definition.write_text(definition.read_text(encoding="utf-8").replace("NAME", name, 1), encoding="utf-8")
    except OSError as error:
        raise NewAgentError(f"cannot write {folder}: {error.strerror or error}") from error
    return folder


def _free(parent: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise NewAgentError(
            f"{name!r} cannot be an agent's name: it begins with a letter or digit and has at most 64 letters, digits, "
            "dots, hyphens and underscores"
        )
    folder = parent / name
    if folder.exists():
        raise NewAgentError(f"{folder} exists already; choose another name")
    return folder


def _sample(folder: Path) -> Sample:
    described = _DESCRIPTION.search((folder / "agent.yaml").read_text(encoding="utf-8"))
    return Sample(folder.name, described[1].strip("\"'") if described else "", folder)
