"""The guard of conftest.py: no test reaches another machine."""

from __future__ import annotations

import asyncio
import socket

import pytest


def test_another_machine_cannot_be_reached() -> None:
    with socket.socket() as outside, pytest.raises(PermissionError, match="only this machine"):
        outside.connect(("192.0.2.1", 80))


async def test_asyncio_cannot_reach_it_either() -> None:
    with pytest.raises(PermissionError):
        await asyncio.open_connection("192.0.2.1", 80)


def test_names_of_other_machines_are_not_looked_up() -> None:
    with pytest.raises(PermissionError):
        socket.getaddrinfo("example.com", 80)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
