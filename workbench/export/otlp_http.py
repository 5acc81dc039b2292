"""Sends spans to a collector over HTTP: `POST /v1/traces`, as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from workbench.jsontypes import JsonObject

_PATH: Final = "/v1/traces"
_MOST_SPANS: Final = 500
"""Spans in one request: collectors refuse requests of more than a few megabytes."""
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
_TRIES: Final = 4
_TIMEOUT: Final = 20.0


class DeliveryError(Exception):
    """The spans were not accepted. `str` tells a person what happened; it never holds a header or a password."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a collector accepted."""

    spans: int
    url: str


def deliver(
    traces: JsonObject,
    endpoint: str,
    headers: Mapping[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivered:
    """Send a request's spans, in portions. A collector that is busy is asked again a few times.

    Args:
        traces: What `otlp.traces` made.
        endpoint: The collector's base URL such as `http://localhost:4318`, or the whole one.
        headers: Headers to send, such as a key.
        sleep: Waits for seconds.

    Raises:
        DeliveryError: the collector could not be reached, or did not accept all of it.
    """
    import httpx2

    url = _url(endpoint)
    spans = 0
    with httpx2.Client(timeout=_TIMEOUT) as client:
        for portion, count in _portions(traces):
            _deliver_one(client, url, portion, headers or {}, sleep)
            spans += count
    return Delivered(spans, _shown(url))


def headers_of(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The headers that `OTEL_EXPORTER_OTLP_HEADERS` asks for: `key=value` pairs with commas between, URL-encoded."""
    text = environment.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _deliver_one(
    client: Any, url: str, portion: JsonObject, headers: Mapping[str, str], sleep: Callable[[float], None]
) -> None:
    import httpx2

    body = json.dumps(portion, ensure_ascii=False).encode("utf-8")
    for attempt in range(1, _TRIES + 1):
        try:
            answer = client.post(url, content=body, headers={**headers, "content-type": "application/json"})
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise DeliveryError(f"{_shown(url)} could not be reached ({type(error).__name__})") from None
        if answer.status_code in _TRY_AGAIN and attempt < _TRIES:
            sleep(_pause(answer.headers.get("retry-after"), attempt))
            continue
        _check(answer.status_code, answer.text, url)
        return


def _check(status: int, text: str, url: str) -> None:
    if not 200 <= status < 300:
        raise DeliveryError(f"{_shown(url)} refused the spans ({status}): {' '.join(text.split())[:300]}")
    try:
        partial = json.loads(text or "{}").get("partialSuccess") or {}
        rejected = int(partial.get("rejectedSpans", 0))
    except (ValueError, AttributeError, TypeError):
        return
    if rejected:
        raise DeliveryError(f"{_shown(url)} rejected {rejected} spans: {partial.get('errorMessage', '')}")


def _pause(retry_after: str | None, attempt: int) -> float:
    try:
        return min(30.0, float(retry_after or ""))
    except ValueError:
        return 0.5 * 2.0**attempt


def _portions(traces: JsonObject) -> Iterator[tuple[JsonObject, int]]:
    """The request as several that are not too large, and how many spans each has."""
    for resource in _list(traces["resourceSpans"]):
        for scope in _list(resource["scopeSpans"]):
            spans = _list(scope["spans"])
            for at in range(0, len(spans), _MOST_SPANS):
                some = spans[at : at + _MOST_SPANS]
                yield {"resourceSpans": [{**resource, "scopeSpans": [{**scope, "spans": some}]}]}, len(some)


def _list(value: Any) -> Sequence[Any]:
    return list(value)


def _url(endpoint: str) -> str:
    if not endpoint.startswith(("http://", "https://")):
        raise DeliveryError(f"--endpoint takes a URL such as http://localhost:4318, not {endpoint!r}")
    base = endpoint.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH


def _shown(url: str) -> str:
    """The URL without what may be secret in it."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
