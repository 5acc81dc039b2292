"""Problems and errors on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from workbench.definition.problems import Problem, format_problem
from workbench.trace.terminal import printable


def print_problems(problems: Sequence[Problem], stream: TextIO) -> None:
    """Write every problem, each with its place and source line."""
    for problem in problems:
        stream.write(format_problem(problem) + "\n")
    stream.flush()


def print_error(error: Exception) -> None:
    """Write what went wrong to standard error; a file that it quotes may hold anything, also terminal escapes.

    Raises:
        BrokenPipeError: it is the error. Whoever read the output has enough, which is nobody's mistake.
    """
    if isinstance(error, BrokenPipeError):
        raise error
    sys.stderr.write(f"workbench: {printable(_told(error), keep=chr(10))}\n")


def _told(error: Exception) -> str:
    """What the error says; of one that the system gave, the file and the reason without its number."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
