"""A YAML file with the place of everything in it: what agent.yaml and offline.yaml are read with."""

from __future__ import annotations

import re
import stat
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import yaml
from yaml.events import Event

from workbench.definition.masking import hide_credentials, hide_spans, hide_unparsed, is_private
from workbench.definition.problems import DefinitionError, Problem, nearest
from workbench.definition.yamlsyntax import explain
from workbench.definition.yamltree import KeyPath, Span, Tree, TreeError, build, too_deep
from workbench.jsontypes import JsonValue

MAX_LINE = 65_536
"""The most characters of one line."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(r"[^\r\n]+")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Position(NamedTuple):
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class YamlFile:
    """A YAML file that could be read: its plain `value`, and where each key and value stands."""

    path: Path
    text: str
    tree: Tree = field(repr=False)

    @property
    def value(self) -> JsonValue:
        """The plain value. Numbers with a fraction are `YamlFloat`, which keep the text that they were written as."""
        return self.tree.value

    def has(self, path: KeyPath) -> bool:
        """Whether there is a value at `path`."""
        return path in self.tree.values

    def at(self, path: KeyPath) -> JsonValue:
        """The plain value at `path`, None where there is none."""
        if not self.has(path):
            return None
        value: Any = self.value
        for part in path:
            value = value[part]
        return cast(JsonValue, value)

    def span(self, path: KeyPath, of: Literal["key", "value"] = "value") -> Span:
        """The characters of the key or value at `path`; of the nearest value around it where there is none."""
        if of == "key" and path in self.tree.keys:
            return self.tree.keys[path]
        while path not in self.tree.values:
            path = path[:-1]
        return self.tree.values[path]

    def position(self, path: KeyPath, of: Literal["key", "value"] = "value") -> Position:
        """Where the key or value at `path` begins; the nearest value around it where there is none."""
        return self.position_of(self.span(path, of).start)

    def position_of(self, index: int) -> Position:
        """The position of a character of `text`."""
        return _position(self._starts, index)

    def index_of(self, path: KeyPath, part: str) -> int:
        """The character at which `part` of the text at `path` stands; its beginning where quoting hides the part."""
        span = self.span(path)
        index = self.text.find(part, span.start, span.end)
        return span.start if index < 0 else index

    def problem(
        self,
        path: KeyPath,
        message: str,
        *,
        found: str = "",
        expected: str = "",
        suggestion: str | None = None,
        severity: Literal["error", "warning"] = "error",
        of: Literal["key", "value"] = "value",
        index: int | None = None,
    ) -> Problem:
        """A problem with the key or value at `path`, or with the character `index` of the text."""
        line, column = self.position(path, of) if index is None else self.position_of(index)
        found, expected, message = (hide_credentials(text) for text in (found, expected, message))
        suggestion = hide_credentials(suggestion) if suggestion else None
        source = self.shown_lines[line - 1]
        return Problem(self.path, line, column, where(path), found, expected, suggestion, message, severity, source)

    @cached_property
    def shown_lines(self) -> Sequence[str]:
        """The lines of the file with everything hidden that may be secret."""
        spans = [(span.start, span.end) for path, span in self.tree.values.items() if self._hidden(path)]
        spans += [(span.start, span.end) for path, span in self.tree.keys.items() if self._hidden_key(path)]
        return [hide_credentials(line) for line in _NEWLINE.split(hide_spans(self.text, spans))]

    def _hidden(self, path: KeyPath) -> bool:
        return is_private(path) and not isinstance(self.at(path), dict | list)

    def _hidden_key(self, path: KeyPath) -> bool:
        return is_private(path[:-1]) and self.at(path) is None

    @cached_property
    def _starts(self) -> Sequence[int]:
        return _line_starts(self.text)


def where(path: KeyPath) -> str:
    """The path as it is shown: `mcp_servers[2].url`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            shown += f'["{part}"]'
    return hide_credentials(shown)


