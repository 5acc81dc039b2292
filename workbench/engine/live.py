"""Streaming text on its way to a screen, without secrets: a model that could work one out could also spell it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from workbench.definition.secrets import Redactor
from workbench.model.conversation import Delta


class LiveRedactor:
    """Hands the pieces of replies on to `show`. What may be the beginning of a secret waits for the piece after it."""

    def __init__(self, redactor: Redactor, show: Callable[[Delta], None]) -> None:
        self._redactor = redactor
        self._show = show
        self._stream = redactor.stream()
        self._last = Delta("reset")

    def feed(self, delta: Delta) -> None:
        """Take a piece. One of another kind or tool begins another text; `reset` drops what waits."""
        if self._redactor.is_empty:
            self._show(delta)
            return
        if delta.kind == "reset":
            self._stream = self._redactor.stream()
            self._show(delta)
        else:
            if (delta.kind, delta.tool) != (self._last.kind, self._last.tool):
                self.flush()
            text = self._stream.feed(delta.text)
            if text or not delta.text:
                self._show(replace(delta, text=text))
        self._last = delta

    def flush(self) -> None:
        """Show what waits: the text is over."""
        rest = self._stream.flush()
        if rest:
            self._show(replace(self._last, text=rest))
