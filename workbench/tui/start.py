"""The process of the screen: from its first import to its exit code."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_PATIENCE = 2.0
"""Seconds in which further signals change nothing: a closed terminal sends several at once."""

_TURN = 0.001
"""Seconds for which a thread that computes may keep the others waiting: a key waits for several such turns."""

_LAST_RESORT = 40.0
"""Seconds after a signal after which the process is killed, if it still has not come to its end."""


def show_screen(folder: Path, *, offline: bool, fuse_usd: Decimal | None, runtime: str | None, guard: int) -> int:
    """Show the screen on the agent in `folder` until its end, and give the exit code.

    `guard` is a descriptor that comes to its end when the process that guards the terminal has gone.
    """
    for stale in ("COLUMNS", "LINES"):  # a shell may have exported them for another size; the terminal itself is asked
        os.environ.pop(stale, None)
    sys.setswitchinterval(_TURN)
    gc.disable()  # nothing that is loaded now will be garbage; the app switches it on after the first frame
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.session import SittingOptions

    app = WorkbenchApp(folder, SittingOptions(offline, fuse_usd, runtime))
    # not asyncio.run: at its end it waits for threads, and one may hang in a call of a library
    return asyncio.new_event_loop().run_until_complete(_shown(app, guard))


async def _shown(app: WorkbenchApp, guard: int) -> int:
    ending = _Ending(app)
    ending.listen(guard)
    await app.run_async()
    if app.session is not None:
        await _closed(app, ending.reason)
    return app.return_code or 0


async def _closed(app: WorkbenchApp, reason: str) -> None:
    session = app.session
    if session is None:
        return
    closing = asyncio.create_task(session.close(reason))
    done, _ = await asyncio.wait([closing], timeout=0.3)
    if not done:
        sys.stderr.write("workbench: ending runs and removing sandboxes …\n")
        await asyncio.wait([closing])


class _Ending:
    """Ends the screen when a signal says so, or when the process that guards the terminal has gone."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self._first: float | None = None
        self.reason = "cancelled"

    def listen(self, guard: int) -> None:
        """Take the signals over."""
        loop = asyncio.get_running_loop()

        def told(number: int) -> None:
            self._begin_last_resort()
            self._told(number)

        for number in _SIGNALS:
            loop.add_signal_handler(number, told, number)

        def guard_gone() -> None:
            loop.remove_reader(guard)
            told(signal.SIGHUP)

        loop.add_reader(guard, guard_gone)

    def _begin_last_resort(self) -> None:
        if self._first is None:
            last = threading.Timer(_LAST_RESORT, os.kill, (os.getpid(), signal.SIGKILL))
            last.daemon = True
            last.start()

    def _told(self, number: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
            self.reason = "interrupted"
            # without the terminal in the foreground, putting it right must not stop this process
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            self._app.exit(return_code=128 + number)
        elif now - self._first > _PATIENCE:
            os._exit(128 + number)
