"""The SDK's retries, made visible: it retries by itself and tells nobody, so its attempts are watched.

A middleware of the SDK runs once per HTTP attempt. Whether the SDK will try again, and after how long, follows the
rules of its `_base_client`: `x-should-retry`, then 408, 409, 429 and 5xx, and any failed connection; the pause is
`retry-after-ms` or `retry-after`, else 0.5 s doubled each time up to 8 s, shortened by up to a quarter at random.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.model.conversation import Retry

if TYPE_CHECKING:
    from anthropic import APIRequest, AsyncAPIResponse, AsyncCallNext

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_LONGEST_ASKED = 4_294_967.0
_REASONS = {408: "timed out", 409: "conflict", 429: "rate limited", 529: "overloaded"}


class Attempts:
    """Counts the HTTP attempts of one reply and tells of each that will be repeated.

    `sent` is how many there were, `began` the clock's reading at the start of the last.
    """

    def __init__(self, max_retries: int, clock: Callable[[], float], on_retry: Callable[[Retry], None]) -> None:
        self.sent = 0
        self.began = clock()
        self._max_retries = max_retries
        self._clock = clock
        self._on_retry = on_retry

    async def watch(self, request: APIRequest, call_next: AsyncCallNext) -> AsyncAPIResponse[Any]:
        """The middleware: passes the attempt on, unchanged."""
        from anthropic import APIConnectionError

        self.sent += 1
        self.began = self._clock()
        left = self._max_retries - request.retries_taken
        try:
            response = await call_next(request)
        except APIConnectionError as error:
            if left > 0:
                self._tell(_connection_reason(error), pause({}, request.retries_taken))
            raise
        if left > 0 and will_retry(response.status_code, response.headers):
            reason = f"{_REASONS.get(response.status_code, 'failed')} ({response.status_code})"
            self._tell(reason, pause(response.headers, request.retries_taken))
        return response

    def again(self, reason: str, delay: float) -> None:
        """Tell of a repetition that is ours, not the SDK's."""
        self._tell(reason, delay)

    def _tell(self, reason: str, delay: float) -> None:
        self._on_retry(Retry(self.sent, reason, delay))


def will_retry(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the SDK repeats a request that was answered so."""
    said = headers.get("x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return status in (408, 409, 429) or status >= 500


def pause(headers: Mapping[str, str], retries_taken: int) -> float:
    """Seconds until the SDK's next attempt; where the server does not say how long, the most that it can be."""
    asked = _asked_for(headers)
    if asked is not None and asked > 0:
        return min(asked, _LONGEST_ASKED)
    return min(_FIRST_PAUSE * 2.0 ** min(retries_taken, 30), _LONGEST_PAUSE)


def _asked_for(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: the first of its headers that can be read."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = _number(headers.get("retry-after"))
    if seconds is not None:
        return seconds
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return None if date is None else email.utils.mktime_tz(date) - time.time()


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _connection_reason(error: Exception) -> str:
    from anthropic import APITimeoutError

    cause = type(error.__cause__).__name__ if error.__cause__ else type(error).__name__
    return f"{'no answer in time' if isinstance(error, APITimeoutError) else 'no connection'} ({cause})"
