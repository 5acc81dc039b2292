"""However the screen ends, the terminal is as it was, runs are closed or can be resumed, and no process is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import workbench
from tests.e2e.terminal import Terminal, alive, terminal, wait_until
from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent

SLOW = LOOK_UP.replace("tokens_per_second: 0", "tokens_per_second: 6").replace(
    "I look it up.",
    "I look it up, and while I do I tell you at length what I am doing and why it takes so long, "
    + "so very long, " * 20,
)


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent that needs no sandbox."""
    made = Agent(tmp_path / "looker")
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT)
    made.write("offline.yaml", LOOK_UP)
    made.write("inputs/first.txt", "what is it?")
    return made


def begin(shown: Terminal) -> None:
    shown.see("looker", "OFFLINE SCRIPT", "first.txt")


def begin_run(shown: Terminal) -> None:
    begin(shown)
    shown.press("r")
    shown.see("I look it up")


def test_quitting_gives_the_terminal_back(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path) as shown:
        begin(shown)
        shown.press("ctrl+q")
        assert shown.ended() == 0
        shown.assert_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("to", ["guard", "screen"])
def test_a_signal_ends_the_run_and_gives_the_terminal_back(
    agent: Agent, tmp_path: Path, number: signal.Signals, to: str
) -> None:
    agent.write("offline.yaml", SLOW)
    with terminal(agent.folder, home=tmp_path) as shown:
        begin_run(shown)
        screen = shown.screen_process
        os.kill(screen if to == "screen" else int(shown.child.pid), number)
        assert shown.ended() == 128 + number
        shown.assert_restored()
        wait_until(lambda: not alive(screen))
    listed = workbench("runs", agent.folder, "--json")
    assert '"status": "failed"' in listed.out
    assert '"error": "interrupted"' in listed.out


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_screen_leaves_a_sane_terminal_and_a_run_that_can_be_resumed(
    agent: Agent, tmp_path: Path, number: signal.Signals
) -> None:
    agent.write("offline.yaml", SLOW)
    with terminal(agent.folder, home=tmp_path) as shown:
        begin_run(shown)
        os.kill(shown.screen_process, number)
        assert shown.ended() == 128 + number
        shown.assert_restored()
        assert b"its runs are stored" in shown.raw.lower()
    assert '"status": "interrupted"' in workbench("runs", agent.folder, "--json").out


def test_a_killed_guard_does_not_leave_a_screen_behind(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path) as shown:
        begin(shown)
        screen = shown.screen_process
        os.kill(int(shown.child.pid), signal.SIGKILL)
        wait_until(lambda: shown.read(0.01) is False or not alive(screen))
        wait_until(lambda: not alive(screen))


def test_a_closed_terminal_ends_the_screen_and_closes_the_run(agent: Agent, tmp_path: Path) -> None:
    agent.write("offline.yaml", SLOW)
    with terminal(agent.folder, home=tmp_path) as shown:
        begin_run(shown)
        guard, screen = int(shown.child.pid), shown.screen_process
        shown.hang_up()
        wait_until(lambda: not alive(screen) and not alive(guard))
    assert '"error": "interrupted"' in workbench("runs", agent.folder, "--json").out


def test_a_run_does_not_wait_for_a_terminal_that_takes_nothing(agent: Agent, tmp_path: Path) -> None:
    flood = "so very long, " * 3000
    agent.write(
        "offline.yaml",
        LOOK_UP.replace("tokens_per_second: 0", "tokens_per_second: 4000").replace("I look it up.", flood),
    )
    with terminal(agent.folder, home=tmp_path, width=200, height=60) as shown:
        begin(shown)
        shown.press("r")
        # nothing is read any more: the terminal is full after a few frames
        wait_until(lambda: '"status": "completed"' in workbench("runs", agent.folder, "--json").out)
        os.kill(shown.screen_process, signal.SIGTERM)
        screen = shown.screen_process
        wait_until(lambda: not alive(screen))
        assert shown.ended() == 128 + signal.SIGTERM


def test_a_terminal_that_takes_nothing_gets_a_whole_frame_once_it_does(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path, width=200, height=60) as shown:
        begin(shown)
        for _ in range(60):
            shown.press("1", "2", "3", "4")
        shown.see("looker", "first.txt", "4 replay")
        shown.press("ctrl+q")
        assert shown.ended() == 0
        shown.assert_restored()


def test_the_shell_can_stop_and_continue_it(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path) as shown:
        begin(shown)
        shown.press("ctrl+z")
        guard = int(shown.child.pid)
        wait_until(lambda: shown.read(0.01) and Path(f"/proc/{guard}/stat").read_text().split()[2] == "T")
        shown.assert_restored()
        os.kill(guard, signal.SIGCONT)
        shown.wait(lambda _: shown.raw.rfind(b"?1049h") > shown.raw.rfind(b"?1049l"))
        begin(shown)
        shown.press("ctrl+q")
        assert shown.ended() == 0


def test_without_a_terminal_it_says_what_to_do_instead(agent: Agent) -> None:
    ran = workbench(agent.folder)
    assert ran.code == 2
    assert "workbench run" in ran.err


def test_a_dumb_terminal_is_told_what_to_do_instead(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path, TERM="dumb") as shown:
        assert shown.ended() == 2
        assert b"workbench run" in shown.raw
