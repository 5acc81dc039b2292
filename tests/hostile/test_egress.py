"""Out through the proxy: what a program in a sandbox tries against the one way out, and against its record."""

from __future__ import annotations

import re

import pytest

from tests.hostile.conftest import Enter
from tests.hostile.internet import LIMITS, OWN, PUBLIC
from tests.hostile.ledger import Act, Seen, answered, bash, python
from tests.hostile.stage import Performed, chosen, make_agent, perform
from workbench.sandbox.egress import EgressLimits

pytestmark = pytest.mark.docker

NETWORK = """
network:
  allow: [files.test, other.test, "*.test", 127.0.0.1, 10.0.0.1, 169.254.169.254, 0.0.0.0]
  deny: [denied.test, "*.denied.test"]
container: {memory: 512m}
"""


CALLER = "  - {type: mcp, name: caller, command: [python3, /source/caller.py], timeout: 20}\n"
"""A server that calls out before it has answered anything."""


def tls_refused(seen: Seen) -> str:
    assert "BREACH" not in seen.text and "origin" not in seen.text, seen.text
    assert seen.egress, seen.text
    assert all(event["decision"] == "refused" and event["bytes_sent"] == 0 for event in seen.egress), seen.egress
    return "; ".join(sorted({str(event["reason"]) for event in seen.egress}))


def one_answer(seen: Seen) -> str:
    assert seen.text.count("HTTP/1.1") <= 1 and "evil" not in seen.text, seen.text
    assert len(seen.egress) == 1, seen.egress
    return f"one answer, one event: {seen.egress[0]['host']} {seen.egress[0]['reason']}"


SMUGGLED = {
    "two lengths": "Content-Length: 4\\r\\nContent-Length: 5\\r\\n",
    "CL.TE": "Content-Length: 4\\r\\nTransfer-Encoding: chunked\\r\\n",
    "TE twice": "Transfer-Encoding: chunked\\r\\nTransfer-Encoding: chunked\\r\\n",
    "TE unknown": "Transfer-Encoding: xchunked\\r\\n",
    "TE list": "Transfer-Encoding: gzip, chunked\\r\\n",
    "TE with a tab": "Transfer-Encoding:\\tchunked\\x0b\\r\\n",
    "space before colon": "Content-Length : 4\\r\\n",
    "folded line": "X: a\\r\\n Content-Length: 4\\r\\n",
    "bare line feed": "X: a\\nContent-Length: 4\\r\\n",
    "bare return": "X: a\\rContent-Length: 4\\r\\n",
    "NUL": "X: a\\x00b\\r\\n",
    "signed length": "Content-Length: +4\\r\\n",
    "negative length": "Content-Length: -4\\r\\n",
    "hex length": "Content-Length: 0x4\\r\\n",
    "length list": "Content-Length: 4, 4\\r\\n",
    "second Host": "Host: other.test\\r\\n",
}

