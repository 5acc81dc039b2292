"""`workbench resume`: a run that was cut off goes on from its last complete step."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from workbench.commands.replay import settings_of
from workbench.commands.replaying import replaying
from workbench.engine.replay_request import ReplayRequest
from workbench.engine.rerun import resume_request
from workbench.trace.store import Store
from workbench.trace.tape import tape_of


def run(options: argparse.Namespace) -> int:
    """Resume the run and return the exit code of how it ended."""

    def request(folder: Path, run_id: str) -> ReplayRequest:
        with Store.open(folder, read_only=True) as store:
            resumed = resume_request(tape_of(store.events(run_id)))
        changed = {**resumed.edits.settings, **settings_of(options.set)}
        return replace(resumed, edits=replace(resumed.edits, settings=changed))

    return replaying(options, request, trigger="resume")
