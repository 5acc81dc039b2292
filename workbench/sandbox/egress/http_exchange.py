"""One plain HTTP request through the proxy, and its response back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.sandbox.egress.attempt import EgressEndedError, ServerGoneError
from workbench.sandbox.egress.buffered_stream import BufferedStream, StreamSyntaxError
from workbench.sandbox.egress.http_body import copy_body
from workbench.sandbox.egress.http_head import (
    RequestHead,
    Target,
    forwarded_request,
    forwarded_response,
    parse_response,
)
from workbench.sandbox.streams import ByteStream

_MAX_RESPONSE_HEAD = 128 * 1024


async def exchange(
    client: BufferedStream, server: ByteStream, request: RequestHead, target: Target, on_answer: Callable[[], None]
) -> None:
    """Send one request whose head was read and bring back its response; the body goes up while the response comes.

    `on_answer` is called just before the response's first line goes to the client.

    Raises:
        EgressEndedError: the request's body or the response is malformed.
        ConnectionError: a side was reset.
    """
    upload = asyncio.create_task(_upload(client, server, request, target))
    download = asyncio.create_task(_download(client, server, request, on_answer))
    try:
        await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
        if not download.done():
            upload.result()
        await download
    finally:
        for task in (upload, download):
            task.cancel()
        await asyncio.gather(upload, download, return_exceptions=True)


async def _upload(client: BufferedStream, server: ByteStream, request: RequestHead, target: Target) -> None:
    try:
        await server.write(forwarded_request(request, target))
        await copy_body(client, server, request.body)
        await client.fill()  # nothing more is wanted, but a client that resets the connection waits for no answer
    except ServerGoneError:
        return  # it may have answered already, as servers do with a body that they refuse
    except StreamSyntaxError as error:
        raise EgressEndedError(400, f"the request's body is broken: {error}", refused=False) from error


async def _download(
    client: BufferedStream, server: ByteStream, request: RequestHead, on_answer: Callable[[], None]
) -> None:
    source = BufferedStream(server)
    chunks = request.minor == 1
    try:
        while True:
            raw = await source.read_head(_MAX_RESPONSE_HEAD)
            if raw is None:
                raise StreamSyntaxError("it closed the connection without one")
            head = parse_response(raw, request.method)
            if head.status == 101:
                raise StreamSyntaxError("it switched to another protocol")
            is_final = head.status >= 200
            if is_final:
                on_answer()
            if is_final or chunks:  # an HTTP/1.0 client knows no interim responses
                await client.write(forwarded_response(head, chunks=chunks))
            if is_final:
                return await copy_body(source, client, head.body, chunks=chunks)
    except StreamSyntaxError as error:
        raise EgressEndedError(502, f"the server's answer is broken: {error}", refused=False) from error
