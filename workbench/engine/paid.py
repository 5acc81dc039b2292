"""Asks a model for what was authorized, and books what that has cost, also where it gave no reply."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from workbench.engine.limits import Authorized, Spending
from workbench.model.conversation import Delta, Model, ModelError, Reply, Request, Retry

_UNBILLED_KINDS = frozenset({"connection", "authentication", "unsupported_setting"})


async def paid_reply(
    model: Model,
    request: Request,
    spending: Spending,
    authorized: Authorized,
    on_delta: Callable[[Delta], None] = lambda delta: None,
    on_retry: Callable[[Retry], None] = lambda retry: None,
) -> tuple[Reply, Decimal | None]:
    """The reply and its cost in USD, None where the price is unknown.

    A request that was refused costs nothing. One that broke off, or was cancelled, may have been billed: it counts with
    the most that it can have cost.

    Raises:
        ModelError: no reply was to be had.
    """
    try:
        reply = await model.respond(request, on_delta, on_retry)
    except ModelError as error:
        spending.release(authorized, billed=error.status is None and error.kind not in _UNBILLED_KINDS)
        raise
    except BaseException:
        spending.release(authorized, billed=True)
        raise
    return reply, spending.settle(authorized, request.settings.id, reply)
