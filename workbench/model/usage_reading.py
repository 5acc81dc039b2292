"""From the usage of a reply, as the wire has it, to the token counts that are priced."""

from __future__ import annotations

from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.model.reading import as_count, as_object


def merged_usage(earlier: JsonObject, later: JsonObject) -> JsonObject:
    """Usage counts of a stream are cumulative: a later one replaces an earlier one, an absent one leaves it."""
    return {**earlier, **{name: value for name, value in later.items() if value is not None}}


def read_usage(usage: JsonObject) -> Usage:
    """The counts of a reply. What a compatible server leaves out counts 0.

    Cache writes come as a total and, on the vendor's API, split by lifetime. The total may be revised at the end of a
    stream and the split not: what the split does not explain is taken as written for 5 minutes, the default.
    """
    written = as_count(usage.get("cache_creation_input_tokens"))
    split = as_object(usage.get("cache_creation"))
    for_5m = as_count(split.get("ephemeral_5m_input_tokens"))
    for_1h = as_count(split.get("ephemeral_1h_input_tokens"))
    if written:
        for_1h = min(for_1h, written)
        for_5m = written - for_1h
    return Usage(
        input_tokens=as_count(usage.get("input_tokens")),
        output_tokens=as_count(usage.get("output_tokens")),
        cache_read_tokens=as_count(usage.get("cache_read_input_tokens")),
        cache_write_5m_tokens=for_5m,
        cache_write_1h_tokens=for_1h,
        thinking_tokens=as_count(as_object(usage.get("output_tokens_details")).get("thinking_tokens")),
        web_searches=as_count(as_object(usage.get("server_tool_use")).get("web_search_requests")),
    )
