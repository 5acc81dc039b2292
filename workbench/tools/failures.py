"""What went wrong with a server, in a person's words."""

from __future__ import annotations

from collections.abc import Iterator

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, METHOD_NOT_FOUND
from pydantic import ValidationError

_MEANINGS = {
    INVALID_PARAMS: "the server refused the arguments",
    METHOD_NOT_FOUND: "the server does not know this",
}

_CLOSED = "Connection closed"
"""What the SDK says of a lost connection; servers use the same code for errors of their own."""


class ServerFailureError(Exception):
    """A server gave no result; `str` says why, without secrets."""


def explain(error: BaseException) -> str:
    """What `error` means for a person. Of several that happened at once, the one that tells most."""
    leaves = list(_leaves(error))
    leaf = next((leaf for leaf in leaves if not isinstance(leaf, MCPError)), leaves[0])
    if isinstance(leaf, MCPError):
        if leaf.code == CONNECTION_CLOSED and leaf.message == _CLOSED:
            return "the connection was closed"
        meaning = _MEANINGS.get(leaf.code, f"the server answered with error {leaf.code}")
        return f"{meaning}: {leaf.message}" + (f" ({leaf.data})" if isinstance(leaf.data, str) and leaf.data else "")
    if isinstance(leaf, ValidationError):
        first = leaf.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"its answer does not follow the protocol ({place}: {first['msg']})"
    if isinstance(leaf, TimeoutError):
        return "no answer in time"
    text = str(leaf)
    if type(leaf).__module__.partition(".")[0] in ("httpx2", "httpcore2"):
        return f"{text or 'the connection failed'} ({type(leaf).__name__})"
    return text or type(leaf).__name__


def refused_handshake(error: BaseException) -> bool:
    """Whether the server answered with an error, as one that knows only a later protocol does to an old handshake."""
    return any(isinstance(leaf, MCPError) and leaf.message != _CLOSED for leaf in _leaves(error))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
