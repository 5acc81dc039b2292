"""`workbench keep`: keeps a run as a case of its agent, with checks that `workbench test` holds against later runs."""

from __future__ import annotations

import argparse
import sys

from workbench.cases.case import CaseError
from workbench.cases.keeping import check_of, keep_run
from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.found_runs import store_with
from workbench.commands.problems import print_error, print_problems
from workbench.definition.problems import DefinitionError
from workbench.trace.errors import StoreError


def run(options: argparse.Namespace) -> int:
    """Keep the run and say which files were written."""
    try:
        checks = [check_of(text) for text in options.check]
        with store_with(options.run, options.agent) as (store, run_id):
            kept = keep_run(
                store.folder,
                list(store.events(run_id)),
                options.name,
                checks=checks,
                description=options.description,
                equals=options.equals,
                again=options.again,
            )
    except DefinitionError as error:
        print_problems(error.problems, sys.stderr)
        return USAGE
    except (CaseError, StoreError, OSError) as error:
        print_error(error)
        return USAGE
    for path in kept.files:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{kept.checks} checks; edit them there, commit the files with the agent, and run `workbench test`.")
    return DONE
