"""Blocking calls in threads that may be left behind.

A call to the Docker daemon can hang for ever. asyncio's own executor joins its threads when the program ends, so one
such call would keep the program from ending; the threads here are daemon threads that nothing waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(call: Callable[[], T], seconds: float, name: str = "blocking call") -> T:
    """What `call` returns or raises; it runs in a daemon thread of its own.

    Raises:
        TimeoutError: it took longer than `seconds`. The thread goes on, its outcome is dropped.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # None only where T is None

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = call()
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    async with asyncio.timeout(seconds):
        return await outcome
