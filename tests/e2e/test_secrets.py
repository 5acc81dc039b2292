"""A secret that a run uses is found nowhere afterwards."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.conftest import workbench

pytestmark = pytest.mark.docker

SECRET = "tok/9f3e+Zq81 xkV=="


class Echo(BaseHTTPRequestHandler):
    """Says back what it was sent, as a careless API does."""

    def do_GET(self) -> None:
        sent = self.headers["Authorization"] or ""
        seen.append(sent)
        token = sent.removeprefix("Bearer ")
        forms = [sent, quote(token, safe=""), base64.b64encode(token.encode()).decode(), token.encode().hex()]
        body = "\n".join(forms).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


seen: list[str] = []


@pytest.fixture
def echo() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_secret_is_nowhere_after_a_run_that_used_it(scripted: Callable[..., Path], echo: str) -> None:
    extra = (
        f'  - {{type: http, name: careless, url: "{echo}", headers: {{Authorization: "Bearer ${{CARELESS_TOKEN}}"}}}}\n'
    )
    calls = [
        {"tool": "careless", "arguments": {"method": "GET", "path": "/me"}},
        {
            "tool": "bash",
            "arguments": {
                "command": "env; ps aux; cat /proc/*/environ | tr '\\0' '\\n'; echo {{ result.careless.text }}"
            },
        },
    ]
    folder = scripted(calls, extra=extra)
    shown = workbench("run", folder, "--offline", "--input", "go", CARELESS_TOKEN=SECRET)
    assert shown.code == 0, shown.out + shown.err
    traced = workbench("run", folder, "--offline", "--input", f"the token is {SECRET}", "--json", CARELESS_TOKEN=SECRET)
    exported = workbench("export", "last", "--agent", folder, CARELESS_TOKEN=SECRET)
    listed = workbench("show", "last", "--events", "--agent", folder, CARELESS_TOKEN=SECRET)
    assert seen == [f"Bearer {SECRET}"] * 2
    assert "[secret CARELESS_TOKEN]" in traced.out

    forms = [SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex()]
    places = {"terminal": shown.out + shown.err, "trace": traced.out, "export": exported.out, "show": listed.out}
    for form in forms:
        for place, text in places.items():
            assert form not in text, f"{place} holds the secret as {form}"
        for path in folder.rglob("*"):
            if path.is_file():
                assert form.encode() not in path.read_bytes(), f"{path} holds the secret as {form}"
