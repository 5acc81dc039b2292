from __future__ import annotations

from typing import Any

import pytest

from workbench.cost.usage import Usage
from workbench.model.usage_reading import merged_usage, read_usage


def test_all_kinds_are_read() -> None:
    usage: Any = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
        "output_tokens_details": {"thinking_tokens": 6},
        "server_tool_use": {"web_search_requests": 7, "web_fetch_requests": 8},
    }
    assert read_usage(usage) == Usage(1, 2, 3, 4, 5, 6, 7)


def test_without_a_split_a_write_is_for_five_minutes() -> None:
    assert read_usage({"cache_creation_input_tokens": 9}).cache_write_5m_tokens == 9


def test_a_revised_total_counts_more_than_the_split() -> None:
    usage: Any = {
        "cache_creation_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    }
    read = read_usage(usage)
    assert (read.cache_write_5m_tokens, read.cache_write_1h_tokens) == (80, 20)


@pytest.mark.parametrize("bad", [None, -3, "7", True, [], {}, float("inf"), float("nan"), 1e400])
def test_what_is_no_count_counts_nothing(bad: Any) -> None:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert read_usage({**dict.fromkeys(names, bad), "cache_creation": bad, "server_tool_use": bad}) == Usage()


def test_later_counts_replace_earlier_ones_and_absent_ones_do_not() -> None:
    merged = merged_usage({"input_tokens": 5, "output_tokens": 1}, {"input_tokens": None, "output_tokens": 8})
    assert merged == {"input_tokens": 5, "output_tokens": 8}
