"""The offline script as a model: the real SDK, talking to the Messages API of `offline_transport` in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import anthropic
import httpx2

from workbench.model.anthropic_model import AnthropicModel
from workbench.model.conversation import Model
from workbench.model.failures import Destination
from workbench.model.offline_schema import PacePart
from workbench.model.offline_script import OfflineScript
from workbench.model.offline_stream import Sleep
from workbench.model.offline_transport import OfflineTransport

AT_ONCE = PacePart(first_token=0, tokens_per_second=0)
"""The pace of replies that come whole and at once."""

_BASE_URL = "http://offline.invalid"


def open_offline(
    script: OfflineScript,
    *,
    pace: PacePart | None = None,
    max_retries: int = 2,
    clock: Callable[[], float] = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Model:
    """A model that answers from `script`; its prompt cache lives as long as it does.

    Args:
        script: The loaded offline.yaml.
        pace: How fast replies come, instead of what the script says; `AT_ONCE` for no waiting.
        max_retries: How often the SDK repeats a request that failed before its reply began.
        clock: Seconds of a clock that never goes back, for the prompt cache.
        sleep: Waits for seconds, for the pace of replies.
    """
    transport = OfflineTransport(script, pace=pace, clock=clock, sleep=sleep)
    client = anthropic.AsyncAnthropic(
        api_key="offline",
        base_url=_BASE_URL,
        max_retries=max_retries,
        http_client=httpx2.AsyncClient(transport=transport, trust_env=False),
        timeout=anthropic.Timeout(600.0, connect=5.0),
        open_telemetry=False,
    )
    return AnthropicModel(client, Destination("offline", origin="ANTHROPIC_API_KEY"))
