"""Puts the permission questions of runs before the user, one at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.tui.session import Session

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.worker import Worker

    from workbench.tui.asking import Asked


class PermissionDesk:
    """Looked at once for each frame."""

    def __init__(self, screen: Screen[None], session: Session) -> None:
        self._screen = screen
        self._session = session
        self._asked: Asked | None = None
        self._worker: Worker[None] | None = None

    def look(self) -> None:
        """Ask the oldest open question; take one away when its run no longer asks."""
        waiting = self._session.asking.open
        if self._asked is not None and self._asked not in waiting:
            self._asked = None
            if self._worker is not None:
                self._worker.cancel()
        if self._asked is None and waiting:
            self._asked = waiting[0]
            self._worker = self._screen.run_worker(self._ask(waiting[0]), group="permission")

    async def _ask(self, asked: Asked) -> None:
        from workbench.tui.screens.permission import PermissionScreen

        definition = self._session.definition
        question = PermissionScreen(asked.question, definition.name if definition is not None else "")
        try:
            answer = await self._screen.app.push_screen_wait(question)
        except asyncio.CancelledError:
            if question.is_attached:
                question.dismiss(None)
            raise
        if answer is not None:
            self._session.asking.answer(asked, answer)
