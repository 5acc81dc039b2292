"""Prints what the egress proxy costs: a refusal, a small request, and 1 GB through it while its memory is watched.

Run it with `python tests/benchmarks/bench_egress.py`. Client and server are other processes, so that the memory is the
proxy's alone. Nothing here is asserted: the numbers depend on the machine.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from ipaddress import ip_address

from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressPolicy, EgressProxy
from workbench.sandbox.egress.addresses import Address
from workbench.sandbox.egress.dialing import SocketStream, connect
from workbench.trace.events import Egress

SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
block = bytes(65536)
while True:
    connection, _ = listener.accept()
    with connection:
        head = connection.recv(65536)
        size = int(head.split(b" ")[1][1:])
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
        for _ in range(size // len(block)):
            connection.sendall(block)
        connection.sendall(bytes(size % len(block)))
"""
CLIENT = """
import socket, sys, time
port, size, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
connection = socket.create_connection(("127.0.0.1", port))
connection.sendall(b"GET http://a.test/%d HTTP/1.1\\r\\nHost: a.test\\r\\n\\r\\n" % size)
received = 0
while data := connection.recv(1 << 20):
    received += len(data)
    if pause and received % (16 << 20) < len(data):
        time.sleep(pause)
assert received > size
"""
GIGABYTE = 1 << 30


def main() -> None:
    """Print all of it."""
    asyncio.run(measure())


async def measure() -> None:
    """Run the proxy in this process, and the other two in others."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        target = int(server.stdout.readline())
        await measure_with(target)
    finally:
        server.kill()
        server.wait()


async def measure_with(target: int) -> None:
    """Print the costs of a proxy whose every connection leads to the server at `target`."""
    events: list[Egress] = []

    async def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address("93.184.216.34")]

    async def dial(address: Address, port: int) -> SocketStream:
        return await connect(ip_address("127.0.0.1"), target)

    policy = EgressPolicy.from_network(NetworkPolicy(allow=["a.test"]))
    proxy = EgressProxy(policy, events.append, resolve=resolve, dial=dial)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy.serve(SocketStream(reader, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as front:
        port = front.sockets[0].getsockname()[1]
        print(f"refusal         {await median_ms(port, b'b.test/'):8.2f} ms")
        print(f"small request   {await median_ms(port, b'a.test/100'):8.2f} ms")
        for label, pause in (("1 GB", 0.0), ("1 GB, slow reader", 0.05)):
            before = peak_megabytes()
            start = time.perf_counter()
            client = [sys.executable, "-c", CLIENT, str(port), str(GIGABYTE), str(pause)]
            process = await asyncio.create_subprocess_exec(*client)
            await process.wait()
            seconds = time.perf_counter() - start
            grown = peak_megabytes() - before
            print(f"{label:<18}{seconds:6.1f} s, {1024 / seconds:.0f} MB/s, peak memory grew by {grown:.1f} MB")
    print(f"{len(events)} events")


async def median_ms(port: int, target: bytes) -> float:
    """The median time of a request to its last byte, in milliseconds."""
    times = []
    for _ in range(200):
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        host = target.split(b"/")[0]
        writer.write(b"GET http://%b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host))
        await reader.read()
        writer.close()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def peak_megabytes() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
