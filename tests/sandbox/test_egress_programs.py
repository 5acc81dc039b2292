"""curl, pip, npm and git reach real TLS servers through the proxy when their hosts are allowed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests.sandbox.egress_site import Site, serving, wheel


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


def publish(site: Site) -> None:
    """Put a package into the registry of npm."""
    package = npm_package()
    digest = base64.b64encode(hashlib.sha512(package).digest()).decode()
    place = {"tarball": "https://registry.test/files/demo-1.0.0.tgz", "integrity": f"sha512-{digest}"}
    version = {"name": "demo", "version": "1.0.0", "dist": place}
    document = {"name": "demo", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    site.put("registry.test/demo", json.dumps(document).encode())
    site.put("registry.test/files/demo-1.0.0.tgz", package)


async def test_npm_installs_from_its_registry(tmp_path: Path) -> None:
    npm = need("npm")
    async with serving(tmp_path, "registry.test") as site:
        publish(site)
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
