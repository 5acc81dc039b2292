"""The SDK's own, private rules are the oracle of ours."""

from __future__ import annotations

import anthropic
import httpx2
from hypothesis import given
from hypothesis import strategies as st

from workbench.model.retries import pause, will_retry

CLIENT = anthropic.Anthropic(api_key="k", max_retries=5)

statuses = st.sampled_from([400, 401, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529])
header_sets = st.dictionaries(
    st.sampled_from(["x-should-retry", "retry-after", "retry-after-ms"]),
    st.sampled_from(["true", "false", "0.5", "12", "0", "-1", "soon", "1500", ""]),
)


@given(status=statuses, headers=header_sets)
def test_what_the_sdk_repeats(status: int, headers: dict[str, str]) -> None:
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("POST", "http://x"))
    assert will_retry(status, headers) is CLIENT._should_retry(response)


@given(taken=st.integers(0, 4), headers=header_sets)
def test_how_long_the_sdk_waits(taken: int, headers: dict[str, str]) -> None:
    options = anthropic._models.FinalRequestOptions(method="post", url="/")
    waited = CLIENT._calculate_retry_timeout(5 - taken, options, httpx2.Headers(headers))
    told = pause(headers, taken)
    assert 0.75 * told <= waited <= told


def test_a_date_to_wait_for_is_understood() -> None:
    assert pause({"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}, 0) > 1_000_000
    assert pause({"retry-after": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0) == 0.5
