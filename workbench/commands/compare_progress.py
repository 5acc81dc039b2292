"""The progress of a comparison on the terminal: a line for each run that ends, and how it stands on the last line."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from workbench.commands.money import seconds
from workbench.commands.style import Style
from workbench.comparison.progress import JobProgress, Progress
from workbench.comparison.progress_wording import how_it_stands
from workbench.cost.amounts import usd
from workbench.trace.terminal import one_line

_EVERY = 0.2
_MARKS = {"finished": ("✓", "green"), "no result": ("✗", "red")}


class ProgressLines:
    """Pulls the progress a few times a second and writes what is new to `stream`. Use it around the comparison."""

    def __init__(self, stream: TextIO, title: str, pull: Callable[[], Progress]) -> None:
        self._stream = stream
        self._style = Style.of(stream)
        self._title = title
        self._pull = pull
        self._told: set[str] = set()
        self._live = stream.isatty()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        runs = len(self._pull().jobs)
        self._write(f"{self._title}: {runs} {'run' if runs == 1 else 'runs'}\n")
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following is not None:
            self._following.cancel()
        self._show(last=True)

    async def _follow(self) -> None:
        while True:
            self._show()
            await asyncio.sleep(_EVERY)

    def _show(self, last: bool = False) -> None:
        progress = self._pull()
        ended = [job for job in progress.jobs if job.state in _MARKS and job.job.key not in self._told]
        if self._live:
            self._write("\r\x1b[2K")
        earlier = [job for job in ended if not job.own]
        if earlier and not self._told:
            self._write(f"{len(earlier)} runs were finished before\n")
        for job in ended:
            self._told.add(job.job.key)
            if job.own:
                self._write(self._line(job) + "\n")
        if self._live and not last:
            width = shutil.get_terminal_size().columns - 1
            self._write(self._style(one_line(how_it_stands(progress), width), "dim"))

    def _line(self, progress: JobProgress) -> str:
        mark, colour = _MARKS[progress.state]
        what, summary = progress.job.label, progress.summary
        if summary is None:
            return f"{self._style(mark, colour)} {one_line(what)}"
        end = f"{summary.error}: {summary.outcome_gist}" if summary.error else summary.outcome_gist
        cost = usd(summary.costs.total if summary.costs else None)
        text = f"{what}  {cost}  {seconds(summary.duration)}  {end or ''}"
        return f"{self._style(mark, colour)} {one_line(text, 160)}"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
