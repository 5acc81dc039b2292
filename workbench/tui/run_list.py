"""The runs that the agent's pane lists: what is stored, with what live runs have come to meanwhile laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.trace.runs import RunSummary
from workbench.trace.terminal import one_line
from workbench.tui.run_tree import Branch, tree
from workbench.tui.session import Session

_GIST = 200


class RunList:
    """Reads summaries from the session and keeps them; nothing here is drawn."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stored: Sequence[RunSummary] = ()
        self._live: dict[str, RunSummary] = {}
        self._inputs: Mapping[str, str] = {}

    async def read(self) -> None:
        """Read the newest summaries anew."""
        self._stored = await self._session.summaries()

    def name_inputs(self, inputs: Sequence[Path]) -> None:
        """Call runs of these inputs by the file's name from now on."""
        named = {}
        for path in inputs:
            try:
                named[one_line(path.read_text(encoding="utf-8"), _GIST)] = path.stem
            except (OSError, UnicodeDecodeError):
                continue
        self._inputs = named

    def update(self, summary: RunSummary) -> bool:
        """Lay a live run's summary over the stored one; says whether its run is new or its status changed."""
        before = self._live.get(summary.run_id)
        self._live[summary.run_id] = summary
        return before is None or before.status != summary.status

    @property
    def branches(self) -> Sequence[Branch]:
        """All runs as a tree, newest first."""
        known = {run.run_id: run for run in self._stored} | self._live
        return tree(sorted(known.values(), key=lambda run: (run.started_at, run.run_id), reverse=True))

    def branch(self, run_id: str) -> Branch | None:
        """One run's line of the tree."""
        return next((branch for branch in self.branches if branch.run.run_id == run_id), None)

    def name(self, run: RunSummary) -> str:
        """What the run answered: the input file's name without its ending, or the beginning of the text."""
        return self._inputs.get(run.input_gist, run.input_gist)

    def summary(self, run_id: str) -> RunSummary | None:
        """One run's summary."""
        branch = self.branch(run_id)
        return None if branch is None else branch.run

    def last_ended(self, text: str) -> str | None:
        """The id of the newest run that answered `text` and has its end."""
        gist = one_line(text, _GIST)
        ended = [branch.run for branch in self.branches if branch.run.status == "completed"]
        return max((run.run_id for run in ended if run.input_gist == gist), default=None)

    @property
    def newest(self) -> str | None:
        """The id of the newest run."""
        return max((run.run_id for run in self._stored), default=None)
