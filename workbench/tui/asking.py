"""Permission questions of runs, waiting for whoever is at the screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.engine.world import Answer, Question


@dataclass(eq=False)
class Asked:
    """One question that waits for its answer."""

    question: Question
    answered: asyncio.Future[Answer]


@dataclass
class Asking:
    """The open questions, oldest first. A run that is cancelled takes its question back."""

    open: list[Asked] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        """For the engine: wait for the user's answer."""
        asked = Asked(question, asyncio.get_running_loop().create_future())
        self.open.append(asked)
        try:
            return await asked.answered
        finally:
            self.open.remove(asked)

    def answer(self, asked: Asked, answer: Answer) -> None:
        """Answer a question, if it is still open."""
        if not asked.answered.done():
            asked.answered.set_result(answer)
