"""What can go wrong with a trace or its store, said to a person."""

from __future__ import annotations


class StoreError(Exception):
    """The store could not be opened, read or written. `str` tells a person what happened and what to do."""


class RunNotFoundError(StoreError):
    """No run, or more than one, is meant by what was asked for."""


class SequenceError(StoreError):
    """An event does not follow the last one of its run: a gap, a repetition, or something after the end."""


class EventFormatError(ValueError):
    """Data is no event as this version of the workbench knows it; `str` names the field and what was expected."""


class TraceFormatError(ValueError):
    """An exported trace cannot be read. `line` counts from 1."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
