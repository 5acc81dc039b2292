"""Against the workbench itself: files that explode when read, paths that lead out, escapes, databases that lie."""

from __future__ import annotations

import asyncio
import gzip
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.hostile.conftest import Enter
from workbench.definition.agent import AgentDefinition, HttpServer, ModelSettings
from workbench.definition.loader import check_agent
from workbench.definition.problems import DefinitionError, format_problem
from workbench.definition.references import Template
from workbench.model.offline_loader import load_offline
from workbench.tools.opening import open_toolbox

MIB = 1 << 20
GOOD = "name: a\nmodel: claude-haiku-4-5\nsystem_prompt: ./prompt.md\n"
RULES = "version: 1\nrules:\n  - reply: {text: hi}\n"

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)

YAML: dict[str, tuple[str, bytes, str]] = {
    "alias-bomb": ("explode by aliases of aliases", BOMB.encode(), "aliases expanded"),
    "alias-depth": (
        "nest by aliases of aliases",
        b"k0: &k0 [x]\n" + b"".join(b"k%d: &k%d [*k%d]\n" % (n, n, n - 1) for n in range(1, 90)),
        "inside each other",
    ),
    "alias-loop": ("refer to itself", b"a: &a [*a]\n", ""),
    "depth": ("nest ten thousand lists", b"a: " + b"[" * 10_000, "inside each other"),
    "depth-90": ("nest ninety lists", b"a: " + b"[" * 90 + b"]" * 90 + b"\n", "inside each other"),
    "depth-blocks": ("nest ten thousand mappings", b"\n".join(b" " * n + b"a:" for n in range(10_000)), ""),
    "long-line": ("have a line of half a megabyte", b"description: " + b"x" * 500_000 + b"\n", "characters"),
    "huge": ("be ten megabytes large", b"# " + b"x\n# " * 2_500_000, "too large"),
    "object": ("build a Python object", b"name: !!python/object/apply:os.system [id]\n", ""),
    "merge": ("merge keys", b"<<: {name: b}\n" + GOOD.encode(), "merge keys"),
    "number": ("hold a number of a thousand digits", b"timeout: " + b"9" * 5_000 + b"\n", "too large"),
    "duplicate": ("say a key twice, so that readers differ", b"name: b\n" + GOOD.encode(), "twice"),
    "not-text": ("hold NUL and ESC", b"name: \x1b]0;owned\x07\x00\n", "cannot stand in YAML"),
    "utf-16": ("be UTF-16", GOOD.encode("utf-16"), "UTF-16"),
    "half-character": ("hold half a character", b'name: "\\ud800"\n', "escape"),
    "many-keys": ("hold a hundred and fifty thousand keys", b"".join(b"k%d: 1\n" % n for n in range(80_000)), "values"),
    "escape-in-key": ("bring escapes into messages", b'"\\e]0;owned\\a\\u202e": 1\n', ""),
}

PATHS: dict[str, tuple[str, str]] = {
    "prompt-up": ("system_prompt: ../../../etc/passwd", "leads out of the agent's folder"),
    "prompt-link": ("system_prompt: ./link", "leads out of the agent's folder"),
    "prompt-device": ("system_prompt: /dev/zero", "is no file"),
    "prompt-pipe": ("system_prompt: ./pipe", "is no file"),
    "prompt-loop": ("system_prompt: ./loop", "cannot be followed"),
    "source-up": ("source: ..", "leads out of the agent's folder"),
    "source-link": ("source: ./folder-link", "leads out of the agent's folder"),
    "source-sneaky": ("source: ./a/../../..", "leads out of the agent's folder"),
    "dockerfile-up": ("container: {dockerfile: ../Dockerfile}", "leads out of the agent's folder"),
    "filesystem-up": ("mcp_servers: [{type: filesystem, path: ../..}]", "path"),
    "filesystem-root": ("mcp_servers: [{type: filesystem, path: /}]", "path"),
    "filesystem-etc": ("mcp_servers: [{type: filesystem, path: /etc}]", "path"),
    "filesystem-sneaky": ("mcp_servers: [{type: filesystem, path: /workspace/../etc}]", "path"),
}


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "agent"
    folder.mkdir(parents=True)
    (folder.parent / "Dockerfile").write_text("FROM scratch\n")
    (folder / "prompt.md").write_text("Do.\n")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder-link").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    (folder / "a").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "agent.yaml").write_text(GOOD)
    return folder


