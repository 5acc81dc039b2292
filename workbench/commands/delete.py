"""`workbench delete`: deletes a run, and the snapshots that only it needed."""

from __future__ import annotations

import argparse
import sys

from workbench.commands.exit_codes import DONE, FAILED, USAGE
from workbench.commands.found_runs import store_with
from workbench.commands.problems import print_error
from workbench.trace.errors import StoreError
from workbench.trace.terminal import printable


def run(options: argparse.Namespace) -> int:
    """Delete the run, after a question unless the user said yes already."""
    from workbench.sitting.deleting import delete_run

    try:
        with store_with(options.run, options.agent) as (store, run_id):
            folder, summary = store.folder, store.run(run_id)
        if not options.yes and not _confirmed(f"delete run {run_id} ({printable(summary.input_gist[:60])})? [y/N] "):
            print("nothing was deleted", file=sys.stderr)
            return FAILED
        collected = delete_run(folder, run_id)
    except (StoreError, OSError, ValueError) as error:
        print_error(error)
        return USAGE
    print(f"deleted run {run_id}; {collected.snapshots} snapshots went with it, {collected.bytes:,} bytes")
    return DONE


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("nobody can be asked here; --yes deletes without a question")
    print(question, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
