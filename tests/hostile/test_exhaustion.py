"""More of everything than there is: memory, processes, disk, files, output, arguments, time."""

from __future__ import annotations

import functools
import io
import resource
import shutil
import subprocess
import sys
import time

import pytest

from tests.hostile.conftest import Enter
from tests.hostile.internet import LIMITS
from tests.hostile.ledger import Act, Held, Seen, bash, obeyed, python
from tests.hostile.stage import Performed, chosen, make_agent, perform
from workbench.commands.timeline_text import TimelineText
from workbench.sandbox.disk_watchdog import DiskBudget
from workbench.sandbox.egress import EgressLimits
from workbench.trace.codec import event_from_json

pytestmark = pytest.mark.docker

MIB = 1 << 20
SETTINGS = "container: {memory: 256m, pids: 64, disk: 64m}\nnetwork: {allow: [files.test]}\n"
ATTEMPTS = 60


def error(*wanted: str) -> Held:
    def held(seen: Seen) -> str:
        assert any(text in seen.text for text in wanted), f"none of {wanted} in {seen.text[:2000]}"
        return next(line for line in seen.text.splitlines() if any(text in line for text in wanted))

    return held


def cut(seen: Seen) -> str:
    assert seen.result["truncated"] and len(seen.text) < 1_000_000, len(seen.text)
    return f"cut to {len(seen.text):,} characters, and marked so"


def works(seen: Seen) -> str:
    assert seen.text.strip() == "works", seen.text
    return "the next call works"


def again(name: str) -> list[Act]:
    """A new shell, and a call that must work."""
    return [
        Act(f"{name}-restart", "begin again", lambda seen: seen.last, {"restart": True}),
        bash(f"{name}-after", f"go on after: {name}", "echo works", works),
    ]


