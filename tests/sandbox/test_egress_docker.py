"""Programs in real gVisor reach allowed hosts, and no other, through the sandbox's own proxy and its one pipe."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcp
import pytest

from tests.sandbox.egress_site import Site, serving, wheel
from tests.sandbox.test_egress_programs import publish
from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressProxy
from workbench.sandbox.sandbox import Sandbox
from workbench.trace.events import Egress

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandboxes
else:
    Sandboxes = Any

pytestmark = pytest.mark.docker


async def bash(sandbox: Sandbox, command: str) -> str:
    async with mcp.Client(sandbox.builtin("bash")) as client:
        result = await client.call_tool("bash", {"command": command, "timeout_ms": 120_000})
    return "".join(part.text for part in result.content if part.type == "text").strip()


async def started(
    sandboxes: Sandboxes, site: Site, monkeypatch: pytest.MonkeyPatch, *allow: str
) -> tuple[Sandbox, list[Egress]]:
    """A sandbox for which the servers of `site` are the internet. Only resolving and connecting are replaced."""
    replaced = partial(EgressProxy, resolve=site.resolve, dial=site.dial)
    monkeypatch.setattr("workbench.sandbox.docker_sandbox.EgressProxy", replaced)
    sandbox = await sandboxes.start(replace(sandboxes.spec(), network=NetworkPolicy(allow)))
    heard: list[Egress] = []
    sandbox.on_egress(heard.append)
    (sandbox.workspace / "ca.pem").write_bytes(Path(site.certificate).read_bytes())
    return sandbox, heard


async def test_curl_pip_git_and_npm_work_inside(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as site:
        site.put("files.test/a.txt", b"content\n")
        site.put("files.test/demo-1.0-py3-none-any.whl", wheel())
        link = b'<a href="https://files.test/demo-1.0-py3-none-any.whl">demo-1.0-py3-none-any.whl</a>'
        site.put("index.test/simple/demo/index.html", b"<!DOCTYPE html><html><body>" + link + b"</body></html>")
        sandbox, heard = await started(sandboxes, site, monkeypatch, "files.test", "*.test")
        get = "import ssl, sys, urllib.request as r; c = ssl.create_default_context(cafile='ca.pem');"
        get += "sys.stdout.write(r.urlopen(sys.argv[1], context=c).read().decode())"
        assert await bash(sandbox, f'python3 -c "{get}" https://files.test/a.txt') == "content"
        if "yes" in await bash(sandbox, "command -v curl >/dev/null && echo yes"):
            assert await bash(sandbox, "curl -sSf --cacert ca.pem https://files.test/a.txt") == "content"
            assert await bash(sandbox, "curl -sSf http://files.test/a.txt") == "content"
        if "yes" in await bash(sandbox, "python3 -m pip --version >/dev/null 2>&1 && echo yes"):
            options = "--isolated --cert ca.pem --index-url https://index.test/simple --target out --no-cache-dir"
            seen = await bash(sandbox, f"python3 -m pip install {options} demo 2>&1; cat out/demo.py")
            assert "VALUE = 1" in seen
        if "yes" in await bash(sandbox, "command -v git >/dev/null && echo yes"):
            setup = (
                "git init -q work && cd work && git -c user.name=a -c user.email=a@b.test commit -qm x --allow-empty"
            )
            await bash(sandbox, f"({setup}) && git clone -q --bare work repo.git && git -C repo.git update-server-info")
            repository = sandbox.workspace / "repo.git"
            for file in (file for file in repository.rglob("*") if file.is_file()):
                site.put(f"code.test/repo.git/{file.relative_to(repository)}", file.read_bytes())
            clone = "GIT_SSL_CAINFO=ca.pem git clone -q https://code.test/repo.git copy 2>&1"
            assert "x" in await bash(sandbox, f"{clone}; git -C copy log --format=%s")
        if "yes" in await bash(sandbox, "command -v npm >/dev/null && echo yes"):
            publish(site)
            quiet = "--no-audit --no-fund --no-update-notifier --fetch-retries=0 --loglevel=error"
            install = f"npm install demo --registry=https://registry.test/ --cafile=/workspace/ca.pem {quiet} 2>&1"
            seen = await bash(
                sandbox, f"mkdir js && cd js && echo '{{}}' > package.json && {install}; cat node_modules/demo/index.js"
            )
            assert "module.exports = 1" in seen, seen
        assert heard and {event.decision for event in heard} == {"allowed"}


async def test_a_large_download_arrives_whole(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(1 << 20) * 100
    async with serving(tmp_path) as site:
        site.put("files.test/big", content)
        sandbox, heard = await started(sandboxes, site, monkeypatch, "files.test")
        program = "import hashlib, urllib.request as r; h = hashlib.sha256(); a = r.urlopen('http://files.test/big')\n"
        program += "while d := a.read(1 << 20): h.update(d)\nprint(h.hexdigest())"
        assert await bash(sandbox, f'python3 -c "{program}"') == hashlib.sha256(content).hexdigest()
    assert heard[0].bytes_received > len(content)


async def test_fronting_and_smuggling_are_refused_inside_too(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as site:
        sandbox, heard = await started(sandboxes, site, monkeypatch, "files.test")
        front = "import socket, ssl, os, urllib.parse as u; p = u.urlsplit(os.environ['https_proxy']);"
        front += "s = socket.create_connection((p.hostname, p.port));"
        front += "s.sendall(b'CONNECT files.test:443 HTTP/1.0\\r\\n\\r\\n');"
        front += (
            "print(s.recv(99)); c = ssl._create_unverified_context(); c.wrap_socket(s, server_hostname='code.test')"
        )
        seen = await bash(sandbox, f'python3 -c "{front}" 2>&1')
        assert "200 Connection established" in seen and "alert" in seen.lower()
        smuggle = "import socket, os, urllib.parse as u; p = u.urlsplit(os.environ['http_proxy']);"
        smuggle += (
            "s = socket.create_connection((p.hostname, p.port)); s.sendall(b'GET http://files.test/ HTTP/1.1\\r\\n"
        )
        smuggle += "Host: code.test\\r\\n\\r\\n'); print(s.recv(99))"
        assert "HTTP/1.1 400" in await bash(sandbox, f'python3 -c "{smuggle}" 2>&1')
    assert [event.decision for event in heard] == ["refused", "refused"]
