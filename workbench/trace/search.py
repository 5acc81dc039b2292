"""Searching the store for text.

There is no index: a search reads the events, newest run first, and stops when it has enough. An index of all text would
double the store and slow every append down, for something that a person does now and then; reading is quick enough
(some 100 MB of text a second). Requests and replies are passed over unless asked for, because what they hold is in the
other events too: it is reasoning, messages, tool calls and results.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.jsontypes import JsonValue
from workbench.trace.blobs import expand, load_blob, references
from workbench.trace.codec import parsed_json, stored_json
from workbench.trace.events import EVENT_TYPES
from workbench.trace.reading import damage_reported
from workbench.trace.terminal import one_line

SEARCHED_TYPES = tuple(name for name in EVENT_TYPES if name not in ("model_request", "model_response"))
"""The types of events that a search looks at unless told otherwise."""

_BEFORE, _AFTER = 40, 120


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that says what was searched for. `excerpt` is the place on one line, safe to print."""

    run_id: str
    seq: int
    step: int
    type: str
    gist: str
    excerpt: str


def search_events(
    connection: sqlite3.Connection, text: str, *, run_id: str | None, types: Sequence[str] | None, limit: int
) -> Sequence[Hit]:
    """The first `limit` events that say `text`, in any case; of one run, if it is named.

    Searched are the gist and every string in the data, names of fields excepted.
    """
    needle = text.casefold()
    if not needle:
        return []
    seeker = _Seeker(connection, needle)
    hits: list[Hit] = []
    for run, seq, step, kind, gist, data in _candidates(connection, run_id, types or SEARCHED_TYPES):
        with damage_reported(f"event {seq} of run {run}"):
            place = seeker.place_in(gist, data)
        if place is not None:
            hits.append(Hit(run, seq, step, kind, gist, place))
            if len(hits) >= limit:
                break
    return hits


def _candidates(connection: sqlite3.Connection, run_id: str | None, types: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    marks = ", ".join("?" * len(types))
    keys = connection.execute(
        "SELECT key, run_id FROM runs WHERE ?1 IS NULL OR run_id = ?1 ORDER BY started_at DESC, key DESC", (run_id,)
    ).fetchall()
    for key, name in keys:
        cursor = connection.execute(
            "SELECT seq, step, type, gist, data FROM events JOIN bodies ON bodies.id = body "  # noqa: S608
            f"WHERE run = ? AND type IN ({marks}) ORDER BY seq",
            (key, *types),
        )
        for row in cursor:
            yield (name, *row)


class _Seeker:
    """Looks for one text; remembers which blobs have it, because many events share them."""

    def __init__(self, connection: sqlite3.Connection, needle: str) -> None:
        self._connection = connection
        self._needle = needle
        self._escaped = stored_json(needle)[1:-1]
        self._blobs: dict[int, bool] = {}

    def place_in(self, gist: str, data: str) -> str | None:
        """The place where the event says the text, or None.

        The quick look at the stored form errs to one side only: it may find the name of a field, which the exact look
        then rejects.
        """
        if not (self._escaped in data.casefold() or any(map(self._in_blob, references(data)))):
            return _excerpt(gist, self._needle)
        value = expand(parsed_json(data), lambda blob: load_blob(self._connection, blob))
        found = (_excerpt(string, self._needle) for string in _strings(value))
        return next((place for place in found if place is not None), None) or _excerpt(gist, self._needle)

    def _in_blob(self, identity: int) -> bool:
        if identity not in self._blobs:
            self._blobs[identity] = self._needle in load_blob(self._connection, identity).casefold()
        return self._blobs[identity]


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _excerpt(text: str, needle: str) -> str | None:
    """The surroundings of the first place; folding case may lengthen text, so that the cut can be off by a little."""
    at = text.casefold().find(needle)
    if at < 0:
        return None
    begin = max(0, at - _BEFORE)
    return ("…" if begin else "") + one_line(text[begin : at + len(needle) + _AFTER], _BEFORE + _AFTER)
