"""`workbench fuse`: what this sitting has spent, and a new sitting."""

from __future__ import annotations

import argparse

from workbench.commands.agent_folder import agent_folder
from workbench.commands.exit_codes import DONE, USAGE
from workbench.commands.problems import print_error
from workbench.cost.amounts import usd
from workbench.cost.fuse import DEFAULT_LIMIT_USD, Fuse, FuseStatus
from workbench.trace.errors import StoreError


def run(options: argparse.Namespace) -> int:
    """Print or reset the sitting's spending, for real money and for the offline script's."""
    try:
        folder = agent_folder(options.agent)
        for kind in ("live", "offline"):
            fuse = Fuse.open(folder, DEFAULT_LIMIT_USD, "live" if kind == "live" else "offline")
            try:
                if options.reset:
                    fuse.reset()
                print(_line(kind, fuse.status()))
            finally:
                fuse.close()
    except StoreError as error:
        print_error(error)
        return USAGE
    return DONE


def _line(kind: str, status: FuseStatus) -> str:
    reserved = f", {usd(status.reserved)} set aside for requests under way" if status.reserved else ""
    return f"{kind:<8} {usd(status.spent)} of {usd(status.limit)} spent{reserved}"
