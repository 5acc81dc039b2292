"""What a request under way will probably cost, from the replies of its run so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from workbench.cost.meter import Meter
from workbench.cost.tokens import estimate_prompt_tokens
from workbench.cost.usage import Usage
from workbench.trace.events import ModelRequest

PriceOfReply = Callable[[Usage], Decimal | None]
"""What a reply of the run's model costs in USD, None when its price is unknown."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A request that has no reply yet, in USD: the most that it can cost and what it probably will, None if unknown."""

    worst_usd: Decimal | None
    expected_usd: Decimal | None = None


def estimate(meter: Meter, request: ModelRequest, price: PriceOfReply) -> Estimate:
    """The estimate of a request that follows what the meter has counted.

    Expected is a prompt of the last prompt, the last reply and what was added since, cached as the last one was, and
    a reply as long as the run's replies were on average. After a reply from tape the prompt cache is cold. Before the
    first reply nothing is expected: the length of a reply is anyone's guess then.
    """
    if not meter.steps:
        return Estimate(request.worst_case_usd)
    last = meter.steps[-1].usage
    replies = max(1, meter.replies + meter.tape_replies)
    output = (meter.usage.output_tokens + meter.tape_usage.output_tokens) // replies
    new = last.output_tokens + _added_tokens(request)
    written = last.cache_write_5m_tokens + last.cache_write_1h_tokens
    if not last.cache_read_tokens and not written:
        usage = Usage(input_tokens=last.total_input_tokens + new, output_tokens=output)
        return Estimate(request.worst_case_usd, price(usage))
    is_warm = not meter.steps[-1].from_tape
    read = last.total_input_tokens if is_warm else 0
    to_write = last.total_input_tokens + new - read
    for_an_hour = last.cache_write_1h_tokens > last.cache_write_5m_tokens
    usage = Usage(
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_5m_tokens=0 if for_an_hour else to_write,
        cache_write_1h_tokens=to_write if for_an_hour else 0,
    )
    return Estimate(request.worst_case_usd, price(usage))


def _added_tokens(request: ModelRequest) -> int:
    """Tokens of what is no reply of the model; the estimate for limits counts twice what prose and code have."""
    added = [message for message in request.messages_added if message.get("role") != "assistant"]
    return estimate_prompt_tokens((), added, ()) // 2
