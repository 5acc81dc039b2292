"""What an agent leaves in its workspace for the workbench to stumble over: links, pipes, odd names, races."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.conftest import Enter
from tests.hostile.ledger import Act, Seen, bash, python
from tests.hostile.stage import Performed, make_agent, perform
from workbench.commands.timeline_text import TimelineText
from workbench.sandbox.snapshots import WorkspaceSnapshots
from workbench.sandbox.workspaces import delete_tree
from workbench.trace.codec import event_from_json

pytestmark = pytest.mark.docker

CANARY = "the canary of the host, which no snapshot may hold"


def recorded(seen: Seen) -> str:
    assert not seen.result["is_error"], seen.text
    changed = seen.result["changed"]
    assert isinstance(changed, list)
    return f"{seen.last}; {len(changed)} changes recorded"


def acts(outside: Path) -> list[Act]:
    """What is planted; `outside` is a folder of the host beside the workspace."""
    return [
        bash(
            "links-out",
            "plant symbolic links to files and folders of the host",
            f"""
            ln -s {outside}/canary canary; ln -s {outside} folder; ln -s /etc/shadow shadow; ln -s {outside}/new dangling
            ln -s ../../../canary up; ln -s . loop; ln -s self self; mkdir -p a/b; ln -s {outside} a/b/c; echo planted
            """,
            recorded,
        ),
        bash(
            "special-files",
            "plant pipes and sockets that block whoever opens them",
            """
            mkfifo pipe; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('sock')"; mkdir d; mkfifo d/pipe; echo planted
            """,
            recorded,
        ),
        bash(
            "hard-links",
            "hard-link files, files of other mounts too",
            "echo x > one; ln one two; ln /source/probe.py mine 2>&1; ln /etc/passwd mine 2>&1; ls mine 2>&1; echo planted",
            recorded,
        ),
        bash(
            "setuid",
            "leave setuid and setgid programs on the host's disk",
            "cp /bin/true run; chmod 6755 run; mkdir g; chmod 2777 g; ls -l run | cut -c1-10",
            recorded,
        ),
        python(
            "odd-names",
            "use names with escapes, line breaks, broken UTF-8 and greatest length",
            r"""
            for name in (b"\x1b]0;owned\x07", b"\x1b[2J", b"line\nbreak", b"\xff\xfe", b"-rf", b"--", b"a" * 255, b" ", b"\\", b"*",
                         b"$(touch BREACH)", b"`id`", b"'; rm -rf ~", "\u202etxt.exe".encode(), "e\u0301".encode(), b"\x7f", b"con"):
                os.makedirs(b"/workspace/names/" + name) if name == b" " else open(b"/workspace/names-" + name[:249], "wb").write(name)
            print(len(os.listdir("/workspace")))
            """,
            recorded,
        ),
        python(
            "depth",
            "nest folders deeper than paths are long",
            """
            for _ in range(1500): os.mkdir("d" * 20); os.chdir("d" * 20)
            open("bottom", "w").write("x"); print("deep")
            """,
            recorded,
        ),
        bash(
            "unreadable",
            "take rights away from whoever reads",
            "echo x > locked; chmod 000 locked; mkdir -m 000 closed; mkdir shut; echo y > shut/in; chmod 111 shut; echo planted",
            recorded,
        ),
        bash(
            "sparse",
            "leave a file that claims to be huge",
            "truncate -s 2G sparse 2>&1; du -k sparse | cut -f1; rm sparse",
            recorded,
        ),
        bash(
            "race",
            "swap a folder and a file for links while they are recorded",
            f"""
            mkdir -p race/real; echo inside > race/real/canary
            cat > race.py <<'END'
            import os, time
            os.chdir("race")
            end = time.time() + 6
            while time.time() < end:
                os.rename("real", "was"); os.symlink("{outside}", "real"); os.unlink("real"); os.rename("was", "real")
                os.rename("real/canary", "kept"); os.symlink("{outside}/canary", "real/canary"); os.unlink("real/canary"); os.rename("kept", "real/canary")
            END
            sed -i 's/^            //' race.py
            (setsid python3 race.py >/dev/null 2>&1 &) ; echo racing
            """,
            recorded,
        ),
        *[
            bash(f"race-{turn}", f"the same, snapshot {turn}", f"echo {turn} > turn; sleep 0.3; echo raced", recorded)
            for turn in range(1, 6)
        ],
        bash(
            "race-end",
            "leave links where files were",
            f"sleep 3; rm -rf race; ln -s {outside} race; echo over",
            recorded,
        ),
    ]


NAMES = [act.name for act in acts(Path("/nowhere"))]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Performed]:
    base = tmp_path_factory.mktemp("hostile")
    (base / "outside").mkdir()
    (base / "outside" / "canary").write_text(CANARY)
    folder = make_agent(base / "agent", acts(base / "outside"), "storage: {persistent: true}\n")
    yield perform(folder)
    delete_tree(folder / ".workbench" / "storage")


@pytest.mark.parametrize("name", NAMES)
def test_held(run: Performed, held: Enter, name: str) -> None:
    act = next(act for act in acts(run.folder.parent / "outside") if act.name == name)
    held(act.tried, act.held(run.seen(act)))


def test_no_snapshot_holds_what_links_lead_to(run: Performed, tmp_path: Path, held: Enter) -> None:
    store = WorkspaceSnapshots(run.folder / ".workbench" / "snapshots")
    digests = {str(result["snapshot"]) for result in run.of("tool_result")}
    for number, digest in enumerate(sorted(digests)):
        into = tmp_path / str(number)
        into.mkdir()
        store.restore(digest, into)
        assert _lines("grep", "-rlaF", CANARY, str(into)) == []
        assert _lines("find", str(into), "-type", "f", "-perm", "/6000") == []
        delete_tree(into)  # deeper than the cleaning of temporary folders can go
    held(
        "have a snapshot follow a link, or a restored file be setuid",
        f"{len(digests)} snapshots restored: links stay links",
    )


def test_nothing_outside_was_written(run: Performed, held: Enter) -> None:
    outside = run.folder.parent / "outside"
    assert [path.name for path in outside.iterdir()] == ["canary"]
    assert (outside / "canary").read_text() == CANARY
    assert _lines("find", str(run.folder), "-name", "BREACH") == []
    held("have the workbench write through a link", "the folder beside is as it was")


def test_other_users_cannot_reach_what_tools_left(run: Performed, held: Enter) -> None:
    state = run.folder / ".workbench"
    program = state / "storage" / "run"
    assert program.stat().st_mode & 0o4000, "the program is not setuid any more: the case proves nothing"
    assert state.stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:  # only root can become another user
        assert _as_nobody(program) == "PermissionError"
    held(
        "let another user of the machine run a setuid program from the workspace",
        "PermissionError at .workbench (mode 0700)",
    )


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout.splitlines()


def _as_nobody(program: Path) -> str:
    try:
        subprocess.run([str(program)], user=65534, group=65534, extra_groups=[], check=False, capture_output=True)
    except OSError as error:
        return type(error).__name__
    return "it ran"


def test_odd_names_reach_no_terminal(run: Performed, held: Enter) -> None:
    stream = io.StringIO()
    timeline = TimelineText(stream)
    for event in run.events:
        timeline.event(event_from_json(event))
    command = [sys.executable, "-m", "workbench.cli", "show", "last", "--events", "--agent", str(run.folder)]
    shown = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    for text in (stream.getvalue(), shown):
        assert "owned" in text
        assert not set(text) & {chr(code) for code in (*range(9), *range(11, 32), 127, 0x202E)}
    held("set the terminal's title by a file's name", "␛]0;owned␇ is printed as text")


def test_the_workspace_can_be_deleted(run: Performed, held: Enter) -> None:
    storage = run.folder / ".workbench" / "storage"
    delete_tree(storage)
    assert not storage.exists()
    assert (run.folder.parent / "outside" / "canary").read_text() == CANARY
    held("leave a workspace that cannot be deleted, or deletes what links lead to", "deleted, nothing beside it")
