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
    """Write what went wrong to standard error; a file that it quotes may hold anything, also terminal escapes."""
    sys.stderr.write(f"workbench: {printable(str(error), keep=chr(10))}\n")
