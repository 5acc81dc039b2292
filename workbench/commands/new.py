"""`workbench new`: an agent from the template, or a copy of a sample."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.problems import print_error
from workbench.definition.new_agent import NewAgentError, copy_sample, new_agent, samples


def run(options: argparse.Namespace) -> int:
    """Make the agent in this folder; without a name and a sample, say what samples there are."""
    try:
        if options.sample is not None:
            folder = copy_sample(options.sample, Path(), options.name)
        elif options.name is not None:
            folder = new_agent(options.name, Path())
        else:
            return _tell_samples()
    except NewAgentError as error:
        print_error(error)
        return USAGE
    print(f"{folder}/ is an agent now. Open it with `workbench {folder}`, or run it with `workbench run {folder}`.")
    return DONE


def _tell_samples() -> int:
    print("workbench new NAME makes an agent from a template; workbench new --sample NAME copies one of these:")
    for sample in samples():
        print(f"  {sample.name:<20} {sample.description}")
    return USAGE