def read_yaml(path: Path, max_bytes: int = 1 << 20) -> YamlFile:
    """Read a YAML file of at most `max_bytes` bytes, in the core schema of YAML 1.2 (see `yamltree`).

    Raises:
        DefinitionError: there is no such file, or it is not UTF-8 text, not YAML, or passes a limit.
    """
    return parse_yaml(path, _read(path, max_bytes))


def parse_yaml(path: Path, content: bytes) -> YamlFile:
    """Parse the content of a YAML file; `path` is only its name.

    Raises:
        DefinitionError: it is not UTF-8 text, not YAML, or passes a limit.
    """
    text = _decode(path, content)
    faults: Sequence[TreeError] = [TreeError(0, "the file is empty", "keys and values, such as name: my-agent")]
    try:
        tree = build(_events(text))
        if tree is not None and not tree.faults:
            return YamlFile(path, text, tree)
        faults = tree.faults if tree else faults
    except TreeError as error:
        faults = [error]
    except yaml.MarkedYAMLError as error:
        fault = explain(error, text)
        faults = [TreeError(fault.start, fault.message, fault.expected)]
        if "nesting depth" in fault.message:  # the limit of some builds of the parser, told in its words
            faults = [too_deep(fault.start)]
    raise DefinitionError(_problems(path, text, faults))


def _missing(path: Path) -> DefinitionError:
    """The problem that `path` is not there, with the nearest name that is."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return _refused(path, "there is no such folder", "the path of a file")
    problem = Problem(path, 1, 1, "", "", "the path of a file", nearest(path.name, names), "there is no such file")
    return DefinitionError([problem])


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _refused(path, "this is a folder", "a file")
        if not stat.S_ISREG(mode):
            raise _refused(path, "this is a device or a pipe", "a file")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(path) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _refused(path, f"the file cannot be read: {reason or 'bad name'}", "a file that you may read") from None
    if len(content) > max_bytes:
        raise _refused(path, "the file is too large", f"at most {max_bytes:,} bytes")
    return content


def _decode(path: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(path, "the file is UTF-16", "UTF-8 without a byte order mark")
    if content.startswith(b"\xef\xbb\xbf"):
        raise _refused(path, "the file begins with a byte order mark", "UTF-8 without a byte order mark")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        text = content[: error.start].decode("utf-8")
        fault = TreeError(len(text), f"the byte 0x{content[error.start]:02x} is not UTF-8", "UTF-8")
        raise DefinitionError(_problems(path, text, [fault])) from None
    odd = _NOT_TEXT.search(text)
    if odd:
        fault = TreeError(odd.start(), f"the character U+{ord(odd[0]):04X} cannot stand in YAML", 'an escape in "…"')
        raise DefinitionError(_problems(path, text, [fault]))
    for line in _LINE.finditer(text):
        if line.end() - line.start() > MAX_LINE:
            message = f"the line has {line.end() - line.start():,} characters"
            fault = TreeError(line.start(), message, f"at most {MAX_LINE:,} characters in a line")
            raise DefinitionError(_problems(path, text, [fault]))
    return text


def _events(text: str) -> Iterator[Event]:
    parser = _PARSER(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _line_starts(text: str) -> Sequence[int]:
    return [0, *(match.end() for match in _NEWLINE.finditer(text))]


def _position(starts: Sequence[int], index: int) -> Position:
    line = bisect_right(starts, index)
    return Position(line, index - starts[line - 1] + 1)


def _problems(path: Path, text: str, faults: Sequence[TreeError]) -> list[Problem]:
    starts, lines = _line_starts(text), hide_unparsed(_NEWLINE.split(text))
    problems = []
    for fault in faults:
        line, column = _position(starts, fault.start)
        source = lines[line - 1]
        problems.append(Problem(path, line, column, "", "", fault.expected, None, fault.message, source=source))
    return problems


def _refused(path: Path, message: str, expected: str) -> DefinitionError:
    return DefinitionError([Problem(path, 1, 1, "", "", expected, None, message)])
