"""An internet for hostile agents: names that lead where they must not, and one origin server that keeps what it got."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest

from workbench.sandbox.egress import EgressLimits, EgressProxy
from workbench.sandbox.egress.addresses import Address
from workbench.sandbox.egress.dialing import SocketStream, connect

PUBLIC = ip_address("93.184.216.34")
OWN = ip_address("93.184.216.99")
"""Stands for a public address of this machine itself."""

NAMES: dict[str, list[str]] = {
    "inside.test": ["10.0.0.5"],
    "loop.test": ["127.0.0.1"],
    "loop6.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::7f00:1"],
    "sixtofour.test": ["2002:7f00:1::1"],
    "metadata.test": ["169.254.169.254"],
    "metadata6.test": ["fd00:ec2::254"],
    "link.test": ["fe80::1"],
    "multicast.test": ["224.0.0.1"],
    "zero.test": ["0.0.0.0"],
    "carrier.test": ["100.64.0.1"],
    "mixed.test": [str(PUBLIC), "127.0.0.1"],
    "own.test": [str(OWN)],
    "nothing.test": [],
}
"""Names that lead elsewhere than to the origin server; all others lead there."""

LIMITS = EgressLimits(connections=40, wait_seconds=0.5, head_bytes=16_384, head_seconds=1.5, idle_seconds=20.0)


@dataclass
class Internet:
    """What was dialed and what arrived at the origin."""

    limits: EgressLimits = LIMITS
    port: int = 0
    dialed: list[str] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        self.asked[host] = self.asked.get(host, 0) + 1
        if host == "rebind.test":  # the second answer leads inside
            return [PUBLIC if self.asked[host] == 1 else ip_address("127.0.0.1")]
        return [ip_address(text) for text in NAMES.get(host, [str(PUBLIC)])]

    async def dial(self, address: Address, port: int) -> SocketStream:
        self.dialed.append(str(address))
        return await connect(ip_address("127.0.0.1"), self.port)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = b""
        try:
            while not received.endswith(b"\r\n\r\n"):
                piece = await reader.read(65536)
                if not piece:
                    break
                received += piece
            self.requests.append(received)
            await self._answer(received, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, received: bytes, writer: asyncio.StreamWriter) -> None:
        path = received.split(b" ")[1] if received.count(b" ") else b"/"
        if path.startswith(b"/hang"):
            await asyncio.sleep(60)
        elif path.startswith(b"/to/"):
            place = path[4:]
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n")
        elif path.startswith(b"/two"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok")
        elif path.startswith(b"/bomb"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
            writer.write(zlib.compress(bytes(1 << 20)))
        elif path.startswith(b"/many"):
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for _ in range(16):
                writer.write(b"m" * (1 << 20))
                await writer.drain()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\norigin")
        await writer.drain()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put sandboxes that start from now on into this internet; only look-ups and connections are replaced."""

        def proxy(policy: Any, on_egress: Any) -> EgressProxy:
            return EgressProxy(
                policy, on_egress, self.limits, resolve=self.resolve, dial=self.dial, is_own=lambda one: one == OWN
            )

        patch.setattr("workbench.sandbox.docker_sandbox.EgressProxy", proxy)


@asynccontextmanager
async def internet(limits: EgressLimits = LIMITS) -> AsyncIterator[Internet]:
    """The internet, with its origin server running."""
    made = Internet(limits)
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


__all__ = ["LIMITS", "NAMES", "OWN", "PUBLIC", "Internet", "internet"]
