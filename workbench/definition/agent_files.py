"""The files and folders that agent.yaml names: they stay in the agent's folder, they are there, the prompt has text."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.definition.problems import Problem, nearest
from workbench.definition.yamlfile import YamlFile
from workbench.definition.yamltree import KeyPath

MAX_PROMPT = 1 << 20
"""The most bytes of a prompt file."""

HOSTED_PROMPT = 100_000
"""Characters of a system prompt that the hosted service takes (`AgentWithOverrides.system`, anthropic 2.12)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The system prompt, and the file that it was read from."""

    file: Path
    text: str


class FileProblems:
    """Reads what an agent.yaml in `folder` names, and collects what is wrong with it."""

    def __init__(self, yaml: YamlFile, folder: Path) -> None:
        self._yaml = yaml
        self._folder = folder
        self.problems: list[Problem] = []

    def prompt(self) -> Prompt | None:
        """The system prompt, None if it cannot be read."""
        key: KeyPath = ("system_prompt",)
        file = self._existing(key, "file")
        content = self._content(key, file) if file else None
        if file is None or content is None:
            return None
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            before = content[: error.start].decode("utf-8")
            self._in_prompt(file, f"the byte 0x{content[error.start]:02x} is not UTF-8", "UTF-8", before)
            return None
        if not text.strip("\ufeff \t\r\n"):
            self._in_prompt(file, "the prompt is empty", "text")
            return None
        if len(text) > HOSTED_PROMPT:
            message = f"the prompt has {len(text):,} characters, the hosted service takes {HOSTED_PROMPT:,}"
            self.problems.append(self._yaml.problem(key, message, severity="warning"))
        return Prompt(file, text.removeprefix("\ufeff"))

    def source(self) -> None:
        """Check the folder that is mounted at /source."""
        self._existing(("source",), "folder")

    def dockerfile(self) -> None:
        """Check the file that the image is built from."""
        self._existing(("container", "dockerfile"), "file")

    def _existing(self, key: KeyPath, kind: str) -> Path | None:
        """The file or folder that the value at `key` names, None if it cannot be used or nothing is named."""
        text = self._yaml.at(key)
        if not isinstance(text, str) or not text.strip():
            return None
        try:
            path = located(self._folder, text)
            mode = path.stat().st_mode if path else 0
        except (FileNotFoundError, NotADirectoryError):
            suggestion = self._nearest(text)
            self._at(key, f"there is no {kind} '{text}'", f"a {kind} in {self._folder}", suggestion)
            return None
        except (OSError, RuntimeError, ValueError):
            self._at(key, f"'{text}' cannot be followed to a {kind}", f"a {kind} that can be read")
            return None
        if path is None:
            self._at(key, f"'{text}' leads out of the agent's folder", "a place in the folder, or an absolute path")
        elif kind == "folder" and not stat.S_ISDIR(mode):
            self._at(key, f"'{text}' is no folder", "a folder")
        elif kind == "file" and not stat.S_ISREG(mode):
            self._at(key, f"'{text}' is no file", "a file")
        else:
            return path
        return None

    def _content(self, key: KeyPath, file: Path) -> bytes | None:
        try:
            with file.open("rb") as stream:
                content = stream.read(MAX_PROMPT + 1)
        except OSError as error:
            self._at(key, f"the file cannot be read: {error.strerror}", "a file that you may read")
            return None
        if len(content) > MAX_PROMPT:
            self._at(key, "the file is too large for a prompt", f"at most {MAX_PROMPT:,} bytes")
            return None
        return content

    def _nearest(self, text: str) -> str | None:
        """The path with its last name replaced by the nearest that is there."""
        parent = located(self._folder, str(PurePosixPath(text).parent))
        if parent is None or not parent.is_dir():
            return None
        name = nearest(PurePosixPath(text).name, sorted(entry.name for entry in parent.iterdir()))
        if name is None:
            return None
        head, slash, _ = text.rstrip("/").rpartition("/")
        return f"{head}{slash}{name}"

    def _at(self, key: KeyPath, message: str, expected: str, suggestion: str | None = None) -> None:
        self.problems.append(self._yaml.problem(key, message, expected=expected, suggestion=suggestion))

    def _in_prompt(self, file: Path, message: str, expected: str, before: str = "") -> None:
        lines: Sequence[str] = before.split("\n")
        self.problems.append(Problem(file, len(lines), len(lines[-1]) + 1, "", "", expected, None, message))


def located(folder: Path, text: str) -> Path | None:
    """The place that a path in agent.yaml means, symbolic links followed.

    An absolute path is taken as it is, any other is relative to the agent's `folder`; None if that one leads out of it.

    Raises:
        OSError, RuntimeError, ValueError: the path cannot be followed.
    """
    path = Path(text)
    resolved = (folder / path).resolve()
    if path.is_absolute() or resolved.is_relative_to(folder.resolve()):
        return resolved
    return None
