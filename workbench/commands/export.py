"""`workbench export`: a run's whole trace on standard output."""

from __future__ import annotations

import argparse
import sys

from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.found_runs import store_with
from workbench.commands.problems import print_error
from workbench.trace.errors import StoreError
from workbench.trace.export import export_jsonl


def run(options: argparse.Namespace) -> int:
    """Print one event a line."""
    try:
        with store_with(options.run, options.agent) as (store, run_id):
            for line in export_jsonl(store, run_id):
                sys.stdout.write(line.rstrip("\n") + "\n")
    except StoreError as error:
        print_error(error)
        return USAGE
    return DONE
