"""The whole program in a real terminal, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import workbench
from tests.e2e.terminal import Terminal, terminal
from tests.engine.conftest import HTTP_AGENT, LOOK_UP, PROMPT, Agent

BY_PROMPT = """
    version: 1
    pace: {first_token: 0, tokens_per_second: 0}
    rules:
      - when: {called: {facts: 0}}
        reply:
          text: I look it up.
          calls: [{tool: facts, arguments: {method: GET, path: /one}}]
      - when: {system: {contains: loudly}}
        reply: {text: "FOUND IT LOUDLY"}
      - reply: {text: "found it"}
    http:
      facts:
        - {request: GET /one, text: first fact}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent that needs no sandbox, whose answer depends on its prompt."""
    made = Agent(tmp_path / "looker")
    made.write("prompt.md", PROMPT)
    made.write("agent.yaml", HTTP_AGENT)
    made.write("offline.yaml", BY_PROMPT)
    made.write("inputs/first.txt", "what is it?")
    return made


def loaded(shown: Terminal) -> None:
    shown.see("looker", "OFFLINE SCRIPT", "watching")


def filter_by(shown: Terminal, text: str, *, before: str = "") -> None:
    """Type a filter; `before` is the one that is there."""
    shown.press("f")
    shown.see("esc Cancel")
    for _ in before:
        shown.press("backspace")
    shown.press(text)
    shown.wait(lambda shown_text: f"filter {text}".rstrip() in " ".join(shown_text.split()))
    shown.press("enter")
    shown.unsee("esc Cancel")


def leave(shown: Terminal) -> None:
    shown.press("ctrl+q")
    assert shown.ended() == 0
    shown.assert_restored()


@pytest.mark.docker
def test_a_sample_from_the_first_start_to_a_re_run_on_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with terminal(width=160, height=50, home=tmp_path) as shown:
        shown.see("There is no agent.yaml", "support-triage")
        shown.press("G", "k", "enter")  # the last but one is the last sample
        shown.see("support-triage", "OFFLINE SCRIPT", "ticket-4813.json")
        assert (tmp_path / "support-triage" / "agent.yaml").is_file()

        shown.press("1")
        shown.see("⏎ Edit")
        shown.press("tab")
        shown.see("⏎ Run it")
        shown.press("j", "enter")  # the second input
        shown.see("gVisor proven", "■ done")
        for kind in ("▶ start", "! notice", "→ request", "← reply", "message", "⚒ call", "↳ result"):
            shown.press("g") if kind == "▶ start" else None
            shown.see(kind)
        shown.see("ticket-4813")

        filter_by(shown, "kind:call")
        shown.unsee("→ request")
        filter_by(shown, "", before="kind:call")
        shown.see("→ request")

        shown.press("m")
        shown.see("re-runs on save")
        prompt = tmp_path / "support-triage" / "prompt.md"
        text = prompt.read_text()
        prompt.write_text(text.replace("Never promise a refund or a date for a fix. ", ""))
        shown.see("running with it", "Never promise")
        shown.see("the second charge will be", seconds=60)
        leave(shown)
    listed = workbench("runs", tmp_path / "support-triage", "--json").out
    assert listed.count('"status": "completed"') == 2
    assert '"trigger": "save"' in listed


def test_a_save_is_shown_and_the_next_run_has_it(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path) as shown:
        loaded(shown)
        shown.press("r")
        shown.see("■ done", "found it")
        agent.write("prompt.md", PROMPT + "Say it loudly.\n")
        shown.see("+ Say it loudly.", "live: the next run has it")
        shown.press("r")
        shown.see("FOUND IT LOUDLY")
        leave(shown)


def test_a_broken_save_keeps_the_last_good_definition(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path) as shown:
        loaded(shown)
        agent.write("agent.yaml", HTTP_AGENT.replace("system_prompt", "systemprompt"))
        shown.see("files have problems", "unknown key 'systemprompt'", "the last good definition stays")
        shown.press("r")
        shown.see("■ done")
        agent.write("agent.yaml", HTTP_AGENT)
        shown.unsee("files have problems")
        leave(shown)


def test_an_agent_that_is_broken_from_the_start_opens_once_it_is_right(agent: Agent, tmp_path: Path) -> None:
    agent.write("agent.yaml", "name: looker\n")
    with terminal(agent.folder, home=tmp_path) as shown:
        shown.see("files have problems", "1:1")
        shown.press("r")
        shown.see("cannot run until")
        agent.write("agent.yaml", HTTP_AGENT)
        shown.see("OFFLINE SCRIPT")
        shown.press("r")
        shown.see("■ done")
        leave(shown)


def test_the_prompt_is_edited_here_and_run_with_a_change_on_disk_meanwhile_merged(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, home=tmp_path) as shown:
        loaded(shown)
        shown.press("p")
        shown.see("You look things up", "saved")
        shown.press("down")
        shown.wait(lambda _: shown.cursor[1] == 2)
        shown.press("Say it loudly.", "enter")
        shown.see("not saved", "Say it loudly.")
        agent.write("prompt.md", "Be quick.\n" + PROMPT)
        shown.see("Another program saved prompt.md", "f7")
        shown.press("ctrl+s")
        assert (agent.folder / "prompt.md").read_text() == "Be quick.\n" + PROMPT
        shown.press("f7")
        shown.unsee("Another program")
        shown.press("ctrl+r")
        shown.see("FOUND IT LOUDLY")
        leave(shown)
    assert (agent.folder / "prompt.md").read_text() == f"Be quick.\n{PROMPT}Say it loudly.\n"


def test_the_users_own_editor_gets_the_terminal(agent: Agent, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "EDITING $1"\nread line\necho "$line" >> "$1"\n')
    editor.chmod(0o755)
    with terminal(agent.folder, home=tmp_path, EDITOR=str(editor)) as shown:
        loaded(shown)
        shown.press("P")
        shown.see("EDITING")
        shown.press("Say it loudly.\r")
        shown.see("+ Say it loudly.", "looker")
        leave(shown)


def test_the_screen_is_as_it_was_left(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=170, height=50, home=tmp_path) as shown:
        loaded(shown)
        shown.press("r")
        shown.see("■ done")
        shown.press("m")
        shown.see("re-runs on save")
        before = _column_of(shown, "2 timeline")
        shown.press("1")
        shown.see("⏎ Edit")
        shown.press(">", ">")
        shown.wait(lambda text: _column_of(shown, "2 timeline") == before + 8)
        shown.press("2")
        shown.see("/ Search")
        filter_by(shown, "kind:call")
        shown.unsee("→ request")
        leave(shown)
    with terminal(agent.folder, width=170, height=50, home=tmp_path) as shown:
        shown.see("looker", "re-runs on save", "⚒ call")
        shown.unsee("→ request")
        assert _column_of(shown, "2 timeline") == before + 8
        leave(shown)


def _column_of(shown: Terminal, text: str) -> int:
    return next((line.index(text) for line in shown.text.splitlines() if text in line), -1)


def test_panes_become_tabs_and_come_back_as_the_terminal_changes(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=170, height=50, home=tmp_path) as shown:
        loaded(shown)
        shown.see("1 agent", "2 timeline", "3 cost", "4 replay", "first.txt")
        shown.resize(80, 24)
        shown.wait(lambda text: "first.txt" not in text and "3 cost" in text)
        shown.press("1")
        shown.see("first.txt")
        shown.press("3")
        shown.see("No run yet")
        shown.resize(120, 40)
        shown.wait(lambda text: "first.txt" not in text and "2 timeline" in text)
        shown.resize(170, 50)
        shown.see("first.txt", "No run yet")
        leave(shown)


def test_a_text_of_ones_own_runs_and_stops(agent: Agent, tmp_path: Path) -> None:
    long = "I look it up, " + "which takes long, " * 30
    agent.write(
        "offline.yaml",
        LOOK_UP.replace("tokens_per_second: 0", "tokens_per_second: 5").replace("I look it up.", long),
    )
    with terminal(agent.folder, home=tmp_path) as shown:
        loaded(shown)
        shown.press("i")
        shown.see("What shall the agent answer?")
        shown.press("what about this")
        shown.see("what about this")
        shown.press("ctrl+r")
        shown.see("● running", "what about this", "I look")
        shown.press("escape")
        shown.see("cancelled")
        shown.unsee("● running")
        leave(shown)


def test_quitting_while_a_run_goes_on_asks_first(agent: Agent, tmp_path: Path) -> None:
    agent.write("offline.yaml", LOOK_UP.replace("tokens_per_second: 0", "tokens_per_second: 2"))
    with terminal(agent.folder, home=tmp_path) as shown:
        loaded(shown)
        shown.press("r")
        shown.see("▶ start")
        shown.press("ctrl+q")
        shown.see("A run goes on.")
        shown.press("n")
        shown.unsee("A run goes on.")
        shown.press("ctrl+q")
        shown.see("A run goes on.")
        shown.press("y")
        assert shown.ended() == 0
        shown.assert_restored()
    assert '"error": "cancelled"' in workbench("runs", agent.folder, "--json").out


def test_everything_is_found_through_help_and_the_palette(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, width=140, height=70, home=tmp_path) as shown:
        loaded(shown)
        shown.press("?")
        shown.see("Run the chosen input", "Fire a webhook or cron trigger by hand", "main.on_save", "timeline.filter")
        shown.press("q")
        shown.see("first.txt")
        shown.press("ctrl+p")
        shown.see("run first.txt")
        shown.press("workbench-light")
        shown.wait(lambda text: text.count("theme:") == 1)
        shown.press("enter")
        shown.unsee("theme: workbench-light")
        leave(shown)


def test_keys_can_be_others(agent: Agent, tmp_path: Path) -> None:
    settings = tmp_path / "config" / "agent-workbench" / "screen.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("keys: {main.run: f5, main.nothing: f6}\nthme: x\n")
    with terminal(agent.folder, home=tmp_path) as shown:
        loaded(shown)
        shown.see("f5 Run", "'thme'", "main.nothing")
        shown.press("f5")
        shown.see("■ done")
        leave(shown)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"COLORTERM": "", "TERM": "xterm"}])
def test_without_colours_it_says_the_same(agent: Agent, tmp_path: Path, variables: dict[str, str]) -> None:
    with terminal(agent.folder, home=tmp_path, width=120, height=40, **variables) as shown:
        loaded(shown)
        shown.press("r")
        shown.see("■ done", "⚒ call", "✓")
        leave(shown)


HOSTILE = "\x1b]2;PWNED\x1b\\\x1b]52;c;UFdORUQ=\x07\x1b[2J\x9b31m\u202e"


def test_hostile_text_never_reaches_the_terminal(
    agent: Agent, tmp_path: Path, write_json: Callable[[str, object], None]
) -> None:
    script = {
        "version": 1,
        "pace": {"first_token": 0, "tokens_per_second": 0},
        "rules": [
            {
                "when": {"called": {"facts": 0}},
                "reply": {
                    "text": f"said {HOSTILE}",
                    "calls": [{"tool": "facts", "arguments": {"method": "GET", "path": "/one"}}],
                },
            },
            {"reply": {"text": f"done {HOSTILE} end"}},
        ],
        "http": {"facts": [{"request": "GET /one", "text": f"fact {HOSTILE} fact"}]},
    }
    write_json("offline.yaml", script)
    agent.write("inputs/first.txt", f"input {HOSTILE}")
    (agent.folder / "prompt.md").write_text(f"prompt {HOSTILE}\n")
    with terminal(agent.folder, width=170, height=50, home=tmp_path) as shown:
        loaded(shown)
        shown.press("r")
        shown.see("■ done")
        for key in ("k", "k", "k", "k", "k", "k", "k", "k"):
            shown.press(key, "enter", "enter")
        (agent.folder / "prompt.md").write_text(f"another {HOSTILE}\n")
        shown.see("another")
        shown.press("p")
        shown.see("saved")
        shown.press("escape")
        shown.see("■ done")
        leave(shown)
    for sequence in (b"\x1b]2;PWNED", b"\x1b]52;c;UFdO", b"\xc2\x9b31m", "\u202e".encode()):
        assert sequence not in shown.raw


@pytest.fixture
def write_json(agent: Agent) -> Callable[[str, object], None]:
    """Writes a file of the agent as JSON, which is YAML too."""
    import json

    def write(name: str, content: object) -> None:
        (agent.folder / name).write_text(json.dumps(content))

    return write


def test_the_terminal_is_asked_for_its_size_whatever_the_environment_says(agent: Agent, tmp_path: Path) -> None:
    with terminal(agent.folder, "--offline", width=200, height=40, home=tmp_path, COLUMNS="80", LINES="24") as shown:
        shown.see("1 agent", "2 timeline", "3 cost", "4 replay", "first.txt")
