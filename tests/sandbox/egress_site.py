"""TLS and plain servers on this machine that stand for the hosts of the internet, and the proxy in front of them."""

from __future__ import annotations

import asyncio
import datetime
import io
import os
import ssl
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressPolicy, EgressProxy
from workbench.sandbox.egress.addresses import Address
from workbench.sandbox.egress.dialing import SocketStream, connect
from workbench.trace.events import Egress

LOCAL = ip_address("127.0.0.1")
PUBLIC = ip_address("93.184.216.34")
HOSTS = ("files.test", "index.test", "registry.test", "code.test")


@dataclass
class Site:
    """Static files behind TLS at port 443 and plainly at port 80 of every host, and the proxy in front of them."""

    folder: Path
    proxy_url: str = ""
    events: list[Egress] = field(default_factory=list)
    ports: dict[int, int] = field(default_factory=dict)

    @property
    def certificate(self) -> str:
        return str(self.folder / "ca.pem")

    def put(self, path: str, content: bytes) -> None:
        file = self.folder / "www" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n")[0].split(" ")
        host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
        file = self.folder / "www" / host.split(":")[0] / target.split("?")[0].strip("/")
        file = file / "index.html" if file.is_dir() else file
        content = file.read_bytes() if file.is_file() else b"nothing here"
        if method == "POST":
            length = next(int(line[16:]) for line in head.split("\r\n") if line.lower().startswith("content-length: "))
            content = (await reader.readexactly(length)).upper()
        status = "200 OK" if file.is_file() or method == "POST" else "404 Not Found"
        kind = "text/html" if file.suffix == ".html" else "application/octet-stream"
        fields = f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        return [PUBLIC]

    async def dial(self, address: Address, port: int) -> SocketStream:
        assert address == PUBLIC
        return await connect(LOCAL, self.ports[port])

    async def run(self, *command: str, **environment: str) -> tuple[int, str]:
        """Exit code and all output of a program that knows nothing but the proxy."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), self.proxy_url)
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env={**kept, **proxies, "HOME": str(self.folder), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, output.decode(errors="replace")


def make_certificate(folder: Path) -> None:
    """A self-signed certificate for all hosts and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "egress tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, format_, none = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, format_, none))


@asynccontextmanager
async def serving(folder: Path, *allow: str) -> AsyncIterator[Site]:
    site = Site(folder)
    make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    policy = EgressPolicy.from_network(NetworkPolicy(allow=allow))
    proxy = EgressProxy(policy, site.events.append, resolve=site.resolve, dial=site.dial)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy.serve(SocketStream(reader, writer))

    async with AsyncExitStack() as stack:
        tls = await stack.enter_async_context(await asyncio.start_server(site.answer, "127.0.0.1", 0, ssl=context))
        plain = await stack.enter_async_context(await asyncio.start_server(site.answer, "127.0.0.1", 0))
        front = await stack.enter_async_context(await asyncio.start_server(accept, "127.0.0.1", 0))
        site.ports = {443: tls.sockets[0].getsockname()[1], 80: plain.sockets[0].getsockname()[1]}
        site.proxy_url = f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}"
        yield site


def wheel() -> bytes:
    """The smallest wheel that pip installs."""
    info = "demo-1.0.dist-info/"
    files = {
        "demo.py": "VALUE = 1\n",
        info + "METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[info + "RECORD"] = "".join(f"{name},,\n" for name in [*files, info + "RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
