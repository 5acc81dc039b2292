"""Permission questions on the command line."""

from __future__ import annotations

import asyncio
import json
import sys

from workbench.engine.world import Answer, Ask, Question, nobody_to_ask
from workbench.trace.gist import call_text
from workbench.trace.terminal import one_line, printable

_MOST_SHOWN = 2_000


def asking(*, grant_all: bool, as_json: bool) -> Ask:
    """Whom a run asks: nobody if all is granted beforehand; the user at a terminal; else every question is refused."""
    if grant_all:
        return _granted
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return nobody_to_ask
    return Terminal()


async def _granted(question: Question) -> Answer:
    return Answer(True, "granted by --yes")


class Terminal:
    """Asks at the terminal, one question after the other."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def __call__(self, question: Question) -> Answer:
        """Show the call and wait for a line: yes, no, always, or a reason to refuse."""
        async with self._one:
            print(f"\nstep {question.step}: {one_line(call_text(question.tool, question.arguments), 200)}")
            whole = json.dumps(question.arguments, indent=2, ensure_ascii=False)
            print(printable(whole[:_MOST_SHOWN], keep="\n"))
            print("allow? [y]es, [n]o, [a]lways for this tool, or a reason to refuse: ", end="", flush=True)
            return _answer((await _line()).strip())


def _answer(said: str) -> Answer:
    if said.lower() in ("y", "yes"):
        return Answer(True)
    if said.lower() in ("a", "always"):
        return Answer(True, "always in this run", always=True)
    if said.lower() in ("", "n", "no"):
        return Answer(False)
    return Answer(False, said)


async def _line() -> str:
    """The next line of standard input; waiting for it can be cancelled."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin.fileno())
