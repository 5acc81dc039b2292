"""Which tool calls belong to one turn, and which result answers which call: the bracket beside a timeline's rows.

    ┏1 tool_call    ┌  tool_call
    ┣2 tool_call    └  tool_result
    ┣2 tool_result
    ┗1 tool_result

A heavy bracket with numbers joins calls that the model issued at once; a result bears the number of its call. A light
bracket is a turn with one call. The bracket of a turn that still waits for results stays open.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.trace.rows import EventRow

_HEAVY, _LIGHT = ("┏", "┣", "┗", "┃"), ("┌", "├", "└", "│")


class _Turn:
    """The calls of one step and how far they are answered."""

    __slots__ = ("answered", "calls", "first", "last")

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.calls: list[str | None] = []
        self.answered = 0


class Turns:
    """The turns of a run that called tools, by their step."""

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}

    def extend(self, rows: Iterable[EventRow]) -> None:
        """Take more rows of the run, in order."""
        turns = self._turns
        for row in rows:
            if row.type == "tool_call":
                turn = turns.get(row.step)
                if turn is None:
                    turn = turns[row.step] = _Turn(row.seq)
                turn.calls.append(row.call_id)
                turn.last = row.seq
            elif row.type == "tool_result" and row.step in turns:
                turns[row.step].answered += 1
                turns[row.step].last = row.seq

    def mark(self, row: EventRow) -> str:
        """The piece of the bracket beside a row, with the call's number in a turn of several; empty when outside."""
        turn = self._turns.get(row.step)
        if turn is None or not turn.first <= row.seq <= turn.last:
            return ""
        parallel = len(turn.calls) > 1
        first, middle, last, beside = _HEAVY if parallel else _LIGHT
        if row.type not in ("tool_call", "tool_result"):
            return beside
        number = str(self._number(turn, row) or "") if parallel else ""
        if row.seq == turn.first:
            return first + number
        closed = row.seq == turn.last and turn.answered >= len(turn.calls)
        return (last if closed else middle) + number

    def call_number(self, row: EventRow) -> int | None:
        """Which call of its turn a call is, or a result answers, from 1; None when that is not known."""
        turn = self._turns.get(row.step)
        return None if turn is None else self._number(turn, row)

    @staticmethod
    def _number(turn: _Turn, row: EventRow) -> int | None:
        if row.call_id is None or row.call_id not in turn.calls:
            return None
        return turn.calls.index(row.call_id) + 1
