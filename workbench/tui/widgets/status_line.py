"""The top line: which agent, who answers as its model, whether gVisor is proven, what may leave, what is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from workbench.trace.terminal import one_line
from workbench.tui.amounts import short_money

GVisor = Literal["proven", "absent", "not yet proven", "no sandbox"]


@dataclass(frozen=True, slots=True)
class Status:
    """What the top line says. Money is USD."""

    agent: str
    model: str = ""
    answered_by: str = ""
    offline: bool = False
    gvisor: GVisor | None = None
    kernel: str = ""
    allow: Sequence[str] | None = None
    on_save: str = ""
    broken: bool = False
    running: int = 0
    spent: Decimal | None = None
    limit: Decimal | None = None
    busy: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    style: str
    rank: int
    """What gives way first on a narrow screen has the highest rank."""


class StatusLine(Widget):
    """One line; on a narrow screen what matters least is left out."""

    DEFAULT_CSS = """
    StatusLine { height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """

    status: reactive[Status] = reactive(Status(""))

    def __init__(self, status: Status) -> None:
        super().__init__()
        self.set_reactive(StatusLine.status, status)

    def render(self) -> Content:
        """The pieces that fit."""
        return line(self.status, self.content_size.width)


def line(status: Status, width: int) -> Content:
    """The status on one line of at most `width` cells, as far as its first piece fits."""
    pieces = _pieces(status)
    while len(pieces) > 1 and _width(pieces) > width:
        pieces.remove(max(pieces, key=lambda piece: piece.rank))
    parts: list[tuple[str, str]] = []
    for number, piece in enumerate(pieces):
        if number:
            parts.append(("  ·  ", "$foreground 30%"))
        parts.append((piece.text, piece.style))
    return Content.assemble(*parts)


def _width(pieces: Sequence[_Piece]) -> int:
    return sum(Content(piece.text).cell_length for piece in pieces) + 5 * (len(pieces) - 1)


def _pieces(status: Status) -> list[_Piece]:
    pieces = [_Piece(one_line(status.agent, 40), "bold $foreground", 0)]
    if status.broken:
        pieces.append(_Piece("✗ files have problems", "bold $error", 1))
    if status.model:
        pieces.append(_Piece(one_line(status.model, 40), "$secondary", 3))
    if status.answered_by:
        style = "bold $warning" if status.offline else "$success"
        pieces.append(_Piece(one_line(status.answered_by, 60), style, 1))
    if status.gvisor is not None:
        pieces.append(_gvisor(status.gvisor, status.kernel))
    if status.allow is not None:
        allowed = f"egress {', '.join(status.allow)}" if status.allow else "no egress"
        pieces.append(_Piece(one_line(allowed, 48), "$foreground 70%", 6))
    if status.on_save:
        pieces.append(_Piece(status.on_save, "$foreground 70%", 5))
    if status.running:
        running = "running" if status.running == 1 else f"{status.running} running"
        pieces.append(_Piece(f"● {running}", "bold $accent", 1))
    elif status.busy:
        pieces.append(_Piece(status.busy, "$foreground 60%", 4))
    if status.spent is not None and status.limit is not None:
        blown = status.spent >= status.limit
        spent = f"fuse {short_money(status.spent)} of ${status.limit:,.2f}"
        pieces.append(_Piece(spent, "bold $error" if blown else "$foreground 70%", 4))
    return pieces


def _gvisor(state: GVisor, kernel: str) -> _Piece:
    match state:
        case "proven":
            return _Piece(f"gVisor proven{f' ({one_line(kernel, 12)})' if kernel else ''}", "$success", 2)
        case "absent":
            return _Piece("NOT in gVisor", "bold $error", 0)
        case "not yet proven":
            return _Piece("gVisor not yet proven", "$foreground 60%", 5)
        case "no sandbox":
            return _Piece("no sandbox needed", "$foreground 60%", 7)