ACTS: list[Act] = [
    bash(
        "flood",
        "flood the pipe with output, unbuffered",
        "head -c 60000000 /dev/zero | tr '\\0' 'x'; echo; echo end",
        cut,
    ),
    bash(
        "binary",
        "print binary output",
        "head -c 300000 /dev/urandom; printf '\\0\\1\\2\\3\\377\\376'",
        lambda seen: _is_text(seen),
    ),
    bash(
        "escapes",
        "set the terminal's title, clear it, write to its clipboard, fake a prompt",
        r"printf '\033]0;owned\007\033[2J\033[H\033]52;c;b3duZWQ=\007\033P+q544e\033\\\033[6n\x9b31m\r$ all is well\b\b\b \342\200\256desrever'",
        lambda seen: _contains(seen, "owned"),
    ),
    bash("line", "print one line of 20 MB", "head -c 20000000 /dev/zero | tr '\\0' 'y'", cut),
    bash("lines", "print two million lines", "yes | head -2000000", cut),
    bash(
        "giant-command",
        "run a command of 300 KB",
        "true {{ input.text }}",
        lambda seen: f"exit code {seen.result['exit_code']}",
    ),
    python(
        "giant-arguments",
        "start a program with arguments of 8 MB",
        "import subprocess\nattempt('exec', lambda: subprocess.run(['true', 'x' * (8 << 20)], check=True))",
        error("E2BIG", "ENAMETOOLONG"),
    ),
    Act("giant-path", "name a file by 300 KB", lambda seen: _is_error(seen), {"file_path": "{{ input.text }}"}, "read"),
    Act(
        "giant-range",
        "read a range of astronomical lines",
        lambda seen: _answered(seen),
        {"file_path": "/source/probe.py", "view_range": [10**30, 10**31]},
        "read",
    ),
    Act("deep-glob", "glob with a thousand **", lambda seen: _answered(seen), {"pattern": "**/" * 1000 + "*"}, "glob"),
    bash(
        "redos-file",
        "plant a file for a bad expression",
        "printf 'a%.0s' $(seq 40) > redos; echo '!' >> redos; echo planted",
        lambda seen: seen.last,
        prepares=True,
    ),
    Act(
        "redos",
        "search by an expression that takes for ever",
        lambda seen: _answered(seen),
        {"pattern": "^(a|a)*(a|a)*(a|a)*$"},
        "grep",
    ),
    Act(
        "endless-file",
        "read an endless device through a link",
        lambda seen: _is_error(seen),
        {"file_path": "/dev/zero"},
        "read",
    ),
    bash("pipe-file", "plant a pipe", "mkfifo waits; echo planted", lambda seen: seen.last, prepares=True),
    Act("pipe-read", "read a pipe that nobody writes", lambda seen: _is_error(seen), {"file_path": "waits"}, "read"),
    Act(
        "pipe-write",
        "write to a pipe that nobody reads",
        lambda seen: _not_regular(seen),
        {"file_path": "waits", "content": "x"},
        "write",
    ),
    Act(
        "odd-arguments",
        "call a tool with arguments of wrong types",
        lambda seen: _is_error(seen),
        {"command": {"a": [1, None]}, "timeout_ms": "soon"},
    ),
    Act("missing-arguments", "call a tool without arguments", lambda seen: _is_error(seen), {}, "write"),
    bash("loop", "loop for ever", "while :; do :; done", error("timed out"), timeout_ms=800),
    *again("loop"),
    bash(
        "ignore-signals",
        "ignore every signal and hold the output open",
        "trap '' TERM INT HUP QUIT; setsid sleep 300 & exec sleep 300",
        error("timed out"),
        timeout_ms=800,
    ),
    *again("ignore-signals"),
    bash(
        "tmp",
        "fill /tmp",
        "for i in 1 2 3 4 5 6 7; do dd if=/dev/zero of=/tmp/full$i bs=1M count=40 2>&1; done; rm -f /tmp/full*; echo tried",
        error("No space left"),
    ),
    bash(
        "shm",
        "fill /dev/shm",
        "for i in 1 2 3; do dd if=/dev/zero of=/dev/shm/full$i bs=1M count=40 2>&1; done; rm -f /dev/shm/full*; echo tried",
        error("No space left"),
    ),
    bash(
        "one-file",
        "write a file beyond the disk limit",
        "dd if=/dev/zero of=big bs=1M count=200 2>&1; stat -c %s big; rm big",
        lambda seen: _at_most(seen, 64 * MIB),
    ),
    bash(
        "disk",
        "fill /workspace with many files",
        "i=0; while :; do i=$((i+1)); dd if=/dev/zero of=f$i bs=1M count=4 2>/dev/null; sleep 0.02; done",
        lambda seen: _stopped(seen),
        timeout_ms=10_000,
    ),
    bash("disk-after", "go on after: disk", "rm -f f*; echo works", works),
    bash(
        "files",
        "use up the disk's inodes with empty files",
        "mkdir m; i=0; while :; do i=$((i+1)); : > m/$i; done",
        lambda seen: _stopped(seen),
        timeout_ms=20_000,
    ),
    bash("files-after", "go on after: files", "rm -rf m; echo works", works),
    python(
        "descriptors",
        "open more files than there may be",
        """
        kept = []
        attempt("open", lambda: [kept.append(os.open("/dev/null", 0)) for _ in range(1 << 17)])
        print(len(kept))
        """,
        lambda seen: _few_descriptors(seen),
    ),
    python(
        "attempts",
        "make more attempts to leave than are recorded one by one",
        f"""
        for _ in range({ATTEMPTS + 40}):
            with dial() as connection:
                connection.sendall(b"GET http://evil.example/ HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n"); last = rest(connection)
        print(last.split(b"\\r\\n")[0].decode())
        """,
        lambda seen: _counted(seen),
    ),
    python(
        "many-processes",
        "start more processes than there may be",
        """
        import subprocess
        started = []
        try:
            for _ in range(150): started.append(subprocess.Popen(["sleep", "60"]))
        except OSError as error: print(errno.errorcode[error.errno])
        print(len(started))
        for one in started: one.kill()
        """,
        lambda seen: _at_most_processes(seen, 64),
    ),
    bash(
        "memory",
        "take more memory than there is",
        "python3 -c 'a = bytearray(900_000_000); print(len(a))'; echo tried",
        lambda seen: _no_memory(seen),
        prepares=True,
    ),
    *again("memory"),
    bash(
        "processes",
        "bomb with forks",
        ":(){ :|:& };:; sleep 1; echo bombed",
        lambda seen: _answered(seen),
        timeout_ms=4000,
    ),
    *again("processes"),
    python(
        "egress-of-the-new-sandbox",
        "leave unrecorded from the sandbox that replaced a lost one",
        "get('http://evil-after-the-loss.example/')",
        lambda seen: _recorded_after_loss(seen),
    ),
]