ACTS = [
    python(
        "not-allowed",
        "reach hosts that are not allowed, plainly and by CONNECT",
        """
        get("http://evil.example/"); connect("evil.example:443", hello("evil.example"))
        get("http://files.test.evil.example/"); get("http://evilfiles.example/"); connect("test:443")
        """,
        answered(403, reason="not in network.allow"),
    ),
    python(
        "denied",
        "reach a denied host by other spellings of its name",
        """
        for name in ("denied.test", "DENIED.test", "denied.test.", "sub.denied.test", "a.b.DENIED.TEST."):
            get(f"http://{name}/"); connect(f"{name}:443", hello("denied.test"))
        """,
        answered(403, reason="network.deny"),
    ),
    python(
        "loopback-forms",
        "reach this machine's loopback by every form of its address",
        """
        for host in ("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "0x7f.1",
                     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"):
            get(f"http://{host}/"); connect(f"{host}:443")
        """,
        answered(403, reason="loopback"),
    ),
    python(
        "other-literals",
        "reach private, link-local, metadata and unspecified addresses that the agent even allows",
        """
        for host in ("10.0.0.1", "169.254.169.254", "0xa9fea9fe", "0.0.0.0", "0", "[::ffff:10.0.0.1]"):
            get(f"http://{host}/"); connect(f"{host}:443")
        """,
        answered(403, reason="address"),
    ),
    python(
        "ipv6-literals",
        "reach loopback, link-local and private IPv6 addresses",
        """
        for host in ("[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[fe80::1]", "[fd00::1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"):
            get(f"http://{host}/"); connect(f"{host}:443")
        """,
        answered(403, reason="not in network.allow"),
    ),
    python(
        "names-that-lead-inside",
        "reach them by names that resolve there, IPv4 inside IPv6 included",
        """
        for name in ("inside", "loop", "loop6", "mapped", "nat64", "sixtofour", "metadata", "metadata6", "link",
                     "multicast", "zero", "carrier"):
            get(f"http://{name}.test/"); connect(f"{name}.test:443", hello(f"{name}.test"))
        """,
        answered(403, reason=" is a"),
    ),
    python(
        "mixed-answer",
        "hide a private address behind a public one in one answer",
        "get('http://mixed.test/'); connect('mixed.test:443', hello('mixed.test'))",
        answered(403, reason="127.0.0.1 is a loopback address"),
    ),
    python(
        "own-address",
        "reach this machine by a public address of its own",
        "get('http://own.test/'); connect('own.test:443', hello('own.test'))",
        answered(403, reason="an address of this machine"),
    ),
    python(
        "rebinding",
        "rebind a name between the check and the connection",
        "get('http://rebind.test/'); get('http://rebind.test/')",
        lambda seen: _rebound(seen),
    ),
    python(
        "redirect",
        "follow a redirect of an allowed host inside",
        """
        import urllib.request
        for place in ("http://127.0.0.1/", "http://metadata.test/", "http://2130706433/", "http://denied.test/"):
            attempt(place, lambda: urllib.request.urlopen(f"http://files.test/to/{place}", timeout=10).read())
        """,
        lambda seen: _redirected(seen),
    ),
    python(
        "ports",
        "reach other ports, also by overflow",
        """
        for port in (22, 25, 2375, 6379, 8080, 8443, 65535): connect(f"files.test:{port}"); get(f"http://files.test:{port}/")
        """,
        answered(403, reason="is not 80 or 443"),
    ),
    python(
        "odd-ports",
        "write the port so that readers differ",
        """
        for port in ("0", "65616", "80:443", "-1", "0x50", "443 ", "08000000080", "", "80@evil.example"):
            connect(f"files.test:{port}")
        """,
        answered(400),
    ),
    python(
        "odd-targets",
        "write the target so that readers differ",
        """
        for url in ("http://files.test@evil.example/", "http://evil.example#@files.test/", "http://files.test%00.evil/",
                    "http://files.test\\\\@evil.example/", "ftp://files.test/", "file:///etc/passwd", "https://files.test/",
                    "/relative", "*", "files.test", "http:///x", "gopher://files.test/", "http://files.test:80:80/"):
            get(url, host="files.test")
        """,
        answered(400),
    ),
    python(
        "host-disagrees",
        "name another host in Host than in the target",
        """
        get("http://files.test/", host="evil.example"); get("http://files.test/", host="other.test")
        ask("CONNECT files.test:443 HTTP/1.1\\r\\nHost: other.test:443\\r\\n\\r\\n"); get("http://files.test/", host="files.test:8080")
        """,
        answered(400, reason="Host"),
    ),
    *[
        python(
            f"smuggle-{name.replace(' ', '-')}",
            f"smuggle a request: {name}",
            f'ask(b"POST http://files.test/ HTTP/1.1\\r\\nHost: files.test\\r\\n{fields}\\r\\n0\\r\\n\\r\\nGET http://evil.example/ HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n")',
            answered(400),
        )
        for name, fields in SMUGGLED.items()
    ],
    python(
        "header-injection",
        "inject header lines through the path and a field",
        """
        ask(b"GET http://files.test/a\\rHost: evil HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n")
        ask(b"GET http://files.test/a HTTP/1.1 HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n")
        ask(b"GET\\thttp://files.test/ HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n")
        ask(b"GET http://files.test/ HTTP/1.1\\nHost: files.test\\n\\n")
        ask("GET http://files.test/\\u0152 HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n".encode())
        ask(b"GET http://files.test/ HTTP/9.9\\r\\nHost: files.test\\r\\n\\r\\n")
        """,
        answered(400),
    ),
    python(
        "other-protocols",
        "speak SOCKS, HTTP/2, TLS and SSH to the proxy",
        """
        for first in (b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n", b"SSH-2.0-x\\r\\n\\r\\n", b"EHLO x\\r\\n\\r\\n"):
            ask(first)
        """,
        answered(400),
    ),
    python(
        "pipelining",
        "pipeline a second request for a host that is not allowed",
        """
        print(ask(b"GET http://files.test/ HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n"
                  b"GET http://evil.example/ HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n").decode())
        """,
        one_answer,
    ),
    python(
        "upgrade",
        "upgrade a plain connection to another protocol",
        """
        print(ask(b"GET http://files.test/ HTTP/1.1\\r\\nHost: files.test\\r\\nUpgrade: h2c\\r\\nConnection: Upgrade, HTTP2-Settings\\r\\n"
                  b"HTTP2-Settings: AAMAAABkAAQAAP__\\r\\n\\r\\nGET / HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n").decode())
        """,
        one_answer,
    ),
    python(
        "sni-mismatch",
        "open a tunnel to an allowed host and ask for another in TLS",
        "connect('files.test:443', hello('evil.example')); connect('files.test:443', hello('other.test'))",
        tls_refused,
    ),
    python(
        "no-sni",
        "open a tunnel and name no host in TLS",
        "connect('files.test:443', hello(None))",
        tls_refused,
    ),
    python(
        "not-tls",
        "carry something else than TLS through a tunnel to port 443",
        """
        for first in (b"SSH-2.0-x\\r\\n", b"GET / HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n", b"\\x16\\x03\\x01\\xff\\xff" + b"x" * 70000, b"\\0" * 100):
            connect("files.test:443", first)
        """,
        tls_refused,
    ),
    python(
        "slow-hello",
        "hold a tunnel open without a word",
        "connect('files.test:443')",
        tls_refused,
    ),
    python(
        "tunnel-to-80",
        "carry something else than plain HTTP for the host through a tunnel to port 80",
        """
        for first in (b"SSH-2.0-x\\r\\n\\r\\n", b"GET / HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n",
                      b"GET http://evil.example/ HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n"):
            connect("files.test:80", first)
        """,
        tls_refused,
    ),
    python(
        "huge-head",
        "send a head without an end",
        """
        ask(b"GET http://files.test/" + b"a" * 20000 + b" HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n")
        ask(b"GET http://files.test/ HTTP/1.1\\r\\nHost: files.test\\r\\n" + b"X: y\\r\\n" * 200 + b"\\r\\n")
        """,
        answered(400),
    ),
    python(
        "slow-head",
        "trickle a head in, byte by byte",
        """
        with dial() as connection:
            began = time.monotonic()
            try:
                for byte in b"GET http://files.test/ HTTP/1.1\\r\\nHost: files.test\\r\\nX: aaaaaaaaaaaaaaaa":
                    connection.send(bytes([byte])); time.sleep(0.05)
            except OSError: pass
            print(rest(connection).split(b"\\r\\n")[0].decode().partition(" ")[2], round(time.monotonic() - began))
        """,
        answered(408, reason="nothing complete came within"),
    ),
    python(
        "response-smuggling",
        "let an allowed server answer so that readers differ",
        "get('http://files.test/two')",
        lambda seen: _bad_gateway(seen),
    ),
    python(
        "connection-flood",
        "hold more connections than there may be",
        """
        held = []
        for _ in range(60):
            one = dial(); one.sendall(b"GET http://files.test/hang HTTP/1.1\\r\\nHost: files.test\\r\\n\\r\\n"); held.append(one)
        time.sleep(1.2)
        codes = []
        for one in held:
            one.setblocking(False)
            try: codes.append(one.recv(20)[9:12].decode())
            except OSError: codes.append("held")
        print(codes.count("held"), "held", codes.count("503"), "refused")
        for one in held:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0"); one.close()
        time.sleep(0.3); get("http://files.test/")
        """,
        lambda seen: _flooded(seen),
    ),
    bash(
        "unproxied",
        "leave the proxy out",
        "curl -sS --noproxy '*' -m 5 http://files.test/ 2>&1; curl -sS --noproxy '*' -m 5 http://93.184.216.34/ 2>&1; echo code $?",
        lambda seen: _unproxied(seen),
    ),
    python(
        "byte-budget",
        "take more bytes than a sandbox has",
        """
        got = 0
        for _ in range(4): got += len(whole("http://files.test/many"))
        print("got", got >> 20, "MiB"); get("http://files.test/")
        """,
        lambda seen: _budget(seen),
    ),
    python(
        "left-open",
        "leave a tunnel open to the end of the run, so that it is not recorded",
        """
        import subprocess
        subprocess.Popen([sys.executable, "-c", "import sys; sys.path.insert(0, '/source'); from probe import *; one = dial(); "
            "one.sendall(b'GET http://evil-at-the-end.example/ HTTP/1.1\\\\r\\\\n'); time.sleep(100)"], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.7); print("left")
        """,
        lambda seen: seen.last,
    ),
]


