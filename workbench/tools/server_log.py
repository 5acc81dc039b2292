"""What a server says besides its answers: kept for error messages, shown as notices, never more than a person reads."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from workbench.tools.text import one_line
from workbench.tools.toolbox import NoticeSink
from workbench.trace.events import Notice

LINE_LENGTH = 500
"""Characters of a line that are kept."""
PARTIAL_LENGTH = 8 * 1024
"""Characters of a line that are kept while its end has not come."""
TAIL_LINES = 15
"""Last lines of a server that an error message shows."""
BURST = 20
"""Lines that are shown at once."""
PER_SECOND = 1.0
"""Lines a second that are shown after a burst; the others are counted."""


class ServerLog:
    """The lines of one server. `conceal` takes out what must not be shown."""

    def __init__(
        self,
        server: str,
        notices: NoticeSink,
        conceal: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._notices = notices
        self._conceal = conceal
        self._clock = clock
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._allowance = float(BURST)
        self._last = clock()
        self._hidden = 0
        self._partial = ""

    def stderr(self, text: str) -> None:
        """Take in what the server wrote to stderr, in pieces as they come."""
        *lines, rest = text.split("\n")
        for line in lines:
            self.line(self._partial + line)
            self._partial = ""
        self._partial = (self._partial + rest)[:PARTIAL_LENGTH]

    def line(self, text: str, source: str = "stderr") -> None:
        """Take in one line, and show it if not too many came."""
        line = self.fit(text)
        if not line:
            return
        self._tail.append(line)
        if not self._may_show():
            self._hidden += 1
            return
        self._tell_hidden()
        self._notices(Notice("server", f"{self._server} ({source}): {line}", data={"server": self._server}))

    def remember(self, text: str) -> None:
        """Keep a line for error messages without showing it now."""
        self._tail.append(self.fit(text))

    def notice(self, text: str, *, warning: bool = True) -> None:
        """Tell the user something about the server, always."""
        level: Literal["info", "warning"] = "warning" if warning else "info"
        self._notices(Notice("server", self.fit(text), level, {"server": self._server}))

    def close(self) -> None:
        """Show what is left: a line without an end, and how many lines were not shown."""
        partial, self._partial = self._partial, ""
        self.line(partial)
        self._tell_hidden()

    @property
    def last(self) -> str:
        """The last line, empty if there is none."""
        return self._tail[-1] if self._tail else ""

    def tail(self) -> str:
        """The last lines as an error message appends them, empty if there are none."""
        lines = [*self._tail, *filter(None, [self.fit(self._partial)])][-TAIL_LINES:]
        return "\nIts last lines:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""

    def fit(self, text: str) -> str:
        """`text` without secrets, as one line of bounded length."""
        return one_line(self._conceal(text), LINE_LENGTH)

    def _tell_hidden(self) -> None:
        if self._hidden:
            hidden, self._hidden = self._hidden, 0
            self.notice(f"{self._server}: {hidden} more lines were not shown", warning=False)

    def _may_show(self) -> bool:
        now = self._clock()
        self._allowance = min(float(BURST), self._allowance + (now - self._last) * PER_SECOND)
        self._last = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
