"""One request to a model outside of any run, under the fuse of the sitting."""

from __future__ import annotations

from decimal import Decimal

from workbench.engine.limits import Spending
from workbench.model.conversation import Model, ModelError, Reply, Request

_UNBILLED_KINDS = frozenset({"connection", "authentication", "unsupported_setting"})


async def ask_once(model: Model, spending: Spending, request: Request) -> tuple[Reply, Decimal | None]:
    """The reply to one request and its cost in USD, None where the price is unknown.

    Raises:
        RunStoppedError: it could pass the fuse, or costs money at an unknown price; nothing was sent.
        ModelError: no reply was to be had.
    """
    authorized = spending.authorize(request, model.source, Decimal(0))
    try:
        reply = await model.respond(request, lambda delta: None, lambda retry: None)
    except ModelError as error:
        spending.release(authorized, billed=error.status is None and error.kind not in _UNBILLED_KINDS)
        raise
    except BaseException:
        spending.release(authorized, billed=True)
        raise
    return reply, spending.settle(authorized, request.settings.id, reply)