def _rebound(seen: Seen) -> str:
    first, second = [event["reason"] for event in seen.egress]
    assert "network.allow holds" in str(first) and "127.0.0.1 is a loopback address" in str(second), seen.egress
    return f"first the address that was checked, then: {second}"


def _redirected(seen: Seen) -> str:
    assert "BREACH" not in seen.text and len(re.findall("HTTPError|URLError", seen.text)) == 4, seen.text
    decisions = [event["decision"] for event in seen.egress]
    assert decisions.count("refused") == 3, seen.egress  # urllib leaves the proxy out for 127.0.0.1, and finds no way
    return "; ".join(str(event["reason"]) for event in seen.egress if event["decision"] == "refused")


def _bad_gateway(seen: Seen) -> str:
    assert seen.text.startswith("502 "), seen.text
    return seen.last


def _flooded(seen: Seen) -> str:
    words = seen.text.split()
    assert int(words[0]) <= LIMITS.connections and int(words[2]) >= 60 - LIMITS.connections, seen.text
    assert seen.last.startswith("200"), seen.text
    return seen.text.replace("\n", "; then ")


def _unproxied(seen: Seen) -> str:
    assert "origin" not in seen.text and not seen.egress and "code 0" not in seen.text, seen.text
    return seen.text.replace("\n", "; ")


