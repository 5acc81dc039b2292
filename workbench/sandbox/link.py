"""The host's end of the pipe to the guest in a sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from workbench.jsontypes import JsonObject, JsonValue
from workbench.sandbox.guest.channels import Channel
from workbench.sandbox.guest.frames import FrameError
from workbench.sandbox.guest.multiplexer import Multiplexer
from workbench.sandbox.sandbox import SandboxError
from workbench.sandbox.streams import ByteStream

if TYPE_CHECKING:
    from mcp.client._transport import Transport

PROTOCOL = 1
"""The version of the pipe's protocol that this end speaks."""
MOST_CONNECTIONS = 256
"""Connections out of the sandbox at a time; a guest that opens more breaks the protocol."""
_READ = 64 * 1024
_END_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Link:
    """All that the workbench asks of the guest goes through here. Made by `Link.start`.

    The guest is not trusted: whatever it sends, this end holds a bounded amount of it, and a breach of the protocol
    ends the link. When the link is lost, every pending and every later read, write and call fails at once.
    """

    def __init__(self, stream: ByteStream, on_connect: Callable[[ByteStream], Awaitable[None]]) -> None:
        self.ready: JsonObject = {}
        """What the guest saw of itself when it started; the keys are those of `guest/facts.py`."""
        self._stream = stream
        self._on_connect = on_connect
        self._multiplexer = Multiplexer(1, self._accept, self._hear, MOST_CONNECTIONS)
        self._first_message: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[JsonObject]] = {}
        self._next_id = 1
        self._connections: set[asyncio.Task[None]] = set()
        self._lets_out = True
        self._loops: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        stream: ByteStream,
        on_connect: Callable[[ByteStream], Awaitable[None]],
        *,
        timeout: float = 30.0,  # noqa: ASYNC109 - the message names it
    ) -> Link:
        """Take over the pipe and wait for the guest to report.

        Args:
            stream: standard input and output of the guest.
            on_connect: serves one connection out of the sandbox; the stream is closed when it returns.
            timeout: seconds to wait.

        Raises:
            SandboxError: no guest reported, or one of another version.
        """
        link = cls(stream, on_connect)
        link._loops = [asyncio.create_task(link._receive()), asyncio.create_task(link._send())]
        try:
            link.ready = await asyncio.wait_for(link._first_message, timeout)
        except TimeoutError:
            link.abort("the guest did not report")
            raise SandboxError(
                f"The workbench's guest in the sandbox did not report within {timeout:g} s. "
                "Check that the machine is not overloaded and that the image's python3 starts."
            ) from None
        except ConnectionError as error:
            raise SandboxError(
                f"The workbench's guest in the sandbox could not start: {error}. "
                "The image needs a python3 (3.8 or newer)."
            ) from None
        except BaseException:
            link.abort("given up")
            raise
        link._check_version()
        return link

    @property
    def lost(self) -> str | None:
        """Why the link is gone, None while it works."""
        return self._multiplexer.lost

    async def control(
        self,
        op: str,
        timeout: float = 5.0,  # noqa: ASYNC109 - one deadline for the question and its answer
        **arguments: JsonValue,
    ) -> JsonObject:
        """Ask the guest: `ping`, `gauges`, `stop_tools` or `shutdown`.

        Raises:
            ConnectionError: the link is lost.
            TimeoutError: no answer within `timeout` seconds.
            SandboxError: the guest cannot do it.
        """
        if self.lost is not None:
            raise ConnectionError(self.lost)
        number = self._next_id
        self._next_id += 1
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._multiplexer.tell({"id": number, "op": op, **arguments})
            message: JsonObject = await asyncio.wait_for(answer, timeout)
        finally:
            del self._answers[number]
        if "error" in message:
            raise SandboxError(f"The sandbox could not do {op}: {message['error']}")
        return message

    def builtin(self, server: Literal["bash", "filesystem"]) -> Transport:
        """A transport to a built-in MCP server of the guest."""
        from workbench.sandbox.mcp_transport import ChannelTransport

        return ChannelTransport(lambda on_stderr: self._multiplexer.open({"kind": server}, on_stderr))

    def spawn(self, command: Sequence[str], env: Mapping[str, str], on_stderr: Callable[[str], None]) -> Transport:
        """Start an MCP server over stdio inside; leaving the context stops it with all its children.

        Args:
            command: the program and its arguments.
            env: variables on top of those that all tools have.
            on_stderr: hears what the server writes to its standard error, and why it could not start or has ended.
        """
        from workbench.sandbox.mcp_transport import ChannelTransport

        request = {"kind": "process", "command": list(command), "env": dict(env)}
        return ChannelTransport(lambda receive: self._multiplexer.open(request, receive), on_stderr)

    async def end_connections(self) -> None:
        """End all connections out of the sandbox and take no more; returns when whoever serves them is done."""
        self._lets_out = False
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_END_SECONDS)

    def abort(self, reason: str) -> None:
        """End everything at once. Later calls do nothing."""
        if self.lost is not None:
            return
        self._multiplexer.lose(reason)
        for future in (self._first_message, *self._answers.values()):
            if not future.done():
                future.set_exception(ConnectionError(reason))
        if not self._first_message.cancelled():
            self._first_message.exception()  # taken, whether anyone still waits for it or not
        current = asyncio.current_task()
        for task in (*self._loops, *self._connections):
            if task is not current:
                task.cancel()
        self._closing = asyncio.create_task(self._close_stream())

    async def close(self) -> None:
        """Let go of the guest, which kills all tools and exits."""
        self.abort("closed")
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def _check_version(self) -> None:
        if self.ready.get("version") != PROTOCOL:
            self.abort("the guest speaks another version")
            raise SandboxError(
                f"The guest in the sandbox speaks version {self.ready.get('version')} of the workbench's protocol, "
                f"not {PROTOCOL}. Its files and the workbench are from different installations."
            )

    async def _close_stream(self) -> None:
        with contextlib.suppress(OSError):
            await self._stream.close()

    async def _receive(self) -> None:
        await self._until_lost(self._read_all())

    async def _send(self) -> None:
        await self._until_lost(self._multiplexer.send(self._stream.write))

    async def _until_lost(self, work: Coroutine[Any, Any, None]) -> None:
        """Run one direction of the pipe; however it ends, the link is lost then."""
        try:
            await work
        except FrameError as error:
            self.abort(f"the guest broke the protocol of its pipe: {error}")
        except OSError as error:
            self.abort(f"the pipe to the guest broke: {error}")
        except Exception as error:
            _log.exception("the pipe to the guest failed")
            self.abort(f"the pipe to the guest failed: {error!r}")
        else:
            self.abort("the guest has ended")

    async def _read_all(self) -> None:
        while data := await self._stream.read(_READ):
            self._multiplexer.feed(data)
            if len(data) == _READ:
                await asyncio.sleep(0)  # a flood must not keep the rest of the program from its turn

    def _hear(self, message: dict[str, Any]) -> None:
        if not self._first_message.done():
            if message.get("op") != "ready":
                raise FrameError("its first message is not that it is ready")
            self._first_message.set_result(message)
            return
        number = message.get("id")
        answer = self._answers.get(number) if isinstance(number, int) else None
        if answer is not None and not answer.done():
            answer.set_result(message)
        elif not isinstance(number, int) or not 0 < number < self._next_id:
            raise FrameError("an answer that nobody asked for")

    def _accept(self, channel: Channel, request: dict[str, Any]) -> None:
        if request.get("kind") != "connect":
            raise FrameError(f"a channel of kind {str(request.get('kind'))[:40]}")
        if not self._lets_out:
            channel.reset("the run is over")
            return
        if len(self._connections) >= MOST_CONNECTIONS:  # some are over at the guest and still being served here
            channel.reset("too many connections")
            return
        task = asyncio.create_task(self._serve(channel))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, channel: Channel) -> None:
        try:
            await self._on_connect(channel)
        except OSError:
            channel.reset("the connection was lost")
        except Exception:
            _log.exception("a connection out of the sandbox failed")
            channel.reset("the workbench failed")
        finally:
            await channel.close()
