"""What a CONNECT tunnel carries: its TLS hello is checked, then bytes go both ways."""

from __future__ import annotations

import asyncio

from workbench.sandbox.egress.addresses import Host, HostError, parse_host
from workbench.sandbox.egress.attempt import EgressEndedError
from workbench.sandbox.egress.buffered_stream import BufferedStream
from workbench.sandbox.egress.tls_hello import ACCESS_DENIED_ALERT, ClientHello, HelloError, parse_client_hello
from workbench.sandbox.streams import ByteStream


async def check_tls(client: BufferedStream, host: Host, limit: int) -> None:
    """Wait for the client's TLS hello and leave it unread; it must ask for `host` and hide nothing.

    Raises:
        EgressEndedError: it does not. The client has been told by a TLS alert.
    """
    try:
        _check_hello(await _peek_hello(client, limit), host)
    except EgressEndedError:
        await client.write(ACCESS_DENIED_ALERT)
        await client.write_eof()
        raise


async def relay(client: BufferedStream, server: ByteStream) -> None:
    """Copy bytes both ways until both sides have ended.

    Raises:
        ConnectionError: one side was reset.
    """
    pumps = [asyncio.create_task(_pump(client, server)), asyncio.create_task(_pump(server, client))]
    try:
        await asyncio.gather(*pumps)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: ByteStream, sink: ByteStream) -> None:
    while data := await source.read():
        await sink.write(data)
    await sink.write_eof()


async def _peek_hello(client: BufferedStream, limit: int) -> ClientHello:
    try:
        while (hello := parse_client_hello(client.peek())) is None:
            if len(client.peek()) > limit:
                raise _refused(f"the TLS hello is longer than {limit} bytes")
            if not await client.fill():
                raise _refused("the tunnel ended before a TLS hello")
    except HelloError as error:
        raise _refused(f"a tunnel to port 443 must begin with a TLS hello: {error}") from error
    return hello


def _check_hello(hello: ClientHello, host: Host) -> None:
    """The server name must be the tunnel's host; an address cannot be a server name, so there it must be missing."""
    if hello.encrypted:
        raise _refused("the TLS hello is encrypted (ECH) and could ask for another host; turn ECH off")
    if hello.server_name is None:
        if isinstance(host, str):
            raise _refused("the TLS hello names no server (SNI)")
        return
    try:
        is_same = parse_host(hello.server_name) == host
    except HostError:
        is_same = False
    if not is_same:
        raise _refused(f"the TLS hello asks for another server, {hello.server_name[:253]!r}")


def _refused(reason: str) -> EgressEndedError:
    return EgressEndedError(403, reason, refused=True)
