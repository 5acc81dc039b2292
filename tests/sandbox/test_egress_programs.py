"""curl, pip, npm and git reach real TLS servers through the proxy when their hosts are allowed."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import io
import json
import os
import shutil
import ssl
import sys
import tarfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
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


def need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


async def test_curl_over_tls_and_plainly(tmp_path: Path) -> None:
    curl = need("curl")
    async with serving(tmp_path, "files.test") as site:
        site.put("files.test/a.txt", b"content\n")
        for url in ("https://files.test/a.txt", "http://files.test/a.txt"):
            assert await site.run(curl, "-sSf", "--cacert", site.certificate, url) == (0, "content\n")
        posted = await site.run(curl, "-sS", "-d", "@www/files.test/a.txt", "http://files.test/upload")
        assert posted == (0, "CONTENT")
        large = await site.run(curl, "-sS", "-H", "Expect: 100-continue", "-d", "x" * 9000, "http://files.test/up")
        assert large == (0, "X" * 9000)
    assert [event.decision for event in site.events] == ["allowed"] * 4
    assert {event.host for event in site.events} == {"files.test"}


async def test_curl_shows_why_it_was_refused(tmp_path: Path) -> None:
    curl = need("curl")
    async with serving(tmp_path, "files.test") as site:
        code, output = await site.run(curl, "-sSv", "https://code.test/")
        assert code != 0 and "403 code.test:443: not in network.allow" in output
        code, output = await site.run(curl, "-sS", "http://code.test/")
        assert 'add "code.test" to network.allow' in output
        fronted = ["--connect-to", "code.test:443:files.test:443", "https://code.test/"]
        code, output = await site.run(curl, "-sS", "--cacert", site.certificate, *fronted)
        assert code != 0 and "alert" in output
    assert [event.decision for event in site.events] == ["refused"] * 3
    assert "asks for another server, 'code.test'" in site.events[2].reason


async def test_curl_downloads_many_megabytes(tmp_path: Path) -> None:
    curl = need("curl")
    content = os.urandom(1 << 20) * 24
    async with serving(tmp_path, "files.test") as site:
        site.put("files.test/big", content)
        arguments = ["-sSf", "--cacert", site.certificate, "-o", "big", "https://files.test/big"]
        assert await site.run(curl, *arguments) == (0, "")
        assert hashlib.sha256((tmp_path / "big").read_bytes()).digest() == hashlib.sha256(content).digest()
    assert site.events[0].bytes_received > len(content)


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


async def test_pip_installs_from_two_hosts(tmp_path: Path) -> None:
    async with serving(tmp_path, "index.test", "files.test") as site:
        link = b'<a href="https://files.test/demo-1.0-py3-none-any.whl">demo-1.0-py3-none-any.whl</a>'
        site.put("index.test/simple/demo/index.html", b"<!DOCTYPE html><html><body>" + link + b"</body></html>")
        site.put("files.test/demo-1.0-py3-none-any.whl", wheel())
        options = ["--isolated", "--no-input", "--cert", site.certificate, "--proxy", site.proxy_url]
        where = ["--index-url", "https://index.test/simple", "--target", "out", "--no-cache-dir"]
        command = [sys.executable, "-m", "pip", *options, "install", "--disable-pip-version-check", *where, "demo"]
        code, output = await site.run(*command)
        assert code == 0, output
        assert (tmp_path / "out/demo.py").read_text() == "VALUE = 1\n"
    assert {event.host for event in site.events} == {"index.test", "files.test"}


async def test_pip_shows_why_it_was_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, "files.test") as site:
        options = ["--isolated", "--proxy", site.proxy_url, "--retries", "0", "--disable-pip-version-check"]
        command = ["-m", "pip", *options, "download", "https://index.test/demo-1.0-py3-none-any.whl"]
        code, output = await site.run(sys.executable, *command)
        assert code != 0 and "not in network.allow" in output
    assert site.events and all(event.decision == "refused" for event in site.events)


async def test_git_clones_over_https(tmp_path: Path) -> None:
    git = need("git")
    async with serving(tmp_path, "code.test") as site:
        who = {f"GIT_{role}_{part}": "a@b.test" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        (tmp_path / "work").mkdir()
        (tmp_path / "work/README").write_text("hello\n")
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
            assert await site.run(git, "-C", "work", *arguments, **who) == (0, "")
        assert (await site.run(git, "clone", "-q", "--bare", "work", "www/code.test/repo.git"))[0] == 0
        assert (await site.run(git, "-C", "www/code.test/repo.git", "update-server-info"))[0] == 0
        code, output = await site.run(
            git, "clone", "https://code.test/repo.git", "copy", GIT_SSL_CAINFO=site.certificate, GIT_TERMINAL_PROMPT="0"
        )
        assert code == 0, output
        assert (tmp_path / "copy/README").read_text() == "hello\n"
    assert {(event.host, event.decision) for event in site.events} == {("code.test", "allowed")}


def npm_package() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in {
            "package.json": '{"name": "demo", "version": "1.0.0"}',
            "index.js": "module.exports = 1\n",
        }.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


async def test_npm_installs_from_its_registry(tmp_path: Path) -> None:
    npm = need("npm")
    async with serving(tmp_path, "registry.test") as site:
        package = npm_package()
        digest = base64.b64encode(hashlib.sha512(package).digest()).decode()
        place = {"tarball": "https://registry.test/files/demo-1.0.0.tgz", "integrity": f"sha512-{digest}"}
        version = {"name": "demo", "version": "1.0.0", "dist": place}
        document = {"name": "demo", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        site.put("registry.test/demo", json.dumps(document).encode())
        site.put("registry.test/files/demo-1.0.0.tgz", package)
        (tmp_path / "package.json").write_text("{}")
        options = [
            "--registry=https://registry.test/",
            f"--cafile={site.certificate}",
            f"--https-proxy={site.proxy_url}",
        ]
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries=0"]
        code, output = await site.run(npm, "install", "demo", *options, *quiet)
        assert code == 0, output
        assert (tmp_path / "node_modules/demo/index.js").is_file()
    assert {(event.host, event.decision) for event in site.events} == {("registry.test", "allowed")}
