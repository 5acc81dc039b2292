"""Real sockets and the system's resolver."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import pytest

from workbench.sandbox.egress.dialing import SocketStream, SystemResolver, connect

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def connected(serve: Serve) -> tuple[SocketStream, asyncio.Server]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    stream = await connect(ip_address("127.0.0.1"), server.sockets[0].getsockname()[1])
    return stream, server


async def test_a_socket_is_read_written_and_half_closed() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    stream, server = await connected(shout)
    async with server:
        await stream.write(b"hel")
        await stream.write(b"lo")
        await stream.write_eof()
        assert await stream.read(3) + await stream.read() == b"HELLO"
        assert await stream.read() == b""
        await stream.close()


async def test_a_reset_is_a_connection_error() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    stream, server = await connected(reset)
    async with server:
        await stream.write(b"x")
        with pytest.raises(ConnectionError):
            await stream.read()
        with pytest.raises(ConnectionError):
            for _ in range(100):
                await stream.write(b"x" * 65536)


async def test_closing_does_not_lose_what_was_written() -> None:
    received: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        received.set_result(len(await reader.read(-1)))
        writer.close()

    stream, server = await connected(slow)
    async with server:
        await stream.write(bytes(3_000_000))
        await stream.close()
        assert await received == 3_000_000


async def test_nobody_listening_is_an_os_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="Connect call failed"):
        await connect(ip_address("127.0.0.1"), port)


async def test_the_systems_resolver_is_asked() -> None:
    resolve = SystemResolver()
    assert all(address.is_loopback for address in await resolve("localhost", 80))
    for name in ("missing.invalid", "a..b", "x" * 70 + ".test"):
        with pytest.raises(OSError):
            await resolve(name, 80)


async def test_hanging_look_ups_are_few_and_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    hang, running = threading.Event(), []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        running.append(host)
        hang.wait(10)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolve = SystemResolver(at_once=3)
    asked = [asyncio.create_task(resolve(f"h{number}.test", 80)) for number in range(8)]
    await asyncio.sleep(0.05)
    assert len(running) == 3
    asked[0].cancel()  # whoever asked has given up; its thread has not
    await asyncio.sleep(0.05)
    assert len(running) == 3
    assert await asyncio.to_thread(lambda: "free") == "free"
    hang.set()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] + [socket.gaierror] * 7
    assert len(running) == 8
