"""What a command's exit code says."""

from workbench.trace.events import LIMIT_FAILURES, STOPPED_FAILURES, RunCompleted, RunFailed

DONE = 0
FAILED = 1
"""The run failed, or something that was checked is not right."""
USAGE = 2
"""The command line, the agent's files, or the machine do not allow to begin."""
LIMIT = 3
"""The run was ended by one of its limits: budget, fuse, timeout, max_iterations."""
INTERRUPTED = 130
"""The user stopped it."""


def of_run(end: RunCompleted | RunFailed) -> int:
    """The exit code for how a run ended."""
    if isinstance(end, RunCompleted):
        return DONE
    if end.error in STOPPED_FAILURES:
        return INTERRUPTED
    return LIMIT if end.error in LIMIT_FAILURES else FAILED
