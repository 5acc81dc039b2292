"""Problems of agent.yaml and offline.yaml on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from workbench.definition.problems import Problem, format_problem


def print_problems(problems: Sequence[Problem], stream: TextIO) -> None:
    """Write every problem, each with its place and source line."""
    for problem in problems:
        stream.write(format_problem(problem) + "\n")
    stream.flush()
