"""What a server says besides its answers."""

from __future__ import annotations

from workbench.tools.server_log import BURST, ServerLog
from workbench.trace.events import Notice


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_become_notices(notices: list[Notice]) -> None:
    log = ServerLog("docs", notices.append)
    for piece in ("one\n\n\x1b[1mt", "wo\x1b[0", "m\n"):
        log.stderr(piece)
    assert notices == [
        Notice("server", "docs (stderr): one", data={"server": "docs"}),
        Notice("server", "docs (stderr): two", data={"server": "docs"}),
    ]


def test_a_flood_is_counted_not_shown(notices: list[Notice]) -> None:
    clock = Clock()
    log = ServerLog("docs", notices.append, clock=clock)
    for number in range(1000):
        log.line(f"line {number}")
    assert len(notices) == BURST
    clock.now = 1.5
    log.line("later")
    assert [notice.text for notice in notices[BURST:]] == [
        f"docs: {1000 - BURST} more lines were not shown",
        "docs (stderr): later",
    ]


def test_what_was_hidden_is_told_at_the_end(notices: list[Notice]) -> None:
    log = ServerLog("docs", notices.append, clock=Clock())
    log.stderr("x\n" * (BURST + 3))
    log.close()
    log.close()
    assert [notice.text for notice in notices[BURST:]] == ["docs: 3 more lines were not shown"]


def test_the_tail_is_short_and_without_secrets(notices: list[Notice]) -> None:
    log = ServerLog("docs", notices.append, conceal=lambda text: text.replace("hunter2", "${TOKEN}"))
    log.stderr("\n".join(f"{number} hunter2 {'x' * 2000}" for number in range(50)))
    tail = log.tail()
    assert "49 ${TOKEN}" in tail
    assert "hunter2" not in tail + "".join(notice.text for notice in notices)
    assert len(tail) < 9000
    assert tail.startswith("\nIts last lines:\n  35 ")


def test_a_line_without_an_end_is_not_lost_and_not_endless(notices: list[Notice]) -> None:
    log = ServerLog("docs", notices.append)
    for _ in range(100):
        log.stderr("y" * 1000)
    assert not notices
    assert "yyy" in log.tail()
    log.close()
    assert len(notices) == 1
    assert len(notices[0].text) < 600
