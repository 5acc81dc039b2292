"""What an error means as the end of a run: the name, the words and the details that `run_failed` tells of it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from workbench.definition.references import UnsetVariableError
from workbench.engine.divergence import TapeEndedError
from workbench.engine.stops import RunStoppedError
from workbench.jsontypes import JsonValue
from workbench.model.conversation import ModelError
from workbench.sandbox.sandbox import SandboxError
from workbench.tools.toolbox import ToolboxError


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run has no answer. `error` is one of `FAILURES`, `message` tells a person what happened and what to do."""

    error: str
    message: str
    details: JsonValue = None
    stack_trace: str | None = None


def failure_of(error: Exception) -> Failure:
    """The failure that an error is; one that nobody foresaw is a mistake of ours and comes with its stack trace."""
    match error:
        case TapeEndedError():
            return Failure(error.error, str(error), error.details, error.stack_trace)
        case RunStoppedError():
            return Failure(error.error, str(error), error.details)
        case ModelError():
            return Failure("model_error", str(error), _details_of(error))
        case SandboxError():
            return Failure("sandbox", str(error))
        case ToolboxError():
            return Failure("tools", str(error), {"server": error.server})
        case UnsetVariableError():
            return Failure("definition", f"{error}; agent.yaml refers to it. Set it and run again.")
        case _:
            trace = "".join(traceback.format_exception(error))
            return Failure("internal", f"{type(error).__name__}: {error}", stack_trace=trace)


def timed_out(timeout: float) -> Failure:
    """The run took longer than its timeout, in seconds."""
    return Failure(
        "timeout",
        f"The run took longer than its timeout of {timeout:g} s. "
        "Raise timeout in agent.yaml, or make the task smaller.",
    )


def stopped(reason: str) -> Failure:
    """The run was cancelled, or its process asked to end."""
    return Failure(reason, "The run was stopped before it had an answer.")


def _details_of(error: ModelError) -> JsonValue:
    return {"kind": error.kind, "status": error.status, "request_id": error.request_id, "details": error.details}