def safe(text: str) -> bool:
    return all(character.isprintable() or character in "\n\t" for character in text)


def bounded(work: Callable[[], str], seconds: float = 10.0, mib: int = 300) -> tuple[str, str]:
    """What the work says, and what it cost; more is a failure."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    said = work()
    took, grown = time.monotonic() - began, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    assert took < seconds, took
    assert grown < mib, grown
    return said, f"{took:.2f} s, {grown} MiB"


@pytest.mark.parametrize("file", ["agent.yaml", "offline.yaml"])
@pytest.mark.parametrize("name", YAML)
def test_a_file_that_is_made_to_hurt_is_refused(agent: Path, held: Enter, name: str, file: str) -> None:
    tried, content, reason = YAML[name]
    (agent / file).write_bytes(content)

    def read() -> str:
        if file == "agent.yaml":
            problems = check_agent(agent, {}).problems
        else:
            with pytest.raises(DefinitionError) as refused:
                load_offline(agent)
            problems = refused.value.problems
        assert any(problem.severity == "error" for problem in problems)
        return "\n".join(format_problem(problem) for problem in problems)

    said, cost = bounded(read)
    assert safe(said) and len(said) < 200_000, said[:500]
    assert reason in said, said[:1000]
    held(f"{file}: {tried}", f"{said.splitlines()[0][-110:]} ({cost})")


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_leads_out_is_refused(agent: Path, held: Enter, name: str) -> None:
    line, reason = PATHS[name]
    kept = "\n".join(row for row in GOOD.splitlines() if row.split(":")[0] != line.split(":")[0])
    (agent / "agent.yaml").write_text(f"{kept}\n{line}\n")
    said, cost = bounded(
        lambda: "\n".join(p.headline for p in check_agent(agent, {}).problems if p.severity == "error")
    )
    assert reason in said, said
    held(line, f"{said[-150:]} ({cost})")


@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "loop"])
def test_what_is_no_file_is_not_read(agent: Path, held: Enter, kind: str) -> None:
    place = agent / "agent.yaml"
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("/dev/zero" if kind == "device" else "agent.yaml")
    said, cost = bounded(lambda: "\n".join(problem.headline for problem in check_agent(agent, {}).problems), 3)
    assert said
    held(f"agent.yaml is a {kind}", f"{said[-100:]} ({cost})")


class Exploding(BaseHTTPRequestHandler):
    """Answers with a gigabyte that fits into a megabyte."""

    bomb = gzip.compress(bytes(64 * MIB)) * 16

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Encoding", "gzip" if self.path == "/gzip" else "br")
        self.end_headers()
        try:
            self.wfile.write(self.bomb)
        except ConnectionError:
            return

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_compressed_bomb_is_not_unpacked(held: Enter, coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exploding)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = HttpServer("api", Template(f"http://127.0.0.1:{server.server_port}"))
    definition = AgentDefinition(Path("/nowhere"), "a", ModelSettings("m"), "p", {}, "", servers=(api,))

    async def call() -> str:
        async with open_toolbox(definition, None, {}, lambda notice: None) as toolbox:
            outcome = await toolbox.call("api", {"method": "GET", "path": f"/{coding}"})
        return "".join(str(block.get("text")) for block in outcome.content)

    said, cost = bounded(lambda: asyncio.run(call()), mib=60)
    server.shutdown()
    assert len(said) < 300_000, len(said)
    held(f"answer a REST call with 1 GiB compressed by {coding}", f"{len(said):,} characters kept ({cost})")


def workbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agent with one stored run."""
    folder = tmp_path_factory.mktemp("stored") / "agent"
    folder.mkdir()
    (folder / "prompt.md").write_text("Do.\n")
    (folder / "agent.yaml").write_text(GOOD)
    (folder / "offline.yaml").write_text(RULES)
    assert workbench("run", str(folder), "--offline", "--input", "x" * 60_000).returncode == 0
    return folder


ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"
DAMAGE: dict[str, tuple[str, str]] = {
    "runs": (
        "put escapes into what stored runs say of themselves",
        "UPDATE runs SET agent = :odd, model = :odd, input_gist = :odd",
    ),
    "ends": ("put escapes into how runs ended", "UPDATE runs SET error = :odd, outcome_gist = :odd, endpoint = :odd"),
    "type": ("put escapes into the types of events", "UPDATE events SET type = :odd, gist = :odd"),
    "status": ("claim a status that does not exist", "UPDATE runs SET status = :odd"),
    "money": ("claim costs that are no numbers", "UPDATE runs SET model_usd = :odd, total_usd = 'NaN'"),
    "times": ("claim times that are none", "UPDATE runs SET started_at = :odd, last_at = 'never'"),
    "bodies": ("replace what events hold by nonsense", "UPDATE bodies SET data = :odd"),
    "deep": ("nest what events hold without end", "UPDATE bodies SET data = :deep"),
    "types": ("hold numbers where texts belong", "UPDATE bodies SET data = '[1, 2]'"),
    "blobs": ("replace contents by a compressed bomb", "UPDATE blobs SET content = :bomb, packing = 'zlib'"),
    "lengths": ("claim contents of a terabyte", "UPDATE blobs SET size = 1099511627776"),
    "numbers": ("break the numbering of events", "UPDATE events SET seq = seq * 1000"),
    "negative": (
        "claim negative tokens and endless steps",
        "UPDATE runs SET input_tokens = -5, steps = 9223372036854775807",
    ),
    "columns": ("change the tables", "ALTER TABLE bodies RENAME COLUMN data TO other"),
    "drop": ("drop a table", "DROP TABLE events"),
    "version": ("claim to be from the future", "PRAGMA user_version = 99"),
    "other": ("claim to be another program's", "PRAGMA application_id = 7"),
    "trigger": ("plant a trigger", "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END"),
}
VALUES = {"odd": ESCAPES, "deep": "[" * 100_000, "bomb": zlib.compress(bytes(64 * MIB))}
LOOKS = (("runs",), ("show", "last", "--agent"), ("show", "last", "--events", "--agent"), ("export", "last", "--agent"))


