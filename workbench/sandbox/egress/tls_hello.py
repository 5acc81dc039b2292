"""The first message of a TLS connection: which server does the client say it wants?"""

from __future__ import annotations

from dataclasses import dataclass

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_ENCRYPTED_HELLO = 0xFE0D
_MAX_RECORD = 1 << 14

ACCESS_DENIED_ALERT = bytes([21, 3, 3, 0, 2, 2, 49])
"""A fatal TLS alert `access_denied`, which clients report to their user."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client says before anything is encrypted.

    `server_name` is None when it names no server. `encrypted` says that it carries an encrypted hello, which may name
    another server than the visible one.
    """

    server_name: str | None
    encrypted: bool


class HelloError(Exception):
    """The bytes are no TLS ClientHello, or one that two readers could understand differently."""


def parse_client_hello(data: bytes) -> ClientHello | None:
    """Read the ClientHello at the start of `data`, None while it is not complete.

    Raises:
        HelloError: the bytes are something else, or malformed.
    """
    message = _first_message(data)
    if message is None:
        return None
    fields = _Fields(message)
    fields.take(2 + 32)  # version and random
    fields.take_counted(1)  # session id
    fields.take_counted(2)  # cipher suites
    fields.take_counted(1)  # compression methods
    names: list[str] = []
    kinds: list[int] = []
    extensions = _Fields(fields.take_counted(2) if fields.left else b"")
    fields.expect_end()
    while extensions.left:
        kind = extensions.take_number(2)
        value = extensions.take_counted(2)
        kinds.append(kind)
        if kind == _SERVER_NAME:
            names += _server_names(value)
    if len(set(kinds)) != len(kinds) or len(names) > 1:
        raise HelloError("a repeated extension or server name")
    return ClientHello(names[0] if names else None, _ENCRYPTED_HELLO in kinds)


def _first_message(data: bytes) -> bytes | None:
    """The body of the handshake message that the first records carry, None while it is not complete."""
    message = bytearray()
    position = 0
    while len(data) - position >= 5:
        length = int.from_bytes(data[position + 3 : position + 5], "big")
        if data[position] != _HANDSHAKE_RECORD or data[position + 1] != 3 or not 0 < length <= _MAX_RECORD:
            raise HelloError("not TLS")
        message += data[position + 5 : position + 5 + length]
        if message and message[0] != _CLIENT_HELLO:
            raise HelloError("not a ClientHello")
        if len(message) >= 4:
            end = 4 + int.from_bytes(message[1:4], "big")
            if len(message) > end:
                raise HelloError("bytes after the end of the hello")
            if len(message) == end:
                return bytes(message[4:])
        position += 5 + length
    if position == 0 and data and data[0] != _HANDSHAKE_RECORD:
        raise HelloError("not TLS")
    return None


def _server_names(value: bytes) -> list[str]:
    fields = _Fields(value)
    entries = _Fields(fields.take_counted(2))
    fields.expect_end()
    names = []
    while entries.left:
        if entries.take_number(1) != 0:
            raise HelloError("a server name of an unknown kind")
        try:
            names.append(entries.take_counted(2).decode("ascii"))
        except UnicodeDecodeError as error:
            raise HelloError("a server name that is not ASCII") from error
    return names


class _Fields:
    """Takes length-prefixed fields off the front of a message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._position

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise HelloError("a truncated hello")
        self._position += length
        return self._data[self._position - length : self._position]

    def take_number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take_counted(self, size: int) -> bytes:
        return self.take(self.take_number(size))

    def expect_end(self) -> None:
        if self.left:
            raise HelloError("bytes after the end of the hello")
