"""What is wrong with a file that the user wrote, and how it is shown: like a good compiler shows it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

_SHOWN_WIDTH = 100
"""The most characters of a source line that are shown around a problem."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file.

    `line` and `column` count from 1; 1:1 where the file as a whole is meant. `where` is the place in the document, such
    as `mcp_servers[2].url`, empty for the whole. `found` and `expected` may be empty. `suggestion` is what the user
    probably meant. `source` is the line of the file, as it may be shown. No field ever holds a header's value, a
    variable's value or anything else that may be secret.
    """

    file: Path
    line: int
    column: int
    where: str
    found: str
    expected: str
    suggestion: str | None
    message: str
    severity: Literal["error", "warning"] = "error"
    source: str = ""

    @property
    def headline(self) -> str:
        """File, line, column, severity, place and message on one line."""
        place = f"{self.where}: " if self.where else ""
        return printable(f"{self.file}:{self.line}:{self.column}: {self.severity}: {place}{self.message}")


class DefinitionError(Exception):
    """A file of an agent cannot be used. `problems` are all that were found, warnings included, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.headline for problem in problems))
        self.problems = tuple(problems)


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """The problems in the order of the files and of the places in them, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (str(problem.file), problem.line, problem.column))


def format_problem(problem: Problem, source_lines: Sequence[str] | None = None) -> str:
    """The problem for a terminal without colours: headline, source line with a caret, what was found and expected.

    Args:
        problem: What to show.
        source_lines: The lines of the problem's file, free of secrets; None shows the problem's own `source`.
    """
    rows = [problem.headline]
    source = problem.source
    if source_lines is not None and problem.line <= len(source_lines):
        source = source_lines[problem.line - 1]
    if source.strip():
        rows += _source_rows(problem, source)
    if problem.found and printable(problem.found) not in problem.headline:
        rows.append(f"    found: {printable(problem.found)}")
    if problem.expected and printable(problem.expected) not in problem.headline:
        rows.append(f"    expected: {printable(problem.expected)}")
    if problem.suggestion:
        rows.append(f"    did you mean '{printable(problem.suggestion)}'?")
    return "\n".join(rows)


def format_problems(problems: Sequence[Problem]) -> str:
    """All problems as `format_problem` shows them, with an empty line between two."""
    return "\n\n".join(format_problem(problem) for problem in problems)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name of `known` that the user probably meant by `name`, None if none is close. Case does not count.

    `cutoff` is how alike they must be, from 0 (not at all) to 1 (the same).
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else None


def printable(text: str) -> str:
    """The text with what a terminal could obey (control, bidirectional and private characters) written as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def _source_rows(problem: Problem, line: str) -> list[str]:
    """The source line, cut to a window around the problem's column, and the caret below it."""
    column = min(problem.column, len(line) + 1) - 1
    start = 0 if column < _SHOWN_WIDTH * 3 // 4 else column - _SHOWN_WIDTH // 2
    head = ("…" if start else "") + _flat(line[start:column])
    tail = _flat(line[column : start + _SHOWN_WIDTH]) + ("…" if start + _SHOWN_WIDTH < len(line) else "")
    number = f"{problem.line:>5} | "
    return [f"{number}{head}{tail}", f"{' ' * (len(number) - 2)}| {' ' * _cells(head)}^"]


def _flat(text: str) -> str:
    return printable(text.replace("\t", "    "))


def _cells(text: str) -> int:
    """How many terminal cells the text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