@pytest.mark.parametrize("name", DAMAGE)
def test_a_database_that_lies_is_told_or_shown_safely(stored: Path, tmp_path: Path, held: Enter, name: str) -> None:
    tried, statement = DAMAGE[name]
    folder = Path(shutil.copytree(stored, tmp_path / "agent"))
    with closing(sqlite3.connect(folder / ".workbench" / "workbench.db", isolation_level=None)) as connection:
        connection.execute(statement, VALUES)
    said = []
    for look in LOOKS:
        done = workbench(*look, str(folder))
        assert "Traceback" not in done.stderr, done.stderr
        assert safe(done.stdout + done.stderr), repr(done.stdout + done.stderr)[:600]
        assert "owned" not in done.stdout or "\x1b" not in done.stdout
        said.append(done.stderr.strip().splitlines()[-1][-100:] if done.stderr.strip() else f"exit {done.returncode}")
    held(tried, "; ".join(dict.fromkeys(said))[:300])


def test_names_of_folders_cannot_drive_the_terminal(tmp_path: Path, held: Enter) -> None:
    folder = tmp_path / "\x1b]0;owned\x07\x1b[2J"
    folder.mkdir()
    (folder / "agent.yaml").write_text("name: [\n")
    outputs = [
        workbench(*arguments)
        for arguments in (
            ["check", str(folder)],
            ["runs", str(folder)],
            ["run", str(folder)],
            ["fuse", str(folder / "no")],
            ["show", "\x1b[2Jx", "--agent", str(folder)],
        )
    ]
    for done in outputs:
        assert safe(done.stdout + done.stderr), repr(done.stdout + done.stderr)[:400]
        assert "Traceback" not in done.stderr
    held(
        "name an agent's folder, or a run, by escapes",
        f"exit codes {[done.returncode for done in outputs]}, no escape printed",
    )
