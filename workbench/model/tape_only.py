"""The model of a replay that only its tape may answer: it knows how a request would be sent, and sends none."""

from __future__ import annotations

from collections.abc import Callable

from workbench.jsontypes import JsonObject
from workbench.model.conversation import Delta, ModelError, Reply, Request, Retry
from workbench.model.parameters import parameters
from workbench.trace.events import ModelSource


class TapeOnlyModel:
    """Needs no key, no network and no SDK."""

    @property
    def source(self) -> ModelSource:
        """The tape."""
        return "tape"

    @property
    def endpoint(self) -> str | None:
        """There is none."""
        return None

    def parameters(self, request: Request) -> JsonObject:
        """What would be sent besides system, messages, tools and model."""
        return parameters(request.settings, request.max_tokens)

    async def respond(
        self, request: Request, on_delta: Callable[[Delta], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        """Refuse to.

        Raises:
            ModelError: always, of kind `tape`.
        """
        raise ModelError("This replay is answered by its tape alone; the model is not asked.", kind="tape")

    async def close(self) -> None:
        """There is nothing to give back."""
