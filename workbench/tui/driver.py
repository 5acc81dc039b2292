"""Writes to the terminal without ever waiting for it.

The event loop that draws is the runs' too. The framework's driver lets it wait once thirty writes are queued, so that a
terminal that takes nothing (a stalled connection, a stopped tmux) would stop every run; and a terminal that has gone
would keep it waiting for ever. Here a thread of its own does the waiting, and frames are left out while it does.
"""

from __future__ import annotations

import signal
from queue import SimpleQueue
from threading import Event, Thread
from typing import IO

from textual.drivers.linux_driver import LinuxDriver

_BEHIND = 12
"""Queued writes from which on frames are left out; a frame is one or two."""

_LAST_SECONDS = 2.0
"""How long the end waits for the terminal to take what puts it right."""


class PatientDriver(LinuxDriver):
    """The framework's driver for Linux terminals; only how it writes is another."""

    _output: _Output | None = None
    _suspended = False

    @property
    def is_behind(self) -> bool:
        """Whether the terminal takes less than is written."""
        return self._output is not None and self._output.queued > _BEHIND

    def write(self, data: str) -> None:
        """Queue `data`; returns at once."""
        if self._output is None:
            assert self._file is not None  # noqa: S101 - the driver's file is the terminal that it was made for
            self._output = _Output(self._file)
            self._output.start()
        self._output.write(data)

    def stop_application_mode(self) -> None:
        """Put the terminal right, and wait a moment until it has taken that."""
        super().stop_application_mode()
        self._drain()

    def suspend_application_mode(self) -> None:
        """Give the terminal back for a while."""
        self._suspended = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        """Take the terminal again."""
        self._suspended = False
        super().resume_application_mode()

    def close(self) -> None:
        """Let the last writes pass."""
        self._drain()
        super().close()

    def _sigcont_application(self, *arguments: object) -> None:
        # a terminal that hangs up sends SIGCONT too: only what was stopped is continued
        if self._suspended:
            super()._sigcont_application(*arguments)

    def _drain(self) -> None:
        if self._output is not None:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            self._output.drain(_LAST_SECONDS)


class _Output(Thread):
    """Writes what is queued, in order; what a terminal that has gone does not take is dropped."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._file = file
        self._queue: SimpleQueue[str | Event] = SimpleQueue()
        self._gone = False

    @property
    def queued(self) -> int:
        """How many writes wait."""
        return self._queue.qsize()

    def write(self, data: str) -> None:
        """Queue a write."""
        self._queue.put(data)

    def drain(self, seconds: float) -> bool:
        """Wait until everything queued so far is written; False if that takes longer."""
        done = Event()
        self._queue.put(done)
        return done.wait(seconds)

    def run(self) -> None:
        """Write, for ever."""
        while True:
            item = self._queue.get()
            if isinstance(item, Event):
                self._flush()
                item.set()
            else:
                self._write(item)

    def _write(self, data: str) -> None:
        if self._gone:
            return
        try:
            self._file.write(data)
        except (OSError, ValueError):
            self._gone = True
        if self._queue.empty():
            self._flush()

    def _flush(self) -> None:
        if self._gone:
            return
        try:
            self._file.flush()
        except (OSError, ValueError):
            self._gone = True
