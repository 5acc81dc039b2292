"""Turns what happens in a run into numbered, redacted events and hands each to the store before anything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from workbench.definition.secrets import Redactor
from workbench.engine.world import Clock
from workbench.trace.events import Event, EventData, Notice

T = TypeVar("T")


class Recorder:
    """The one place where a run's events are made. After the end event nothing more is recorded."""

    def __init__(self, run_id: str, clock: Clock, redactor: Redactor, record: Callable[[Event], None]) -> None:
        self._run_id = run_id
        self._clock = clock
        self._redactor = redactor
        self._record = record
        self._began = clock.monotonic()
        self._ended = False
        self.last_seq = 0
        self.step = 0

    @property
    def offset(self) -> float:
        """Seconds since the run began."""
        return self._clock.monotonic() - self._began

    def __call__(self, data: EventData, *, step: int | None = None, last: bool = False) -> None:
        """Record `data` as the run's next event, at `step` or the current one; `last` closes the trace."""
        if self._ended:
            return
        self._ended = last
        self.last_seq += 1
        event = Event(
            run_id=self._run_id,
            seq=self.last_seq,
            step=self.step if step is None else step,
            at=self._clock.now(),
            offset=round(self.offset, 6),
            data=redacted(data, self._redactor),
        )
        self._record(event)

    def notice(self, notice: Notice) -> None:
        """Record a notice."""
        self(notice)


def redacted(data: T, redactor: Redactor) -> T:
    """`data` with every secret value in it replaced, in nested data classes and JSON too."""
    if redactor.is_empty:
        return data
    return cast(T, _redacted(data, redactor))


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _redacted(getattr(value, f.name), redactor) for f in fields(value)})
    if isinstance(value, dict):
        return {redactor.text(str(key)): _redacted(item, redactor) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item, redactor) for item in value]
    return value