def _is_text(seen: Seen) -> str:
    assert "\0" not in seen.text, "NUL in a result"
    seen.text.encode()
    return f"{len(seen.text):,} characters, no NUL, no half characters"


def _contains(seen: Seen, text: str) -> str:
    assert text in seen.text, seen.text
    return repr(seen.text)


def _is_error(seen: Seen) -> str:
    assert seen.result["is_error"], seen.text
    return seen.last[:300]


def _answered(seen: Seen) -> str:
    return seen.last[:200]


def _at_most(seen: Seen, limit: int) -> str:
    if "all tools were stopped" in seen.text:  # the watchdog of the workspace was quicker than the limit of a file
        return seen.last
    assert int(seen.last) <= limit, seen.text
    return f"{int(seen.last) >> 20} MiB were written"


def _not_regular(seen: Seen) -> str:
    assert seen.result["is_error"] and "not a regular file" in seen.text, seen.text
    return seen.last


def _few_descriptors(seen: Seen) -> str:
    assert "EMFILE" in seen.text and int(seen.last) < 65_536, seen.text
    return f"EMFILE after {int(seen.last):,}"


def _at_most_processes(seen: Seen, limit: int) -> str:
    assert int(seen.last) <= limit and "EAGAIN" in seen.text, seen.text
    return f"{seen.last} started, then EAGAIN"


def _stopped(seen: Seen) -> str:
    assert seen.result["is_error"] and "stopped" in seen.text, seen.text
    return seen.last


def _counted(seen: Seen) -> str:
    assert "403" in seen.last and "not recorded one by one" in seen.last, seen.text
    assert len(seen.egress) <= ATTEMPTS + 1, len(seen.egress)
    return f"{len(seen.egress)} events for {ATTEMPTS + 40} attempts; {seen.egress[-1]['reason']}"


def _no_memory(seen: Seen) -> str:
    assert "900000000" not in seen.text, seen.text
    return seen.last[:200]


def _recorded_after_loss(seen: Seen) -> str:
    assert [event["host"] for event in seen.egress] == ["evil-after-the-loss.example"], seen.egress
    return f"recorded: {seen.egress[0]['host']} {seen.egress[0]['decision']}"


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    """What the workbench and the machine had before and after, and how long it took."""
    return {}


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, figures: dict[str, float], request: pytest.FixtureRequest
) -> Performed:
    folder = make_agent(tmp_path_factory.mktemp("hostile") / "agent", chosen(request, ACTS), SETTINGS)
    limits = EgressLimits(**{**{name: getattr(LIMITS, name) for name in LIMITS.__slots__}, "attempts": ATTEMPTS})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.sandbox.disk_watchdog.DiskBudget", functools.partial(DiskBudget, most_files=3000))
        patch.setattr("workbench.tools.endpoints.FILE_TIMEOUT", 15.0)
        free, began, grown = shutil.disk_usage(folder).free, time.monotonic(), _most_memory()
        performed = perform(folder, limits=limits, patch=patch, text="x" * 300_000)
        figures |= {
            "seconds": time.monotonic() - began,
            "taken": free - shutil.disk_usage(folder).free,
            "grown": _most_memory() - grown,
        }
    return performed


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
def test_held(run: Performed, held: Enter, act: Act) -> None:
    held(act.tried, act.held(run.seen(act)))


def test_the_workbench_itself_stays_small_and_the_machine_has_its_disk(
    run: Performed, figures: dict[str, float], held: Enter
) -> None:
    assert run.ended == "run_completed", run.events[-1]
    assert figures["grown"] < 400 * MIB, figures
    assert figures["taken"] < 400 * MIB, figures
    held(
        "exhaust the workbench and the machine by all of the above",
        f"its memory grew by {figures['grown'] / MIB:.0f} MiB at most, the disk by {figures['taken'] / MIB:.0f} MiB, "
        f"in {figures['seconds']:.0f} s",
    )


def test_no_escape_reaches_the_terminal(run: Performed, held: Enter) -> None:
    stream = io.StringIO()
    timeline = TimelineText(stream)
    for event in run.events:
        timeline.event(event_from_json(event))
    command = [sys.executable, "-m", "workbench.cli", "show", "last", "--events", "--agent", str(run.folder)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for text in (stream.getvalue(), shown):
        assert "owned" in text
        assert not obeyed(text), obeyed(text)
    held(
        "obey escapes of a tool's output on the terminal", "none of C0, C1, ESC, BEL, bidi in the timeline and in show"
    )