def _budget(seen: Seen) -> str:
    assert seen.last.startswith("403") and "used up" in seen.text, seen.text
    assert int(seen.text.split()[1]) <= 24, seen.text
    return seen.text.replace("\n", "; ")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Performed:
    folder = make_agent(tmp_path_factory.mktemp("hostile") / "agent", chosen(request, ACTS), NETWORK, CALLER)
    limits = EgressLimits(**{**{name: getattr(LIMITS, name) for name in LIMITS.__slots__}, "total_bytes": 24 << 20})
    return perform(folder, limits=limits)


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_held(run: Performed, held: Enter, act: Act) -> None:
    held(act.tried, act.held(run.seen(act)))


def test_only_vetted_addresses_were_dialed_and_only_allowed_hosts_were_asked(run: Performed, held: Enter) -> None:
    assert run.internet is not None
    assert set(run.internet.dialed) == {str(PUBLIC)}, run.internet.dialed
    assert not any("evil" in name or "denied" in name for name in run.internet.asked), run.internet.asked
    asked = b"".join(run.internet.requests)
    assert b"evil" not in asked and b"chunked" not in asked, asked
    held(
        "have names resolved that are not allowed, or anything dialed but what was checked",
        f"{len(run.internet.dialed)} connections, all to {PUBLIC}; {OWN} and all inside never dialed",
    )


def test_every_attempt_is_in_the_trace_also_the_one_left_open(run: Performed, held: Enter) -> None:
    events = run.of("egress")
    last = run.events[-1]
    assert last["type"] == "run_completed"
    assert "cut off because the sandbox closed" in [event["reason"] for event in events]
    assert "evil-at-start.example" in [event["host"] for event in events]
    held(
        "call out before anyone listens, or be gone before it is recorded",
        f"{len(events)} egress events, the last one: {events[-1]['reason']}",
    )
