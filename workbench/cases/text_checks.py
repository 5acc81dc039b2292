"""Checks of a text: of a run's output, or of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher, unified_diff
from itertools import islice

from workbench.cases.faults import Fault
from workbench.cases.jsonpaths import JsonPathError, found_at
from workbench.cases.schema import ContentPart, JsonPart
from workbench.jsontypes import JsonValue
from workbench.trace.digest import canonical

_SHOWN = 300
_DIFF_LINES = 12
_MOST_COMPARED = 20_000


def content_faults(part: ContentPart, text: str, name: str) -> Iterator[Fault]:
    """What of `text`, which messages call `name`, is not as `part` says."""
    for wanted in part.contains:
        if wanted not in text:
            yield Fault(f"{name} contains {wanted!r}", _nearest(wanted, text))
    for unwanted in part.not_contains:
        if unwanted in text:
            yield Fault(f"{name} does not contain {unwanted!r}", _around(text, text.index(unwanted), len(unwanted)))
    if part.matches is not None and re.search(part.matches, text) is None:
        yield Fault(f"{name} matches {part.matches!r}", clipped(text))
    if part.equals is not None and part.equals.rstrip() != text.rstrip():
        yield Fault(f"{name} is what was kept", _difference(part.equals.rstrip(), text.rstrip()))
    if part.json_at is not None:
        yield from _json_faults(part.json_at, text, name)


def same_json(value: JsonValue, wanted: JsonValue) -> bool:
    """Whether two JSON values are the same, in canonical form."""
    return canonical(value) == canonical(wanted)


def as_text(value: JsonValue) -> str:
    """A JSON value as conditions on text see it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical(value)


def clipped(text: str, longest: int = _SHOWN) -> str:
    """The beginning of a text."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _json_faults(part: JsonPart, text: str, name: str) -> Iterator[Fault]:
    place = f"{part.path} of {name}"
    try:
        values = found_at(part.path, text)
    except JsonPathError as error:
        yield Fault(f"{place} is readable", f"{error}: {clipped(text)}")
        return
    if part.exists is False:
        if values:
            yield Fault(f"nothing at {place}", clipped(as_text(values[0])))
        return
    if not values:
        yield Fault(f"something at {place}", f"nothing is there in {clipped(text)}")
        return
    found = ", ".join(clipped(canonical(value), 100) for value in values[:5])
    if part.equals is not None and not any(same_json(value, part.equals) for value in values):
        yield Fault(f"{place} is {clipped(canonical(part.equals))}", found)
    for wanted in part.contains:
        if not any(wanted in as_text(value) for value in values):
            yield Fault(f"{place} contains {wanted!r}", found)
    if part.matches is not None and not any(re.search(part.matches, as_text(value)) for value in values):
        yield Fault(f"{place} matches {part.matches!r}", found)


def _nearest(wanted: str, text: str) -> str:
    """The line of the text that is most like what was wanted; all of a short text."""
    lines = [line for line in text[:_MOST_COMPARED].splitlines() if line.strip()]
    if len(lines) < 2 or "\n" in wanted:
        return clipped(text) or "nothing"
    best = max(lines, key=lambda line: SequenceMatcher(None, wanted, line[:_SHOWN], autojunk=False).ratio())
    return f"{clipped(best)}  (the nearest of {len(lines)} lines)"


def _around(text: str, at: int, length: int) -> str:
    before, after = max(0, at - 60), at + length + 60
    return f"{'…' if before else ''}{text[before:after]}{'…' if after < len(text) else ''}"


def _difference(wanted: str, found: str) -> str:
    lines = unified_diff(wanted.splitlines(), found.splitlines(), "kept", "now", n=1, lineterm="")
    shown = list(islice(lines, _DIFF_LINES + 1))
    more = ["…"] if len(shown) > _DIFF_LINES else []
    return "\n".join([*(clipped(line) for line in shown[:_DIFF_LINES]), *more])
