"""A container while it lives: its one stream, why it ended, and its removal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from workbench.definition.agent import ContainerSettings
from workbench.sandbox.docker_engine import DockerEngine
from workbench.sandbox.hijack import AttachedStream, ContainerEvents, Died, OutOfMemory, Removed
from workbench.sandbox.host_process import kill_directly
from workbench.sandbox.loss import size, why_it_died

_REASON_SECONDS: Final = 2.0
"""How long the end of the stream is held back for the daemon to say why. It takes some 50 ms."""
_OBEY_SECONDS: Final = 2.0
"""How long a container may take to end by itself; a quarter of a second is usual, two with a fork bomb in it."""
_END_SECONDS: Final = 5.0
"""How long it may take after that, until Docker is asked to end it."""
_MEMORY_SECONDS: Final = 1.0
"""How long after a kill for memory the container must still live, for it to have been a tool and not the sandbox."""


class LivingContainer:
    """A container with these settings, as a `ByteStream` to its main process.

    Docker's streams end with the container; what reads here is told so only when the reason is known.
    """

    def __init__(self, engine: DockerEngine, container: str, settings: ContainerSettings) -> None:
        self.id = container
        self.ended: str | None = None
        """Why the container ended, None while it lives and after `remove`."""
        self._engine = engine
        self._settings = settings
        self._on_end: Callable[[str], None] = _ignore
        self._on_notice: Callable[[str], None] = _ignore
        self._removed = False
        self._out_of_memory = False
        self._over = asyncio.Event()
        self._gone = False
        self._pid = 0
        self._stream: AttachedStream | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Attach to the container, listen to its events, and start it, in this order, so that nothing is missed.

        Raises:
            DaemonError: one of the three failed.
        """
        self._stream = await self._engine.attach(self.id)
        self._watching = asyncio.create_task(self._watch(await self._engine.events(self.id)))
        await self._engine.start(self.id)

    def listen(self, on_end: Callable[[str], None], on_notice: Callable[[str], None]) -> None:
        """Hear once why the container ended, unless `remove` ends it, and of processes that were killed for memory."""
        self._on_end, self._on_notice = on_end, on_notice
        if self.ended is not None:
            on_end(self.ended)

    async def _watch(self, events: ContainerEvents) -> None:
        try:
            async for event in events:
                match event:
                    case OutOfMemory():
                        self._out_of_memory = True
                        asyncio.get_running_loop().call_later(_MEMORY_SECONDS, self._survived_a_kill)
                    case Died(exit_code):
                        self.end(why_it_died(exit_code, self._out_of_memory, self._settings, self.last_words))
                        self._over.set()
                    case Removed():
                        self._gone = True
        finally:
            self._over.set()
            await events.close()

    def _survived_a_kill(self) -> None:
        if self.ended is None and not self._removed:
            self._out_of_memory = False
            limit = size(self._settings.memory_bytes)
            self._on_notice(f"a process was killed, because the sandbox reached its memory limit of {limit}")

    def end(self, reason: str) -> None:
        """Take the container for ended, for that reason; only the first one counts."""
        if self.ended is None and not self._removed:
            self.ended = reason
            self._on_end(reason)

    @property
    def last_words(self) -> str:
        """The end of what the main process wrote to its standard error."""
        return self._stream.standard_error if self._stream is not None else ""

    async def inspect(self) -> Mapping[str, Any]:
        """What the daemon recorded of the container.

        Raises:
            DaemonError: it is gone, or the daemon did not answer.
        """
        details = await self._engine.inspect(self.id)
        self._pid = int(details["State"]["Pid"])
        return details

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes of the main process's output; empty at its end.

        Raises:
            ConnectionError: the daemon cut the stream off.
        """
        try:
            data = await self._attached().read(limit)
        except ConnectionError:
            await self.reason()
            raise
        if not data:
            await self.reason()
        return data

    async def reason(self) -> str | None:
        """Why the container ended; waits a moment for the daemon to tell. None if it did not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REASON_SECONDS):
                await self._over.wait()
        return self.ended

    async def write(self, data: bytes) -> None:
        """Send all of `data` to the main process.

        Raises:
            ConnectionError: the container or the daemon is gone.
        """
        try:
            await self._attached().write(data)
        except ConnectionError:
            await self.reason()
            raise

    async def write_eof(self) -> None:
        """Send no more."""
        await self._attached().write_eof()

    async def close(self) -> None:
        """Close the stream, which ends the main process and so the container."""
        if self._stream is not None:
            await self._stream.close()

    def _attached(self) -> AttachedStream:
        if self._stream is None:
            raise ConnectionResetError("the container has not been started")
        return self._stream

    async def remove(self) -> None:
        """End the container in whatever state it is, and remove it.

        First its input is ended, upon which the guest ends and Docker removes the container. Only what does not obey is
        killed, and by Docker only if we may not do it: containerd's shim delivers the deaths of a sandbox's many host
        processes one a second while it kills, so that after a fork bomb Docker's kill takes a minute, and may leave the
        shim behind.

        Raises:
            DaemonError: Docker could not; the next start of the program tries again.
        """
        self._removed = True
        await self.close()
        if self._watching is not None:
            await asyncio.wait([self._watching], timeout=_OBEY_SECONDS)
            if not self._over.is_set():
                kill_directly(self.id, self._pid)
            await asyncio.wait([self._watching], timeout=_END_SECONDS)
            self._watching.cancel()
        if not self._gone:
            await self._engine.remove(self.id)


def _ignore(text: str) -> None:
    """Nobody listens yet."""
