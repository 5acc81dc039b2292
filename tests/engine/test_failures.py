"""Errors of others as the end of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.scripted_world import ScriptedModel, Stage, Turn
from workbench.model.conversation import Delta, Reply, Request, Retry
from workbench.trace.events import RunFailed


@pytest.mark.parametrize("error", [TimeoutError("a socket's own"), KeyError("foreseen by nobody")])
def test_an_error_that_nobody_foresaw_is_the_end_that_the_trace_has(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def respond(
        self: ScriptedModel, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        raise error

    monkeypatch.setattr(ScriptedModel, "respond", respond)
    played = Stage([Turn("never said")]).run()
    failed = played.events[-1].data
    assert isinstance(failed, RunFailed)
    assert failed.error == "internal"
    assert failed.message.startswith(type(error).__name__)
    assert "in respond" in (failed.stack_trace or "")
