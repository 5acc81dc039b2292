"""`workbench check`: every problem of an agent's files at once."""

from __future__ import annotations

import argparse
import os
import sys

from workbench.commands.exit_codes import DONE, FAILED
from workbench.commands.problems import print_problems
from workbench.definition.loader import check_agent
from workbench.definition.problems import DefinitionError, Problem, in_order
from workbench.model.access import model_access
from workbench.model.offline_loader import load_offline
from workbench.model.offline_script import FILE_NAME


def run(options: argparse.Namespace) -> int:
    """Print the problems of agent.yaml, its prompt and its offline.yaml, and whether the agent can run."""
    folder = options.agent if options.agent.is_dir() else options.agent.parent
    offline_problems: list[Problem] = []
    answered: frozenset[str] = frozenset()
    if (folder / FILE_NAME).exists():
        try:
            script = load_offline(folder)
        except DefinitionError as error:
            offline_problems = list(error.problems)
        else:
            answered = frozenset() if model_access(os.environ).possible else frozenset(script.routes)
    report = check_agent(options.agent, os.environ, answered)
    problems = in_order([*report.problems, *offline_problems])
    print_problems(problems, sys.stdout)
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    if errors or report.agent is None:
        print(
            f"{errors} {'error' if errors == 1 else 'errors'}, {warnings} {'warning' if warnings == 1 else 'warnings'}"
        )
        return FAILED
    definition = report.agent.definition
    servers = ", ".join(server.name for server in definition.servers) or "none"
    print(
        f"{definition.name} can run: {definition.model.id}, servers: {servers}, "
        f"digest {definition.digest[:12]}" + (f", {warnings} warnings" if warnings else "")
    )
    return DONE
