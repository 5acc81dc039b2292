"""The replay editor on the main screen: its plans, its texts in the user's own editor, the replays that it sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.engine.replay_plan import ReplayPlan
from workbench.tui.session import Session
from workbench.tui.widgets.replay_editor import ReplayEditor

if TYPE_CHECKING:
    from textual.screen import Screen

    from workbench.tui.live_run import LiveRun
    from workbench.tui.replay_draft import ReplayDraft

Begin = Callable[[Callable[[], "LiveRun"]], None]
"""Begins a run and shows it."""


class ReplayDesk:
    """Answers the editor of a screen. The money that a replay may cost is confirmed only where it is real money."""

    def __init__(self, screen: Screen[None], session: Session, editor: ReplayEditor, begin: Begin) -> None:
        self._screen = screen
        self._session = session
        self._editor = editor
        self._begin = begin

    def plan(self, draft: ReplayDraft) -> None:
        """Tell the editor what its draft would do and cost."""
        now = datetime.now(UTC)
        planned = draft.plan(lambda usage: self._session.prices.cost(draft.model_id, usage, now))
        sitting = self._session.sitting
        self._editor.confirm_costs = sitting is not None and sitting.offline is None
        self._editor.show_plan(planned if isinstance(planned, ReplayPlan) else planned.text, draft)

    def send(self, event: ReplayEditor.ReplayRequested) -> None:
        """Run the replay that the user wants."""
        request, draft = event.request, self._editor.draft
        text = request.edits.input if request.edits.input is not None else draft.tape.started.input if draft else ""
        self._begin(lambda: self._session.replay(request, text))

    async def edit_outside(self, event: ReplayEditor.EditExternally) -> None:
        """Let the user's own editor have a text, and give back what it made of it."""
        from workbench.tui.external_editor import NoEditorError
        from workbench.tui.outside import rewrite_outside

        try:
            self._editor.take_text(event.entry, await rewrite_outside(self._screen.app, event.text, event.suffix))
        except (NoEditorError, OSError, UnicodeDecodeError) as error:
            self._screen.notify(str(error), severity="error", timeout=10, markup=False)
