"""What a run may spend: budget and fuse, checked before each request with the most that it can cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from workbench.cost.fuse import FuseBlownError
from workbench.cost.tokens import GrowingEstimate
from workbench.cost.usage import Usage
from workbench.engine.stops import RunStoppedError
from workbench.engine.world import Clock, Fuse, Prices
from workbench.model.conversation import Reply, Request
from workbench.trace.events import ModelSource, Notice

NEAR = Decimal("0.8")
"""The share of the budget from which on a run says that its limit is near."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """A request that may be sent. `worst_case` is None where the model has no known price."""

    worst_case: Decimal | None
    reservation: int | None


class Spending:
    """The money of one run: what it has cost, and whether the next request may be sent."""

    def __init__(
        self,
        run_id: str,
        budget: Decimal | None,
        prices: Prices,
        fuse: Fuse | None,
        clock: Clock,
        notice: Callable[[Notice], None],
        spent_before: Decimal = Decimal(0),
    ) -> None:
        self._spent_before = spent_before
        self._run_id = run_id
        self._budget = budget
        self._prices = prices
        self._fuse = fuse
        self._clock = clock
        self._notice = notice
        self._estimate = GrowingEstimate()
        self._near_told = False
        self._unpriced_told = False
        self.usage = Usage()
        self.model_cost: Decimal | None = Decimal(0)

    def authorize(self, request: Request, source: ModelSource, runtime_cost: Decimal) -> Authorized:
        """Allow the request and set its worst case aside at the fuse.

        Raises:
            RunStoppedError: it could pass the budget or the fuse, or costs money at an unknown price.
        """
        prompt_tokens = self._estimate.prompt_tokens(request.system, request.messages, request.tools)
        worst = self._prices.worst_case(request.settings.id, prompt_tokens, request.max_tokens, self._clock.now())
        if worst is None:
            self._allow_unpriced(request.settings.id, source)
            return Authorized(None, None)
        self._check_budget(worst, runtime_cost, request.max_tokens)
        return Authorized(worst, self._reserve(worst))

    def settle(self, authorized: Authorized, model: str, reply: Reply) -> Decimal | None:
        """Book the reply to a request for `model` and return its cost in USD, None where the price is unknown."""
        if reply.origin != "live":
            return Decimal(0)
        cost = self._prices.cost(model, reply.usage, self._clock.now())
        self.usage = self.usage + reply.usage
        if cost is None or self.model_cost is None:
            self.model_cost = None
        else:
            self.model_cost += cost
        if self._fuse is not None and authorized.reservation is not None:
            self._fuse.settle(authorized.reservation, cost)
        return cost

    def release(self, authorized: Authorized, billed: bool) -> None:
        """Book a request that gave no reply: nothing where it was refused, its worst case where it broke off."""
        if self._fuse is not None and authorized.reservation is not None:
            self._fuse.settle(authorized.reservation, None if billed else Decimal(0))

    def _check_budget(self, worst: Decimal, runtime_cost: Decimal, max_tokens: int) -> None:
        if self._budget is None:
            return
        spent = self._spent_before + (self.model_cost or Decimal(0)) + runtime_cost
        if spent + worst > self._budget:
            raise RunStoppedError(
                "budget",
                f"The run has cost ${spent:.4f} and its next request could cost up to ${worst:.4f}, which would pass "
                f"the budget of ${self._budget}. Raise budget.usd, or lower model.max_tokens (now {max_tokens:,}).",
                {"spent_usd": str(spent), "worst_case_usd": str(worst), "budget_usd": str(self._budget)},
            )
        if spent + worst > self._budget * NEAR and not self._near_told:
            self._near_told = True
            self._notice(
                Notice(
                    "limit",
                    f"${spent:.4f} of the budget of ${self._budget} is spent; the next request could "
                    f"cost up to ${worst:.4f}",
                    "warning",
                )
            )

    def _reserve(self, worst: Decimal) -> int | None:
        if self._fuse is None:
            return None
        try:
            return self._fuse.reserve(self._run_id, worst)
        except FuseBlownError as error:
            raise RunStoppedError("fuse", str(error)) from error

    def _allow_unpriced(self, model: str, source: ModelSource) -> None:
        if source == "api":
            raise RunStoppedError(
                "budget",
                f"The price of {model} is not known, so neither the budget nor the fuse can be kept. Add the model to "
                "your own price list (see `workbench prices`), or use a model that is on it.",
            )
        if not self._unpriced_told:
            self._unpriced_told = True
            self._notice(
                Notice(
                    "limit",
                    f"the price of {model} is not known: its cost is shown as unknown, and budget and "
                    "fuse cannot stop it",
                    "warning",
                )
            )
